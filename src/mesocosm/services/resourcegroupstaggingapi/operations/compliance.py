"""Compliance over an organization: counts, and a report in a bucket."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mesocosm.api import resourcegroupstaggingapi as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.regions import REGIONS
from mesocosm.call.tagged import GLOBAL_HOME, Found, tagged_resources
from mesocosm.services.resourcegroupstaggingapi import resourcegroupstaggingapi as tagging
from mesocosm.services.resourcegroupstaggingapi import rules
from mesocosm.services.resourcegroupstaggingapi.operations.listing import (
    bad_token,
    invalid,
    policy_of,
)
from mesocosm.services.resourcegroupstaggingapi.resources import LATEST, Report, reports
from mesocosm.wire.errors import AwsError

TRUSTED = "tagpolicies.tag.amazonaws.com"
RESULTS_MAX = 1_000
KEPT_SECONDS = 90 * 86400
WAIT_SECONDS = 1


def _organization(call: Call) -> Any:
    """Organizations' answers, for a management account that trusts tag policies.

    Raises ConstraintViolationException, InvalidParameterException.
    """
    organization = call.cloud.provider("organization")
    if organization is None or organization.management(call.account) != call.account:
        raise AwsError(
            "ConstraintViolationException",
            "You can call this operation only from the organization's management account.",
        )
    if call.region != GLOBAL_HOME:
        raise invalid(f"You can call this operation only from the {GLOBAL_HOME} Region.")
    if not organization.trusted(call.account, TRUSTED):
        raise AwsError(
            "ConstraintViolationException",
            f"You must enable the tag policies service principal ({TRUSTED}) to integrate with "
            "Organizations.",
        )
    return organization


class Judged:
    """A resource and how it complies."""

    __slots__ = ("account", "compliance", "found", "region")

    def __init__(
        self, account: str, region: str, found: Found, compliance: rules.Compliance
    ) -> None:
        self.account = account
        self.region = region
        self.found = found
        self.compliance = compliance


def judged(call: Call, organization: Any) -> Iterator[Judged]:
    """Every resource with tags of the organization, and how it complies."""
    for account in organization.members(call.account):
        policy = policy_of(call, account)
        for region in REGIONS:
            for found in tagged_resources(call.cloud, account, region):
                state = rules.compliance(policy, found.types, found.tags)
                yield Judged(account, region, found, state)


@tagging.operation("GetComplianceSummary")
def get_compliance_summary(
    call: Call, request: api.GetComplianceSummaryInput
) -> api.GetComplianceSummaryOutput:
    """Counts of resources that do not comply, by account, Region or kind."""
    organization = _organization(call)
    counts: Counter[tuple[str, str, str]] = Counter()
    by = request.group_by or []
    for one in judged(call, organization):
        if one.compliance.complete or not _wanted(one, request):
            continue
        counts[
            one.account if "TARGET_ID" in by else "",
            one.region if "REGION" in by else "",
            next(kind for kind in one.found.types) if "RESOURCE_TYPE" in by else "",
        ] += 1
    now = datetime.datetime.fromtimestamp(call.now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    listed, token = page(
        counts,
        lambda key: "\0".join(key),
        request.pagination_token,
        request.max_results or RESULTS_MAX,
        bad_token,
    )
    return api.GetComplianceSummaryOutput(
        summary_list=[
            api.Summary(
                last_updated=now,
                target_id=account or None,
                target_id_type="ACCOUNT" if account else None,
                region=region or None,
                resource_type=kind or None,
                non_compliant_resources=counts[account, region, kind],
            )
            for account, region, kind in listed
        ],
        pagination_token=token or "",
    )


def _wanted(one: Judged, request: api.GetComplianceSummaryInput) -> bool:
    targets, regions = request.target_id_filters, request.region_filters
    kinds, keys = request.resource_type_filters, request.tag_key_filters
    return (
        (not targets or one.account in targets)
        and (not regions or one.region in regions)
        and (not kinds or any(one.found.is_of(kind) for kind in kinds))
        and (not keys or any(key in one.found.tags for key in keys))
    )


@tagging.operation("StartReportCreation")
def start_report_creation(
    call: Call, request: api.StartReportCreationInput
) -> api.StartReportCreationOutput:
    """Begin a report of all the organization's resources with tags, written to a bucket."""
    _organization(call)
    held = call.rows(reports).get(LATEST)
    if held is not None and held.status == "RUNNING":
        raise AwsError(
            "ConcurrentModificationException",
            "The target of the operation is currently being modified by a different request. "
            "Try again later.",
        )
    instant = datetime.datetime.fromtimestamp(call.now, datetime.UTC)
    organization = call.cloud.provider("organization").membership(call.account).organization
    call.rows(reports)[LATEST] = Report(
        bucket=request.s3_bucket,
        key=f"AwsTagPolicies/{organization}/{instant:%Y-%m-%dT%H:%M:%SZ}/report.csv",
        started=call.now,
    )
    call.at(call.now + WAIT_SECONDS, "report", LATEST)
    return api.StartReportCreationOutput()


@tagging.operation("DescribeReportCreation")
def describe_report_creation(
    call: Call, request: api.DescribeReportCreationInput
) -> api.DescribeReportCreationOutput:
    """How the last report fares."""
    _organization(call)
    held = call.rows(reports).get(LATEST)
    if held is None or call.now - held.started > KEPT_SECONDS:
        return api.DescribeReportCreationOutput(status="NO REPORT")
    return api.DescribeReportCreationOutput(
        status=held.status,
        s3_location=f"s3://{held.bucket}/{held.key}" if held.status == "SUCCEEDED" else None,
        error_message=held.error or None,
    )
