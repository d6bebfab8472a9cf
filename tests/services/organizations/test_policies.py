"""Policies of an organization, and what they stop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.organizations.support import (
    MANAGEMENT,
    OTHER,
    Org,
    administrator,
    code,
    deny,
    document,
    reason,
    refusal,
)

from mesocosm.testing.local import LocalCloud

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


@pytest.fixture
def member(org: Org) -> str:
    """A member account of an organization whose SCPs work."""
    org.enable()
    return org.account()


def attached(org: Org, target: str, kind: str = SCP) -> list[str]:
    """The ids of the policies attached to a target."""
    found = org.api.list_policies_for_target(TargetId=target, Filter=kind)["Policies"]
    return [row["Id"] for row in found]


# -- documents and attachments ----------------------------------------


def test_full_access_is_attached_everywhere_when_scps_are_enabled(org: Org) -> None:
    unit = org.unit("a")
    account = org.account()
    assert attached(org, unit) == []
    org.enable()
    later = org.unit("b")
    for target in (org.root, unit, later, account, MANAGEMENT):
        assert attached(org, target) == ["p-FullAWSAccess"]
    assert org.api.list_roots()["Roots"][0]["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    assert (
        code(org.api.enable_policy_type, RootId=org.root, PolicyType=SCP)
        == "PolicyTypeAlreadyEnabledException"
    )
    assert len(org.api.list_targets_for_policy(PolicyId="p-FullAWSAccess")["Targets"]) == 5
    org.api.disable_policy_type(RootId=org.root, PolicyType=SCP)
    assert attached(org, org.root) == []


def test_the_last_scp_stays_and_five_are_the_limit(org: Org) -> None:
    org.enable()
    assert reason(org.api.detach_policy, PolicyId="p-FullAWSAccess", TargetId=org.root) == (
        "ConstraintViolationException",
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    )
    made = [org.policy(deny("s3:*"), f"n{number}") for number in range(5)]
    for name in made[:4]:
        org.api.attach_policy(PolicyId=name, TargetId=org.root)
    assert reason(org.api.attach_policy, PolicyId=made[4], TargetId=org.root) == (
        "ConstraintViolationException",
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    )
    org.api.detach_policy(PolicyId="p-FullAWSAccess", TargetId=org.root)
    assert (
        code(org.api.attach_policy, PolicyId=made[0], TargetId=org.root)
        == "DuplicatePolicyAttachmentException"
    )
    assert code(org.api.delete_policy, PolicyId=made[0]) == "PolicyInUseException"
    assert (
        code(org.api.detach_policy, PolicyId=made[4], TargetId=org.root)
        == "PolicyNotAttachedException"
    )
    org.api.delete_policy(PolicyId=made[4])
    assert code(org.api.describe_policy, PolicyId=made[4]) == "PolicyNotFoundException"


def test_a_policy_of_a_type_that_is_not_enabled_cannot_be_attached(org: Org) -> None:
    made = org.policy(deny("s3:*"))
    assert (
        code(org.api.attach_policy, PolicyId=made, TargetId=org.root)
        == "PolicyTypeNotEnabledException"
    )


def test_policies_of_aws_cannot_be_changed(org: Org) -> None:
    assert reason(org.api.update_policy, PolicyId="p-FullAWSAccess", Name="x") == (
        "InvalidInputException",
        "IMMUTABLE_POLICY",
    )
    found = org.api.describe_policy(PolicyId="p-FullAWSAccess")["Policy"]["PolicySummary"]
    assert found["Arn"] == (
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
    )
    assert found["AwsManaged"] is True


def test_a_policy_is_made_listed_and_changed(org: Org) -> None:
    made = org.policy(deny("s3:*"), "first")
    assert (
        code(org.api.create_policy, Content=deny("s3:*"), Name="first", Description="", Type=SCP)
        == "DuplicatePolicyException"
    )
    found = org.api.update_policy(PolicyId=made, Name="second", Description="d")["Policy"]
    assert found["PolicySummary"]["Arn"] == (
        f"arn:aws:organizations::{MANAGEMENT}:policy/{org.id}/service_control_policy/{made}"
    )
    names = {row["Name"] for row in org.api.list_policies(Filter=SCP)["Policies"]}
    assert names == {"FullAWSAccess", "second"}
    assert org.api.describe_policy(PolicyId=made)["Policy"]["Content"] == deny("s3:*")


def test_documents_are_checked(org: Org) -> None:
    def made(content: str, kind: str = SCP) -> tuple[str, str]:
        return refusal(org.api.create_policy, Content=content, Name="n", Description="", Type=kind)

    malformed = "MalformedPolicyDocumentException"
    named = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    assert made("{") == (
        malformed,
        "The provided policy document does not meet the requirements of the specified policy type.",
    )
    assert made(document(named))[0] == malformed
    assert made(document({"Effect": "Allow", "Action": "*", "Resource": "*"}), RCP)[0] == malformed
    assert made('{"plans": {}}', "TAG_POLICY")[0] == malformed
    assert made('{"tags": {"a": {"@@unknown": 1}}}', "TAG_POLICY")[0] == malformed
    long = deny(*(f"s3:Get{number:05}" for number in range(500)))
    assert reason(org.api.create_policy, Content=long, Name="n", Description="", Type=SCP) == (
        "ConstraintViolationException",
        "POLICY_CONTENT_LIMIT_EXCEEDED",
    )


# -- SCPs at work ----------------------------------------


def test_an_scp_stops_an_administrator_of_a_member_at_the_next_call(org: Org, member: str) -> None:
    keys = administrator(org.cloud, member)
    sqs = org.cloud.client("sqs", credentials=keys)
    sqs.create_queue(QueueName="before")
    made = org.attach(deny("sqs:CreateQueue"), member)
    found, message = refusal(sqs.create_queue, QueueName="after")
    assert found.endswith("AccessDenied")
    assert "with an explicit deny in a service control policy" in message
    sqs.list_queues()
    org.api.detach_policy(PolicyId=made, TargetId=member)
    sqs.create_queue(QueueName="after")


def test_an_scp_limits_the_root_user_of_a_member(org: Org, member: str) -> None:
    root = org.cloud.client("sqs", account=member)
    root.create_queue(QueueName="before")
    org.attach(deny("sqs:*"), org.root)
    assert code(root.create_queue, QueueName="after").endswith("AccessDenied")


def test_an_scp_does_not_limit_the_management_account(org: Org, member: str) -> None:
    org.attach(deny("sqs:*"), org.root)
    keys = administrator(org.cloud, MANAGEMENT)
    org.cloud.client("sqs", credentials=keys).create_queue(QueueName="q")
    assert code(org.cloud.client("sqs", account=member).list_queues).endswith("AccessDenied")


def test_every_level_must_allow(org: Org, member: str) -> None:
    unit = org.unit("workloads")
    org.api.move_account(AccountId=member, SourceParentId=org.root, DestinationParentId=unit)
    only = document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    org.attach(only, unit)
    iam = org.cloud.client("iam", account=member)
    iam.list_users()
    org.api.detach_policy(PolicyId="p-FullAWSAccess", TargetId=unit)
    found, message = refusal(iam.list_users)
    assert found == "AccessDenied"
    assert "because no service control policy allows the iam:ListUsers action" in message
    org.cloud.client("sqs", account=member).list_queues()
    org.api.move_account(AccountId=member, SourceParentId=unit, DestinationParentId=org.root)
    iam.list_users()


def test_a_new_account_is_furnished_whatever_the_scps(org: Org) -> None:
    org.enable()
    org.attach(deny("iam:*"), org.root)
    account = org.account()
    assert code(org.cloud.client("iam", account=account).list_roles) == "AccessDenied"


def test_the_organization_is_a_condition_key(org: Org, member: str) -> None:
    queue = org.cloud.client("sqs", account=MANAGEMENT)
    url = queue.create_queue(QueueName="shared")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{MANAGEMENT}:shared"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": org.id}},
    }
    queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(statement)})
    inside = org.cloud.client("sqs", credentials=administrator(org.cloud, member))
    outside = org.cloud.client("sqs", credentials=administrator(org.cloud, OTHER))
    inside.send_message(QueueUrl=url, MessageBody="hello")
    assert code(outside.send_message, QueueUrl=url, MessageBody="hello").endswith("AccessDenied")


# -- RCPs at work ----------------------------------------


def outsiders(org: Org, *actions: str) -> str:
    """An RCP that keeps principals of other organizations out."""
    return document(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(actions),
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": org.id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        }
    )


def open_bucket(cloud: LocalCloud, account: str) -> Any:
    """A bucket that gives its objects to everybody with an account."""
    s3 = cloud.client("s3", account=account)
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="k", Body=b"v")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::data/*",
    }
    s3.put_bucket_policy(Bucket="data", Policy=document(statement))
    return s3


def test_an_rcp_keeps_outsiders_from_the_buckets_of_a_member(org: Org) -> None:
    org.enable(RCP)
    member = org.account()
    owner = open_bucket(org.cloud, member)
    outside = org.cloud.client("s3", credentials=administrator(org.cloud, OTHER))
    outside.get_object(Bucket="data", Key="k")
    org.attach(outsiders(org, "s3:*"), org.root, RCP)
    found, message = refusal(outside.get_object, Bucket="data", Key="k")
    assert found == "AccessDenied"
    assert "with an explicit deny in a resource control policy" in message
    owner.get_object(Bucket="data", Key="k")


def test_an_rcp_does_not_protect_the_management_account(org: Org) -> None:
    org.enable(RCP)
    open_bucket(org.cloud, MANAGEMENT)
    org.attach(outsiders(org, "s3:*"), org.root, RCP)
    outside = org.cloud.client("s3", credentials=administrator(org.cloud, OTHER))
    outside.get_object(Bucket="data", Key="k")


def test_an_rcp_keeps_outsiders_from_the_roles_of_a_member(org: Org) -> None:
    org.enable(RCP)
    member = org.account()
    trust = document({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"})
    org.cloud.client("iam", account=member).create_role(
        RoleName="r", AssumeRolePolicyDocument=trust
    )
    sts = org.cloud.client("sts", credentials=administrator(org.cloud, OTHER))
    wanted = {"RoleArn": f"arn:aws:iam::{member}:role/r", "RoleSessionName": "ops"}
    sts.assume_role(**wanted)
    org.attach(outsiders(org, "sts:AssumeRole"), member, RCP)
    found, message = refusal(sts.assume_role, **wanted)
    assert found == "AccessDenied"
    assert "with an explicit deny in a resource control policy" in message


def test_full_access_of_rcps_cannot_be_detached(org: Org) -> None:
    org.enable(RCP)
    assert reason(org.api.detach_policy, PolicyId="p-RCPFullAWSAccess", TargetId=org.root) == (
        "InvalidInputException",
        "NON_DETACHABLE_POLICY",
    )


# -- effective policies ----------------------------------------


def tag_policy(**node: Any) -> str:
    """A tag policy about one key."""
    return json.dumps({"tags": {"costcenter": node}})


def test_the_effective_policy_is_merged_from_the_root_down(org: Org) -> None:
    kind = "TAG_POLICY"
    org.enable(kind)
    account, unit = org.account(), org.unit("a")
    org.api.move_account(AccountId=account, SourceParentId=org.root, DestinationParentId=unit)
    asked = {"PolicyType": kind, "TargetId": account}
    assert code(org.api.describe_effective_policy, **asked) == "EffectivePolicyNotFoundException"
    org.attach(
        tag_policy(
            tag_key={
                "@@assign": "CostCenter",
                "@@operators_allowed_for_child_policies": ["@@none"],
            },
            tag_value={"@@assign": ["100", "200"]},
        ),
        org.root,
        kind,
    )
    org.attach(
        tag_policy(tag_key={"@@assign": "COSTCENTER"}, tag_value={"@@append": ["300"]}), unit, kind
    )
    org.attach(tag_policy(tag_value={"@@remove": ["200"]}), account, kind)
    found = org.api.describe_effective_policy(**asked)["EffectivePolicy"]
    assert json.loads(found["PolicyContent"]) == {
        "tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["100", "300"]}}
    }
    member = org.cloud.client("organizations", account=account)
    own = member.describe_effective_policy(PolicyType=kind)["EffectivePolicy"]
    assert own["PolicyContent"] == found["PolicyContent"]
    assert (
        code(member.describe_effective_policy, PolicyType=kind, TargetId=MANAGEMENT)
        == "AccessDeniedException"
    )


def test_whoever_makes_something_with_tags_must_be_allowed_to_tag(org: Org) -> None:
    keys = administrator(org.cloud, MANAGEMENT)
    org.cloud.client("iam", account=MANAGEMENT).put_user_policy(
        UserName="admin", PolicyName="no", PolicyDocument=deny("organizations:TagResource")
    )
    api = org.cloud.client("organizations", credentials=keys)
    unit = {"ParentId": org.root, "Name": "a"}
    found, message = refusal(
        api.create_organizational_unit, **unit, Tags=[{"Key": "a", "Value": "b"}]
    )
    assert found == "AccessDeniedException"
    assert "organizations:TagResource" in message
    api.create_organizational_unit(**unit)
