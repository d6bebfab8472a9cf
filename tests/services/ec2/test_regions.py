"""EC2: Regions and zones, and an honest no to the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def ec2(client: Callable[..., Any]) -> Any:
    return client("ec2")


def names(answer: dict[str, Any]) -> list[str]:
    return [region["RegionName"] for region in answer["Regions"]]


def test_regions_that_are_on(ec2: Any, client: Callable[..., Any], cloud: LocalCloud) -> None:
    shown = names(ec2.describe_regions())
    assert "us-east-1" in shown
    assert "eu-south-2" not in shown
    assert "eu-south-2" in names(ec2.describe_regions(AllRegions=True))
    client("account").enable_region(RegionName="eu-south-2")
    cloud.advance(61)
    (region,) = ec2.describe_regions(Filters=[{"Name": "opt-in-status", "Values": ["opted-*"]}])[
        "Regions"
    ]
    assert region == {
        "RegionName": "eu-south-2",
        "Endpoint": "ec2.eu-south-2.amazonaws.com",
        "OptInStatus": "opted-in",
    }


def test_zones_of_the_region_that_is_asked(client: Callable[..., Any], ec2: Any) -> None:
    zones = client("ec2", region="eu-west-1").describe_availability_zones()["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"]) for zone in zones] == [
        ("eu-west-1a", "euw1-az1"),
        ("eu-west-1b", "euw1-az2"),
        ("eu-west-1c", "euw1-az3"),
    ]
    (one,) = ec2.describe_availability_zones(ZoneNames=["us-east-1f"])["AvailabilityZones"]
    assert (one["State"], one["ZoneType"]) == ("available", "availability-zone")


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "status"),
    [
        ("describe_regions", {"RegionNames": ["moon-1"]}, "InvalidParameterValue", 400),
        (
            "describe_regions",
            {"Filters": [{"Name": "colour", "Values": ["x"]}]},
            "InvalidParameterValue",
            400,
        ),
        ("describe_regions", {"DryRun": True}, "DryRunOperation", 412),
        ("describe_instances", {}, "NotImplemented", 501),
    ],
)
def test_refusals(
    ec2: Any, operation: str, arguments: dict[str, Any], code: str, status: int
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(ec2, operation)(**arguments)
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
