"""Trails of an organization: one bucket, the events of every account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudtrail.support import (
    ACCOUNT,
    ARN,
    BUCKET,
    logs,
    make_bucket,
    refusal,
)

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def organization(client: Callable[..., Any]) -> Any:
    """An organization that trusts CloudTrail."""
    made = client("organizations")
    made.create_organization(FeatureSet="ALL")
    made.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    return made


def member(organization: Any, cloud: LocalCloud, name: str) -> str:
    """A new account of the organization."""
    made = organization.create_account(Email=f"{name}@example.com", AccountName=name)
    cloud.advance(60)
    status = organization.describe_create_account_status(
        CreateAccountRequestId=made["CreateAccountStatus"]["Id"]
    )
    account: str = status["CreateAccountStatus"]["AccountId"]
    return account


def test_only_an_organization_that_trusts_cloudtrail_has_trails(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_bucket(s3)
    wanted = {"Name": "main", "S3BucketName": BUCKET, "IsOrganizationTrail": True}
    assert refusal(trail.create_trail, **wanted)[0] == "OrganizationsNotInUseException"
    organization = client("organizations")
    organization.create_organization(FeatureSet="ALL")
    assert refusal(trail.create_trail, **wanted)[0] == "CloudTrailAccessNotEnabledException"
    organization.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    account = member(organization, cloud, "dev")
    theirs = client("cloudtrail", account=account)
    assert refusal(theirs.create_trail, **wanted)[0] == "NotOrganizationMasterAccountException"
    assert trail.create_trail(**wanted)["IsOrganizationTrail"] is True


def test_the_events_of_members_come_under_the_organizations_id(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud, organization: Any
) -> None:
    account = member(organization, cloud, "dev")
    make_bucket(s3)
    trail.create_trail(
        Name="main", S3BucketName=BUCKET, IsOrganizationTrail=True, IsMultiRegionTrail=True
    )
    trail.start_logging(Name="main")
    client("sqs", account=account, region="eu-west-1").create_queue(QueueName="q")
    client("sqs", account="999999999999").create_queue(QueueName="stranger")
    cloud.advance(301)
    identity = organization.describe_organization()["Organization"]["Id"]
    found = {"/".join(key.split("/")[:5]): events for key, events in logs(s3).items()}
    (queue,) = found[f"AWSLogs/{identity}/{account}/CloudTrail/eu-west-1"]
    assert queue["eventName"] == "CreateQueue"
    assert queue["recipientAccountId"] == account
    assert f"AWSLogs/{identity}/{ACCOUNT}/CloudTrail/us-east-1" in found
    assert not [key for key in found if "999999999999" in key]
    theirs = client("cloudtrail", account=account)
    (shadow,) = theirs.describe_trails()["trailList"]
    assert shadow["TrailARN"] == ARN
    assert shadow["IsOrganizationTrail"] is True
    assert theirs.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert refusal(theirs.stop_logging, Name=ARN)[0] == "NotOrganizationMasterAccountException"


def test_a_delegated_administrator_makes_trails_of_the_management_account(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud, organization: Any
) -> None:
    account = member(organization, cloud, "security")
    assert refusal(trail.register_organization_delegated_admin, MemberAccountId=ACCOUNT)[0] == (
        "CannotDelegateManagementAccountException"
    )
    trail.register_organization_delegated_admin(MemberAccountId=account)
    assert refusal(trail.register_organization_delegated_admin, MemberAccountId=account)[0] == (
        "AccountRegisteredException"
    )
    make_bucket(s3)
    theirs = client("cloudtrail", account=account)
    made = theirs.create_trail(Name="main", S3BucketName=BUCKET, IsOrganizationTrail=True)
    assert made["TrailARN"] == ARN
    theirs.start_logging(Name=ARN)
    assert trail.get_trail_status(Name="main")["IsLogging"] is True
    trail.deregister_organization_delegated_admin(DelegatedAdminAccountId=account)
    assert refusal(theirs.stop_logging, Name=ARN)[0] == "NotOrganizationMasterAccountException"
