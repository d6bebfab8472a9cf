"""Roles: trust policies, who they name, instance profiles, last use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.iam.support import ACCOUNT, ARN, EC2, policy, refusal, trust

from mesocosm.testing.local import LocalCloud


def test_a_role_is_made_changed_and_deleted(iam: Any) -> None:
    made = iam.create_role(RoleName="R", Path="/p/", AssumeRolePolicyDocument=EC2, Description="d")[
        "Role"
    ]
    assert made["Arn"] == f"{ARN}:role/p/R"
    assert made["RoleId"].startswith("AROA")
    assert made["MaxSessionDuration"] == 3600
    role = iam.get_role(RoleName="R")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(EC2)
    assert role["RoleLastUsed"] == {}
    iam.update_role(RoleName="R", MaxSessionDuration=7200)
    role = iam.get_role(RoleName="R")["Role"]
    assert (role["MaxSessionDuration"], role["Description"]) == (7200, "d")
    assert iam.update_role_description(RoleName="R", Description="e")["Role"]["Description"] == "e"
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=EC2) == (
        "EntityAlreadyExists",
        "Role with name r already exists.",
    )
    iam.delete_role(RoleName="R")
    assert refusal(iam.get_role, RoleName="R") == (
        "NoSuchEntity",
        "The role with name R cannot be found.",
    )


def test_the_document_travels_percent_encoded(cloud: LocalCloud, iam: Any) -> None:
    seen = []
    iam.meta.events.register(
        "after-call.iam", lambda http_response, **_: seen.append(http_response.content.decode())
    )
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    assert "%7B%22Version%22%3A%20%222012-10-17%22" in seen[0]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Syntax errors in policy."),
        (policy("sts:AssumeRole", Principal={"AWS": "*"}), "Has prohibited field Resource"),
        (trust(AWS="arn:aws:iam::111111111111:user/none"), None),
        (trust(AWS="nonsense"), 'Invalid principal in policy: "AWS":"nonsense"'),
        (trust(Service="nonsense"), 'Invalid principal in policy: "SERVICE":"nonsense"'),
    ],
)
def test_trust_policies_that_are_refused(iam: Any, document: str, message: str | None) -> None:
    code, found = refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    expected = 'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/none"'
    assert found == (message or expected)


def test_a_deleted_principal_shows_as_its_id_and_a_new_one_is_not_trusted(iam: Any) -> None:
    user = iam.create_user(UserName="u")["User"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(AWS=[user["Arn"], ACCOUNT]))

    def named() -> Any:
        document = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
        return document["Statement"][0]["Principal"]["AWS"]

    assert named() == [user["Arn"], ACCOUNT]
    iam.delete_user(UserName="u")
    assert named() == [user["UserId"], ACCOUNT]
    iam.create_user(UserName="u")
    assert named() == [user["UserId"], ACCOUNT]
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust(AWS=user["Arn"]))
    assert named() == user["Arn"]


def test_a_renamed_principal_shows_under_its_new_name(iam: Any) -> None:
    user = iam.create_user(UserName="u")["User"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(AWS=user["Arn"]))
    iam.update_user(UserName="u", NewUserName="v")
    document = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] == f"{ARN}:user/v"


def test_assuming_a_role_is_its_last_use(cloud: LocalCloud, iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(AWS=ACCOUNT))
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy("iam:ListRoles"))
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    sts = cloud.client("sts", credentials=key)
    session = sts.assume_role(RoleArn=f"{ARN}:role/r", RoleSessionName="session")
    as_role = cloud.client("iam", credentials=session["Credentials"])
    assert [row["RoleName"] for row in as_role.list_roles()["Roles"]] == ["r"]
    assert refusal(as_role.list_users)[0] == "AccessDenied"
    assert iam.get_role(RoleName="r")["Role"]["RoleLastUsed"]["Region"] == "us-east-1"
    iam.delete_role_policy(RoleName="r", PolicyName="p")
    assert refusal(as_role.list_roles)[0] == "AccessDenied"


def test_a_trust_policy_does_not_decide_about_reading_the_role(
    iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:GetRole"))
    assert signed_in("u").get_role(RoleName="r")["Role"]["RoleName"] == "r"


def test_an_instance_profile_holds_one_role(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=EC2)
    made = iam.create_instance_profile(InstanceProfileName="P")["InstanceProfile"]
    assert made["Arn"] == f"{ARN}:instance-profile/P"
    assert made["InstanceProfileId"].startswith("AIPA")
    assert made["Roles"] == []
    iam.add_role_to_instance_profile(InstanceProfileName="P", RoleName="r")
    assert refusal(iam.add_role_to_instance_profile, InstanceProfileName="P", RoleName="other") == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    found = iam.get_instance_profile(InstanceProfileName="P")["InstanceProfile"]
    assert [row["RoleName"] for row in found["Roles"]] == ["r"]
    assert len(iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]) == 1
    message = "Cannot delete entity, must remove roles from instance profile first."
    assert refusal(iam.delete_role, RoleName="r") == ("DeleteConflict", message)
    assert refusal(iam.delete_instance_profile, InstanceProfileName="P") == (
        "DeleteConflict",
        message,
    )
    iam.remove_role_from_instance_profile(InstanceProfileName="P", RoleName="r")
    iam.delete_instance_profile(InstanceProfileName="P")
    assert refusal(iam.get_instance_profile, InstanceProfileName="P") == (
        "NoSuchEntity",
        "Instance Profile P cannot be found.",
    )


def test_putting_a_role_into_a_profile_needs_pass_role(
    iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.create_instance_profile(InstanceProfileName="p")
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=policy("iam:AddRoleToInstanceProfile")
    )
    client = signed_in("u")
    arguments = {"InstanceProfileName": "p", "RoleName": "r"}
    assert "iam:PassRole" in refusal(client.add_role_to_instance_profile, **arguments)[1]
    only = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    passing = policy("iam:PassRole", f"{ARN}:role/r", Condition=only)
    iam.put_user_policy(UserName="u", PolicyName="q", PolicyDocument=passing)
    client.add_role_to_instance_profile(**arguments)


def test_instance_profiles_and_roles_have_tags(iam: Any) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2, Tags=tags)
    iam.create_instance_profile(InstanceProfileName="p", Tags=tags)
    assert iam.list_role_tags(RoleName="r")["Tags"] == tags
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == tags
    iam.untag_role(RoleName="r", TagKeys=["a"])
    iam.untag_instance_profile(InstanceProfileName="p", TagKeys=["a"])
    assert iam.list_role_tags(RoleName="r")["Tags"] == []
    assert iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Tags"] == []


def test_trust_policies_have_a_size(iam: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": ["0" * 12] * 200}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=document) == (
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )
