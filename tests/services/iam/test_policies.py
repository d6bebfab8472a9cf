"""Managed policies, their versions and attachments; inline policies; boundaries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.iam.support import ARN, EC2, policy, refusal

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
IAM_READ_ONLY = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"


def make(iam: Any, name: str = "P", document: str | None = None, **more: Any) -> str:
    """A managed policy; returns its ARN."""
    text = document or policy("s3:GetObject")
    arn: str = iam.create_policy(PolicyName=name, PolicyDocument=text, **more)["Policy"]["Arn"]
    return arn


def test_a_policy_is_made_and_read(iam: Any) -> None:
    arn = make(iam, Path="/x/", Description="d", Tags=[{"Key": "a", "Value": "b"}])
    assert arn == f"{ARN}:policy/x/P"
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert found["PolicyId"].startswith("ANPA")
    assert (found["DefaultVersionId"], found["AttachmentCount"]) == ("v1", 0)
    assert (found["Description"], found["Tags"]) == ("d", [{"Key": "a", "Value": "b"}])
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(policy("s3:GetObject"))
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=policy("s3:*")) == (
        "EntityAlreadyExists",
        "A policy called p already exists. Duplicate names are not allowed.",
    )
    missing = f"{ARN}:policy/none"
    assert refusal(iam.get_policy, PolicyArn=missing) == (
        "NoSuchEntity",
        f"Policy {missing} was not found.",
    )
    assert refusal(iam.get_policy, PolicyArn="arn:aws:s3:::some-bucket")[0] == "InvalidInput"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("not json", "Syntax errors in policy."),
        ('{"Version":"2012-10-17"}', "Syntax errors in policy."),
        (
            '{"Version":"2008-10-17","Statement":[]}',
            None,
        ),
        (
            policy("s3"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (policy("s3:*", "bucket"), 'Resource bucket must be in ARN format or "*".'),
        (policy("s3:*", Principal="*"), "Policy document should not specify a principal."),
    ],
)
def test_documents_that_are_refused(iam: Any, document: str, message: str | None) -> None:
    code, found = refusal(iam.create_policy, PolicyName="p", PolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    if message is not None:
        assert found == message


def test_there_are_five_versions_at_most(iam: Any) -> None:
    arn = make(iam)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:*"))
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy("s3:*")) == (
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, "
        "you must delete an existing version.",
    )
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    made = iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy("s3:*"), SetAsDefault=True
    )
    assert made["PolicyVersion"]["VersionId"] == "v6"
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [row["VersionId"] for row in listed] == ["v6", "v5", "v4", "v3", "v1"]
    assert [row["IsDefaultVersion"] for row in listed] == [True, False, False, False, False]
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v6") == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
    )
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    assert refusal(iam.get_policy_version, PolicyArn=arn, VersionId="v2") == (
        "NoSuchEntity",
        f"Policy {arn} version v2 does not exist or is not attachable.",
    )


def test_the_default_version_decides(iam: Any, signed_in: Callable[..., Any]) -> None:
    arn = make(iam, document=policy("iam:ListUsers"))
    iam.create_user(UserName="u")
    iam.attach_user_policy(UserName="u", PolicyArn=arn)
    client = signed_in("u")
    client.list_users()
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy("iam:ListRoles"), SetAsDefault=True
    )
    assert refusal(client.list_users)[0] == "AccessDenied"
    client.list_roles()


def test_an_attached_policy_cannot_be_deleted(iam: Any) -> None:
    arn = make(iam)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "P", "PolicyArn": arn}
    ]
    assert refusal(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    assert refusal(iam.delete_role, RoleName="r") == (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    assert refusal(iam.detach_role_policy, RoleName="r", PolicyArn=arn) == (
        "NoSuchEntity",
        f"Policy {arn} was not found.",
    )
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:*"))
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)


def test_ten_policies_are_attached_at_most(iam: Any) -> None:
    iam.create_user(UserName="u")
    for number in range(10):
        iam.attach_user_policy(UserName="u", PolicyArn=make(iam, f"p{number}"))
    assert refusal(iam.attach_user_policy, UserName="u", PolicyArn=make(iam, "p10")) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerUser: 10",
    )
    arn = f"{ARN}:policy/none"
    assert refusal(iam.attach_user_policy, UserName="u", PolicyArn=arn) == (
        "NoSuchEntity",
        f"Policy {arn} does not exist or is not attachable.",
    )


def test_the_policies_of_aws_are_real_and_cannot_be_changed(iam: Any) -> None:
    found = iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")["Policy"]
    assert found["CreateDate"].isoformat().startswith("2015-02-06T18:39:46")
    version = iam.get_policy_version(PolicyArn=found["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"]["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    in_path = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert iam.get_policy(PolicyArn=in_path)["Policy"]["Path"] == "/service-role/"
    wrong_path = "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"
    assert refusal(iam.get_policy, PolicyArn=wrong_path)[0] == "NoSuchEntity"
    assert refusal(iam.delete_policy, PolicyArn=READ_ONLY)[0] == "AccessDenied"
    service = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    assert refusal(iam.attach_role_policy, RoleName="r", PolicyArn=service) == (
        "PolicyNotAttachable",
        "Cannot attach a Service Role Policy to a Customer Role.",
    )


def test_lists_by_scope_path_and_use(iam: Any) -> None:
    mine = make(iam, Path="/mine/")
    make(iam, "Other")
    iam.create_user(UserName="u", PermissionsBoundary=IAM_READ_ONLY)
    iam.attach_user_policy(UserName="u", PolicyArn=mine)
    iam.attach_user_policy(UserName="u", PolicyArn=READ_ONLY)

    def names(**arguments: Any) -> list[str]:
        pages = iam.get_paginator("list_policies").paginate(**arguments)
        return [row["PolicyName"] for page in pages for row in page["Policies"]]

    assert names(Scope="Local") == ["Other", "P"]
    assert names(Scope="Local", PathPrefix="/mine/") == ["P"]
    assert names(OnlyAttached=True) == ["IAMReadOnlyAccess", "P", "ReadOnlyAccess"]
    assert names(PolicyUsageFilter="PermissionsPolicy") == ["P", "ReadOnlyAccess"]
    assert names(PolicyUsageFilter="PermissionsBoundary") == ["IAMReadOnlyAccess"]
    assert len(names(Scope="AWS")) > 1000
    entities = iam.list_entities_for_policy(PolicyArn=IAM_READ_ONLY)
    assert [row["UserName"] for row in entities["PolicyUsers"]] == ["u"]
    attached = iam.list_entities_for_policy(
        PolicyArn=IAM_READ_ONLY, PolicyUsageFilter="PermissionsPolicy"
    )
    assert attached["PolicyUsers"] == []


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_inline_policies(iam: Any, kind: str) -> None:
    whom = {f"{kind.title()}Name": "it"}
    if kind == "role":
        iam.create_role(RoleName="it", AssumeRolePolicyDocument=EC2)
    else:
        getattr(iam, f"create_{kind}")(**whom)
    put = getattr(iam, f"put_{kind}_policy")
    get = getattr(iam, f"get_{kind}_policy")
    names = getattr(iam, f"list_{kind}_policies")
    put(**whom, PolicyName="b", PolicyDocument=policy("s3:*"))
    put(**whom, PolicyName="a", PolicyDocument=policy("s3:*"))
    put(**whom, PolicyName="a", PolicyDocument=policy("sqs:*"))
    assert names(**whom)["PolicyNames"] == ["a", "b"]
    assert get(**whom, PolicyName="a")["PolicyDocument"] == json.loads(policy("sqs:*"))
    getattr(iam, f"delete_{kind}_policy")(**whom, PolicyName="a")
    assert refusal(get, **whom, PolicyName="a") == (
        "NoSuchEntity",
        f"The {kind} policy with name a cannot be found.",
    )
    long = policy([f"s3:{'x' * 100}"] * 110)
    quota = {"user": 2048, "group": 5120, "role": 10240}[kind]
    assert refusal(put, **whom, PolicyName="c", PolicyDocument=long) == (
        "LimitExceeded",
        f"Maximum policy size of {quota} bytes exceeded for {kind} it",
    )


def test_a_boundary_limits_what_was_granted(iam: Any, signed_in: Callable[..., Any]) -> None:
    arn = make(iam, document=policy("iam:List*"))
    iam.create_user(UserName="u", PermissionsBoundary=arn)
    assert iam.get_user(UserName="u")["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": arn,
    }
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:*"))
    client = signed_in("u")
    client.list_users()
    code, message = refusal(client.get_user)
    assert code == "AccessDenied"
    assert message.endswith("because no permissions boundary allows the iam:GetUser action")
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    iam.delete_user_permissions_boundary(UserName="u")
    client.get_user()


def test_a_boundary_can_be_demanded(iam: Any, signed_in: Callable[..., Any]) -> None:
    arn = make(iam)
    only = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u",
        PolicyName="p",
        PolicyDocument=policy(["iam:CreateRole", "iam:PutRolePolicy"], Condition=only),
    )
    client = signed_in("u")
    made = {"RoleName": "r", "AssumeRolePolicyDocument": EC2}
    assert refusal(client.create_role, **made)[0] == "AccessDenied"
    client.create_role(**made, PermissionsBoundary=arn)
    client.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy("s3:*"))
    iam.delete_role_permissions_boundary(RoleName="r")
    inline = {"RoleName": "r", "PolicyName": "q", "PolicyDocument": policy("s3:*")}
    assert refusal(client.put_role_policy, **inline)[0] == "AccessDenied"


def test_which_policies_may_be_attached_can_be_limited(
    iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_user(UserName="u")
    only = {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}
    iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=policy("iam:AttachUserPolicy", Condition=only)
    )
    client = signed_in("u")
    client.attach_user_policy(UserName="u", PolicyArn=READ_ONLY)
    wide = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refusal(client.attach_user_policy, UserName="u", PolicyArn=wide)[0] == "AccessDenied"


def test_policies_have_tags(iam: Any) -> None:
    arn = make(iam)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == []
    assert iam.list_policy_tags(PolicyArn=READ_ONLY)["Tags"] == []
