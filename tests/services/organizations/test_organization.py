"""The organization, its units and its accounts."""

from __future__ import annotations

import json
import re

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


def test_without_an_organization_nothing_is_told(cloud: LocalCloud) -> None:
    api = cloud.client("organizations")
    assert refusal(api.describe_organization) == (
        "AWSOrganizationsNotInUseException",
        "Your account is not a member of an organization.",
    )


def test_a_new_organization_has_a_root_and_its_management_account(org: Org) -> None:
    found = org.api.describe_organization()["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10}", org.id)
    assert re.fullmatch(r"r-[a-z0-9]{4}", org.root)
    assert found["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:organization/{org.id}"
    assert found["MasterAccountId"] == MANAGEMENT
    assert found["FeatureSet"] == "ALL"
    root = org.api.list_roots()["Roots"][0]
    assert root["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:root/{org.id}/{org.root}"
    assert root["PolicyTypes"] == []
    accounts = org.api.list_accounts()["Accounts"]
    assert [row["Id"] for row in accounts] == [MANAGEMENT]
    assert accounts[0]["Paths"] == [f"{org.id}/{org.root}/{MANAGEMENT}/"]
    role = org.cloud.client("iam", account=MANAGEMENT).get_role(
        RoleName="AWSServiceRoleForOrganizations"
    )
    assert role["Role"]["Path"] == "/aws-service-role/organizations.amazonaws.com/"
    assert code(org.api.create_organization) == "AlreadyInOrganizationException"


def test_units_nest_five_deep_and_have_names_of_their_own(org: Org) -> None:
    parent = org.root
    for depth in range(5):
        parent = org.unit(f"u{depth}", parent)
    assert reason(org.api.create_organizational_unit, ParentId=parent, Name="deep") == (
        "ConstraintViolationException",
        "OU_DEPTH_LIMIT_EXCEEDED",
    )
    assert (
        code(org.api.create_organizational_unit, ParentId=org.root, Name="u0")
        == "DuplicateOrganizationalUnitException"
    )
    first = org.api.list_children(ParentId=org.root, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert (
        code(org.api.delete_organizational_unit, OrganizationalUnitId=first[0]["Id"])
        == "OrganizationalUnitNotEmptyException"
    )
    org.api.delete_organizational_unit(OrganizationalUnitId=parent)
    assert (
        refusal(org.api.describe_organizational_unit, OrganizationalUnitId=parent)[0]
        == "OrganizationalUnitNotFoundException"
    )
    org.api.update_organizational_unit(OrganizationalUnitId=first[0]["Id"], Name="renamed")
    found = org.api.list_organizational_units_for_parent(ParentId=org.root)
    assert [row["Name"] for row in found["OrganizationalUnits"]] == ["renamed"]


def test_an_account_is_made_after_some_seconds(org: Org) -> None:
    asked = org.api.create_account(
        AccountName="dev", Email="dev@example.org", Tags=[{"Key": "team", "Value": "a"}]
    )["CreateAccountStatus"]
    assert asked["State"] == "IN_PROGRESS"
    assert "AccountId" not in asked
    assert len(org.api.list_accounts()["Accounts"]) == 1
    org.cloud.advance(5)
    done = org.api.list_create_account_status(States=["SUCCEEDED"])["CreateAccountStatuses"][0]
    account = done["AccountId"]
    assert re.fullmatch(r"[1-9]\d{11}", account)
    found = org.api.describe_account(AccountId=account)["Account"]
    assert (found["Name"], found["Email"]) == ("dev", "dev@example.org")
    assert (found["Status"], found["JoinedMethod"]) == ("ACTIVE", "CREATED")
    assert found["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:account/{org.id}/{account}"
    assert org.api.list_tags_for_resource(ResourceId=account)["Tags"] == [
        {"Key": "team", "Value": "a"}
    ]
    assert org.api.list_parents(ChildId=account)["Parents"] == [{"Id": org.root, "Type": "ROOT"}]


def test_two_accounts_cannot_share_an_address(org: Org) -> None:
    org.account("dev", email="same@example.org")
    asked = org.api.create_account(AccountName="again", Email="Same@example.org")
    org.cloud.advance(5)
    found = org.api.describe_create_account_status(
        CreateAccountRequestId=asked["CreateAccountStatus"]["Id"]
    )["CreateAccountStatus"]
    assert (found["State"], found["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")


def test_ten_accounts_are_the_limit(org: Org) -> None:
    for number in range(9):
        org.api.create_account(AccountName="a", Email=f"a{number}@example.org")
    assert reason(org.api.create_account, AccountName="a", Email="a9@example.org") == (
        "ConstraintViolationException",
        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
    )


def test_there_is_no_account_in_govcloud(org: Org) -> None:
    assert reason(org.api.create_gov_cloud_account, AccountName="a", Email="a@example.org") == (
        "ConstraintViolationException",
        "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED",
    )


@pytest.mark.parametrize("role", [None, "Landing"])
def test_the_management_account_may_take_on_the_role_of_a_new_account(
    org: Org, role: str | None
) -> None:
    account = org.account("dev", **({"RoleName": role} if role else {}))
    arn = f"arn:aws:iam::{account}:role/{role or 'OrganizationAccountAccessRole'}"
    root = org.cloud.client("sts", account=MANAGEMENT)
    assert refusal(root.assume_role, RoleArn=arn, RoleSessionName="ops") == (
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
    )
    keys = administrator(org.cloud, MANAGEMENT)
    user = org.cloud.client("sts", credentials=keys)
    session = user.assume_role(RoleArn=arn, RoleSessionName="ops")["Credentials"]
    iam = org.cloud.client("iam", credentials=session)
    iam.create_user(UserName="made-by-the-management-account")
    assert {row["RoleName"] for row in iam.list_roles()["Roles"]} == {
        role or "OrganizationAccountAccessRole",
        "AWSServiceRoleForOrganizations",
    }
    stranger = org.cloud.client("sts", credentials=administrator(org.cloud, OTHER))
    assert code(stranger.assume_role, RoleArn=arn, RoleSessionName="ops") == "AccessDenied"


def test_a_closed_account_is_suspended_and_its_principals_are_refused(org: Org) -> None:
    account = org.account()
    keys = administrator(org.cloud, account)
    iam = org.cloud.client("iam", credentials=keys)
    org.api.close_account(AccountId=account)
    found = org.api.describe_account(AccountId=account)["Account"]
    assert (found["Status"], found["State"]) == ("PENDING_CLOSURE", "PENDING_CLOSURE")
    assert code(org.api.close_account, AccountId=account) == "ConflictException"
    iam.list_users()
    org.cloud.advance(5)
    found = org.api.describe_account(AccountId=account)["Account"]
    assert (found["Status"], found["State"]) == ("SUSPENDED", "CLOSED")
    assert code(org.api.close_account, AccountId=account) == "AccountAlreadyClosedException"
    assert code(iam.list_users) == "InvalidClientTokenId"
    owner = org.cloud.client("sts", credentials=administrator(org.cloud, MANAGEMENT))
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assert code(owner.assume_role, RoleArn=arn, RoleSessionName="ops") == "AccessDenied"
    assert reason(org.api.close_account, AccountId=MANAGEMENT) == (
        "ConstraintViolationException",
        "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
    )
    org.cloud.advance(91 * 86_400)
    assert code(org.api.describe_account, AccountId=account) == "AccountNotFoundException"


def test_a_new_account_leaves_after_four_days(org: Org) -> None:
    account = org.account()
    assert reason(org.api.remove_account_from_organization, AccountId=account) == (
        "ConstraintViolationException",
        "WAIT_PERIOD_ACTIVE",
    )
    org.cloud.advance(4 * 86_400)
    org.api.remove_account_from_organization(AccountId=account)
    assert len(org.api.list_accounts()["Accounts"]) == 1
    assert (
        code(org.cloud.client("organizations", account=account).describe_organization)
        == "AWSOrganizationsNotInUseException"
    )


def test_the_management_account_stays_and_ends_the_organization(org: Org) -> None:
    assert code(org.api.leave_organization) == "MasterCannotLeaveOrganizationException"
    member = org.invited()
    assert code(org.api.delete_organization) == "OrganizationNotEmptyException"
    member.leave_organization()
    org.api.delete_organization()
    assert code(org.api.describe_organization) == "AWSOrganizationsNotInUseException"
    org.api.create_organization()


def test_an_account_is_moved(org: Org) -> None:
    account, unit = org.account(), org.unit("a")
    move = {"AccountId": account, "SourceParentId": org.root, "DestinationParentId": unit}
    org.api.move_account(**move)
    assert org.api.list_accounts_for_parent(ParentId=unit)["Accounts"][0]["Id"] == account
    assert code(org.api.move_account, **move) == "SourceParentNotFoundException"
    assert (
        code(
            org.api.move_account,
            AccountId=account,
            SourceParentId=unit,
            DestinationParentId="ou-abcd-12345678",
        )
        == "DestinationParentNotFoundException"
    )
    assert (
        code(org.api.move_account, AccountId=account, SourceParentId=unit, DestinationParentId=unit)
        == "DuplicateAccountException"
    )


def test_members_see_their_organization_but_not_the_others(org: Org) -> None:
    member = org.invited()
    assert member.describe_organization()["Organization"]["Id"] == org.id
    refused = ("AccessDeniedException", "You don't have permissions to access this resource.")
    assert refusal(member.list_accounts) == refused
    assert refusal(member.list_roots) == refused
    assert refusal(member.describe_account, AccountId=OTHER) == refused
    assert refusal(member.create_organizational_unit, ParentId=org.root, Name="x") == refused


def test_lists_come_in_pages(org: Org) -> None:
    units = {org.unit(f"u{number}") for number in range(5)}
    pages = org.api.get_paginator("list_organizational_units_for_parent").paginate(
        ParentId=org.root, PaginationConfig={"PageSize": 2}
    )
    found = [row["Id"] for page in pages for row in page["OrganizationalUnits"]]
    assert len(found) == 5
    assert set(found) == units
    assert reason(org.api.list_accounts, NextToken="bad") == (
        "InvalidInputException",
        "INVALID_NEXT_TOKEN",
    )


def test_tags_of_everything(org: Org) -> None:
    unit, policy = org.unit("a"), org.policy(deny("s3:*"))
    for name in (org.root, unit, MANAGEMENT, policy):
        org.api.tag_resource(
            ResourceId=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
        )
        org.api.untag_resource(ResourceId=name, TagKeys=["a"])
        assert org.api.list_tags_for_resource(ResourceId=name)["Tags"] == [
            {"Key": "b", "Value": "2"}
        ]
    assert reason(org.api.tag_resource, ResourceId=unit, Tags=[{"Key": "aws:a", "Value": ""}]) == (
        "InvalidInputException",
        "INVALID_SYSTEM_TAGS_PARAMETER",
    )
    assert (
        code(org.api.list_tags_for_resource, ResourceId="ou-abcd-12345678")
        == "TargetNotFoundException"
    )


def test_the_making_of_an_account_is_an_event(org: Org) -> None:
    account = org.account()
    event = [call for call in org.cloud.cloud.calls if call.operation == "CreateAccountResult"][-1]
    told = event.extra["serviceEventDetails"]["createAccountStatus"]
    assert event.event_type == "AwsServiceEvent"
    assert (told["state"], told["accountId"]) == ("SUCCEEDED", account)
    assert json.dumps(told).count("dev") == 0


def test_tags_of_policies_are_decided_by_the_type_of_the_policy(org: Org) -> None:
    """organizations:PolicyType is there when a policy is tagged, untagged or listed, or made."""
    only = {"StringEquals": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}}
    tagging = ["TagResource", "UntagResource", "ListTagsForResource", "CreatePolicy"]
    statement = {
        "Effect": "Allow",
        "Action": [f"organizations:{name}" for name in tagging],
        "Resource": "*",
        "Condition": only,
    }
    iam = org.cloud.client("iam", account=MANAGEMENT)
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document(statement))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    api = org.cloud.client("organizations", credentials=key)
    tag = {"Key": "a", "Value": "1"}
    named = api.create_policy(
        Name="n", Description="", Content=deny("s3:*"), Type="SERVICE_CONTROL_POLICY", Tags=[tag]
    )["Policy"]["PolicySummary"]["Id"]
    api.tag_resource(ResourceId=named, Tags=[tag])
    assert api.list_tags_for_resource(ResourceId=named)["Tags"] == [tag]
    api.untag_resource(ResourceId=named, TagKeys=["a"])
    assert code(api.tag_resource, ResourceId=org.root, Tags=[tag]) == "AccessDeniedException"
