"""The account: alias, summary, credential report, details, token issuer."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from tests.services.iam.support import ACCOUNT, ARN, EC2, policy, refusal, status

from mesocosm.testing.local import LocalCloud


def test_an_alias_is_unique_and_replaced_by_the_next(cloud: LocalCloud, iam: Any) -> None:
    iam.create_account_alias(AccountAlias="first")
    iam.create_account_alias(AccountAlias="second")
    assert iam.list_account_aliases()["AccountAliases"] == ["second"]
    other = cloud.client("iam", account="222222222222")
    assert refusal(other.create_account_alias, AccountAlias="second") == (
        "EntityAlreadyExists",
        "The account alias second already exists.",
    )
    other.create_account_alias(AccountAlias="first")
    assert refusal(iam.delete_account_alias, AccountAlias="first")[0] == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="second")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_the_summary_counts(iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    found = iam.get_account_summary()["SummaryMap"]
    assert (found["Users"], found["Roles"], found["Groups"]) == (1, 1, 0)
    assert (found["UsersQuota"], found["AccessKeysPerUserQuota"]) == (5000, 2)
    assert found["GlobalEndpointTokenVersion"] == 2


def test_the_credential_report_is_a_real_one(cloud: LocalCloud, iam: Any) -> None:
    assert refusal(iam.get_credential_report)[0] == "ReportNotPresent"
    assert status(iam.get_credential_report) == 410
    iam.create_user(UserName="u", Path="/p/")
    iam.create_login_profile(UserName="u", Password="Correct-horse-1")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    cloud.client("sts", credentials=key).get_caller_identity()
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    root, user = csv.DictReader(io.StringIO(report["Content"].decode()))
    assert root["user"] == "<root_account>"
    assert root["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert (user["user"], user["arn"]) == ("u", f"{ARN}:user/p/u")
    assert (user["password_enabled"], user["mfa_active"]) == ("true", "false")
    assert (user["access_key_1_active"], user["access_key_2_active"]) == ("true", "false")
    assert user["access_key_1_last_used_service"] == "sts"
    assert user["access_key_2_last_rotated"] == "N/A"
    cloud.advance(4 * 3600 + 1)
    assert refusal(iam.get_credential_report)[0] == "ReportExpired"
    assert iam.generate_credential_report()["State"] == "STARTED"


def test_details_of_everything_by_filter_and_page(iam: Any) -> None:
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.create_user(UserName="u", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("s3:*"))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.attach_role_policy(RoleName="r", PolicyArn=read_only)
    iam.create_instance_profile(InstanceProfileName="ip")
    iam.add_role_to_instance_profile(InstanceProfileName="ip", RoleName="r")
    iam.create_policy(PolicyName="local", PolicyDocument=policy("s3:*"))
    found = iam.get_account_authorization_details()
    (user,), (group,), (role,) = (found[f"{kind}DetailList"] for kind in ("User", "Group", "Role"))
    assert user["GroupList"] == ["g"]
    assert user["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:*"
    assert user["Tags"] == [{"Key": "a", "Value": "b"}]
    assert group["GroupName"] == "g"
    assert role["AttachedManagedPolicies"][0]["PolicyArn"] == read_only
    assert role["InstanceProfileList"][0]["InstanceProfileName"] == "ip"
    names = [row["PolicyName"] for row in found["Policies"]]
    assert names == ["ReadOnlyAccess", "local"]
    assert found["Policies"][1]["PolicyVersionList"][0]["IsDefaultVersion"] is True
    only = iam.get_account_authorization_details(Filter=["Role"])
    assert [len(only[key]) for key in ("UserDetailList", "RoleDetailList")] == [0, 1]
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["UserDetailList"]) + len(page["Policies"]) for page in pages) == 3


def test_the_token_issuer_is_switched_on_and_off(cloud: LocalCloud, iam: Any) -> None:
    assert refusal(iam.get_outbound_web_identity_federation_info)[0] == "FeatureDisabled"
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert issuer.startswith(f"{cloud.endpoint}/_sts/")
    assert refusal(iam.enable_outbound_web_identity_federation)[0] == "FeatureEnabled"
    found = iam.get_outbound_web_identity_federation_info()
    assert (found["IssuerIdentifier"], found["JwtVendingEnabled"]) == (issuer, True)
    iam.disable_outbound_web_identity_federation()
    assert iam.enable_outbound_web_identity_federation()["IssuerIdentifier"] == issuer


def test_a_rewind_brings_users_and_their_grants_back(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    client = cloud.client("iam", credentials=key)
    cloud.snapshot("before-iam-rewind")
    iam.delete_user_policy(UserName="u", PolicyName="p")
    assert refusal(client.list_users)[0] == "AccessDenied"
    cloud.rewind("before-iam-rewind")
    assert len(client.list_users()["Users"]) == 1


@pytest.mark.parametrize("operation", ["get_role_template_version", "list_delegation_requests"])
def test_what_is_missing_says_so(iam: Any, operation: str) -> None:
    arguments = (
        {"TemplateArn": "arn:aws:iam::aws:role-template/x/y:1"} if "template" in operation else {}
    )
    assert refusal(getattr(iam, operation), **arguments)[0] == "NotImplemented"
    assert status(getattr(iam, operation), **arguments) == 501
