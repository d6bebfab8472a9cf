"""The unmodified AWS CLI, Account Management and what EC2 says of Regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Aws = Callable[..., Any]

pytestmark = pytest.mark.needs("aws")


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
