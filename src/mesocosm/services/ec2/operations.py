"""Regions and Availability Zones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mesocosm.api import ec2 as api
from mesocosm.call.call import Call
from mesocosm.call.regions import REGIONS, opt_status
from mesocosm.services.ec2 import ec2
from mesocosm.wire.errors import AwsError

OPT_IN = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in"}


def _check_dry_run(request: Any) -> None:
    if request.dry_run:
        raise AwsError(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
            status=412,
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def _check_known(what: str, given: Sequence[str] | None, known: Mapping[str, Any]) -> None:
    unknown = [name for name in given or () if name not in known]
    if unknown:
        raise _invalid(f"Invalid {what}: [{', '.join(unknown)}]")


def matches(filters: Sequence[Any] | None, shown: Mapping[str, str]) -> bool:
    """Whether something passes all filters; values may hold `*` and `?`, names must be known."""
    for one in filters or ():
        if one.name not in shown:
            raise _invalid(f"The filter '{one.name}' is invalid")
        if not any(_like(value, shown[one.name]) for value in one.values or ()):
            return False
    return True


def _like(pattern: str, value: str) -> bool:
    found = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(found, value) is not None


@ec2.operation("DescribeRegions")
def describe_regions(call: Call, request: Any) -> Any:
    """The Regions that are on for the account; with AllRegions or by name also the others."""
    _check_dry_run(request)
    _check_known("region names", request.region_names, REGIONS)
    found = []
    for name, region in REGIONS.items():
        status = OPT_IN.get(opt_status(call.world, call.account, region), "not-opted-in")
        shown = {
            "region-name": name,
            "endpoint": f"ec2.{name}.amazonaws.com",
            "opt-in-status": status,
        }
        if request.region_names and name not in request.region_names:
            continue
        if status == "not-opted-in" and not (request.all_regions or request.region_names):
            continue
        if matches(request.filters, shown):
            found.append(
                api.Region(region_name=name, endpoint=shown["endpoint"], opt_in_status=status)
            )
    return api.DescribeRegionsResult(regions=found)


@ec2.operation("DescribeAvailabilityZones")
def describe_availability_zones(call: Call, request: Any) -> Any:
    """The zones of the Region that is asked. There are no Local or Wavelength Zones so far."""
    _check_dry_run(request)
    region = REGIONS.get(call.region)
    zones = {}
    for number, letter in enumerate(region.zones if region else "", 1):
        zones[f"{call.region}{letter}"] = f"{region.code if region else ''}-az{number}"
    _check_known("availability zones", request.zone_names, zones)
    _check_known("availability zone-ids", request.zone_ids, {z: z for z in zones.values()})
    found = []
    for name, zone in zones.items():
        shown = {
            "zone-name": name,
            "zone-id": zone,
            "region-name": call.region,
            "group-name": f"{call.region}-zg-1",
            "zone-type": "availability-zone",
            "state": "available",
            "opt-in-status": "opt-in-not-required",
        }
        if request.zone_names and name not in request.zone_names:
            continue
        if request.zone_ids and zone not in request.zone_ids:
            continue
        if matches(request.filters, shown):
            found.append(
                api.AvailabilityZone(
                    zone_name=name,
                    zone_id=zone,
                    region_name=call.region,
                    group_name=shown["group-name"],
                    network_border_group=call.region,
                    zone_type=shown["zone-type"],
                    state=shown["state"],
                    opt_in_status=shown["opt-in-status"],
                )
            )
    return api.DescribeAvailabilityZonesResult(availability_zones=found)
