"""What IAM does for an organization: root access, access reports, SCPs in simulations."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.support import ACCOUNT, policy, refusal

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def organizations(cloud: LocalCloud) -> Any:
    """The organization of the account, with all features."""
    made = cloud.client("organizations", account=ACCOUNT)
    made.create_organization(FeatureSet="ALL")
    return made


def test_root_access_is_switched_by_the_management_account(
    cloud: LocalCloud, iam: Any, organizations: Any
) -> None:
    assert refusal(iam.list_organizations_features)[0] == "ServiceAccessNotEnabledException"
    organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    assert iam.list_organizations_features()["EnabledFeatures"] == []
    found = iam.enable_organizations_root_credentials_management()
    assert found["OrganizationId"].startswith("o-")
    found = iam.enable_organizations_root_sessions()
    assert found["EnabledFeatures"] == ["RootCredentialsManagement", "RootSessions"]
    assert iam.disable_organizations_root_credentials_management()["EnabledFeatures"] == [
        "RootSessions"
    ]
    assert iam.disable_organizations_root_sessions()["EnabledFeatures"] == []


def test_an_account_on_its_own_has_no_such_features(iam: Any) -> None:
    assert refusal(iam.list_organizations_features)[0] == "OrganizationNotFoundException"


def test_an_access_report_covers_the_accounts_below_a_path(
    cloud: LocalCloud, iam: Any, organizations: Any
) -> None:
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    cloud.client("sts", credentials=key).get_caller_identity()
    root = organizations.list_roots()["Roots"][0]
    identity = organizations.describe_organization()["Organization"]["Id"]
    path = f"{identity}/{root['Id']}"
    job = iam.generate_organizations_access_report(EntityPath=path)["JobId"]
    found = iam.get_organizations_access_report(
        JobId=job, SortKey="LAST_AUTHENTICATED_TIME_DESCENDING", MaxItems=2
    )
    first, second = found["AccessDetails"]
    assert first["ServiceNamespace"] == "sts"
    assert first["EntityPath"].endswith(f"/{ACCOUNT}")
    assert first["TotalAuthenticatedEntities"] == 1
    assert "LastAuthenticatedTime" not in second
    accessible, unused = found["NumberOfServicesAccessible"], found["NumberOfServicesNotAccessed"]
    assert accessible - unused == 1
    assert found["IsTruncated"] is True


def test_simulations_of_members_hear_their_scps(
    cloud: LocalCloud, iam: Any, organizations: Any
) -> None:
    organizations.enable_policy_type(
        RootId=organizations.list_roots()["Roots"][0]["Id"], PolicyType="SERVICE_CONTROL_POLICY"
    )
    made = organizations.create_account(Email="a@example.com", AccountName="a")
    state = organizations.describe_create_account_status(
        CreateAccountRequestId=made["CreateAccountStatus"]["Id"]
    )["CreateAccountStatus"]
    if state["State"] != "SUCCEEDED":
        cloud.advance(60)
        state = organizations.describe_create_account_status(CreateAccountRequestId=state["Id"])[
            "CreateAccountStatus"
        ]
    member = state["AccountId"]
    deny = organizations.create_policy(
        Name="no-sqs",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy("sqs:*", effect="Deny"),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=deny, TargetId=member)
    there = cloud.client("iam", account=member)
    there.create_user(UserName="u")
    there.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("*"))
    results = there.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{member}:user/u",
        ActionNames=["sqs:SendMessage", "s3:GetObject"],
    )["EvaluationResults"]
    assert [row["EvalDecision"] for row in results] == ["explicitDeny", "allowed"]
    assert results[1]["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
