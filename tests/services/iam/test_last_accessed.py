"""Reports of last access, from real calls."""

from __future__ import annotations

from typing import Any

from tests.services.iam.support import ARN, policy, refusal

from mesocosm.testing.local import LocalCloud


def test_a_report_shows_what_was_reached_and_what_could_be(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(["iam:List*", "sqs:*"]))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    client = cloud.client("iam", credentials=key)
    client.list_users()
    job = iam.generate_service_last_accessed_details(
        Arn=f"{ARN}:user/u", Granularity="ACTION_LEVEL"
    )["JobId"]
    found = iam.get_service_last_accessed_details(JobId=job)
    assert (found["JobStatus"], found["JobType"]) == ("COMPLETED", "ACTION_LEVEL")
    used, unused = found["ServicesLastAccessed"]
    assert used["ServiceNamespace"] == "iam"
    assert used["ServiceName"] == "AWS Identity and Access Management (IAM)"
    assert used["LastAuthenticatedEntity"] == f"{ARN}:user/u"
    assert used["TotalAuthenticatedEntities"] == 1
    assert [row["ActionName"] for row in used["TrackedActionsLastAccessed"]] == ["ListUsers"]
    assert (unused["ServiceNamespace"], unused["TotalAuthenticatedEntities"]) == ("sqs", 0)
    assert "LastAuthenticated" not in unused
    entities = iam.get_service_last_accessed_details_with_entities(
        JobId=job, ServiceNamespace="iam"
    )["EntityDetailsList"]
    assert entities[0]["EntityInfo"]["Name"] == "u"
    assert entities[0]["EntityInfo"]["Type"] == "USER"
    other = cloud.client("iam", account="222222222222")
    assert refusal(other.get_service_last_accessed_details, JobId=job)[0] == "NoSuchEntity"


def test_a_report_on_a_policy_covers_everyone_who_has_it(cloud: LocalCloud, iam: Any) -> None:
    arn = iam.create_policy(PolicyName="p", PolicyDocument=policy("sts:*"))["Policy"]["Arn"]
    iam.create_group(GroupName="g")
    iam.attach_group_policy(GroupName="g", PolicyArn=arn)
    for name in ("a", "b"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="g", UserName=name)
    key = iam.create_access_key(UserName="b")["AccessKey"]
    cloud.client("sts", credentials=key).get_caller_identity()
    job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    (found,) = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    assert found["LastAuthenticatedEntity"] == f"{ARN}:user/b"
    assert "TrackedActionsLastAccessed" not in found
    entities = iam.get_service_last_accessed_details_with_entities(
        JobId=job, ServiceNamespace="sts"
    )["EntityDetailsList"]
    assert [row["EntityInfo"]["Name"] for row in entities] == ["b", "a"]


def test_which_policies_grant_a_service(iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.put_group_policy(GroupName="g", PolicyName="all", PolicyDocument=policy("*"))
    iam.put_user_policy(UserName="u", PolicyName="s3", PolicyDocument=policy("s3:Get*"))
    read_only = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    iam.attach_user_policy(UserName="u", PolicyArn=read_only)
    found = iam.list_policies_granting_service_access(
        Arn=f"{ARN}:user/u", ServiceNamespaces=["iam", "s3"]
    )["PoliciesGrantingServiceAccess"]
    by_service = {
        row["ServiceNamespace"]: [policy["PolicyName"] for policy in row["Policies"]]
        for row in found
    }
    assert by_service == {"iam": ["IAMReadOnlyAccess", "all"], "s3": ["s3", "all"]}
    inline = found[1]["Policies"][0]
    assert inline == {
        "PolicyName": "s3",
        "PolicyType": "INLINE",
        "EntityType": "USER",
        "EntityName": "u",
    }
