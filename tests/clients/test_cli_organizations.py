"""The unmodified AWS CLI, AWS Organizations, Account Management and what EC2 says of Regions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Aws = Callable[..., Any]

pytestmark = pytest.mark.needs("aws")


def test_an_organization(aws: Aws) -> None:
    made = aws("organizations", "create-organization", "--feature-set", "ALL")["Organization"]
    assert made["MasterAccountId"] == "111111111111"
    (root,) = aws("organizations", "list-roots", "--query", "Roots[].Id")
    aws(
        *("organizations", "enable-policy-type", "--root-id", root),
        *("--policy-type", "SERVICE_CONTROL_POLICY"),
    )
    made = aws(
        *("organizations", "create-account", "--email", "shop@example.com"),
        *("--account-name", "shop"),
    )["CreateAccountStatus"]
    assert made["State"] in ("IN_PROGRESS", "SUCCEEDED")
    unit = aws(
        *("organizations", "create-organizational-unit", "--parent-id", root, "--name", "dev")
    )["OrganizationalUnit"]["Id"]
    statement = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    policy = aws(
        *("organizations", "create-policy", "--name", "no-queues", "--description", "none"),
        *("--type", "SERVICE_CONTROL_POLICY", "--content"),
        json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Policy"]["PolicySummary"]["Id"]
    aws("organizations", "attach-policy", "--policy-id", policy, "--target-id", unit)
    found = aws(
        *("organizations", "list-policies-for-target", "--target-id", unit),
        *("--filter", "SERVICE_CONTROL_POLICY", "--query", "Policies[].Name"),
    )
    assert sorted(found) == ["FullAWSAccess", "no-queues"]
    names = aws("organizations", "list-accounts", "--query", "Accounts[].Name")
    assert "shop" in names or made["State"] == "IN_PROGRESS"
    refused = aws("organizations", "create-organization")
    assert "(AlreadyInOrganizationException)" in refused


def test_accounts_and_regions(aws: Aws) -> None:
    aws(
        *("account", "put-alternate-contact", "--alternate-contact-type", "SECURITY"),
        *("--name", "Ana", "--title", "Lead", "--email-address", "a@example.com"),
        *("--phone-number", "+64211111111"),
    )
    found = aws("account", "get-alternate-contact", "--alternate-contact-type", "SECURITY")
    assert found["AlternateContact"]["Name"] == "Ana"
    missing = aws("account", "get-alternate-contact", "--alternate-contact-type", "BILLING")
    assert "(ResourceNotFoundException)" in missing
    regions = aws("ec2", "describe-regions", "--query", "Regions[].RegionName")
    assert "eu-west-1" in regions
    zones = aws("ec2", "describe-availability-zones", "--region", "eu-west-1", "--output", "text")
    assert "eu-west-1a" in zones
