"""Tagging resources of any service, through that service's own operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesocosm.api import resourcegroupstaggingapi as api
from mesocosm.call.call import Call
from mesocosm.call.service import Service
from mesocosm.call.tagged import Tagged, kind_of
from mesocosm.services.resourcegroupstaggingapi import resourcegroupstaggingapi as tagging
from mesocosm.services.resourcegroupstaggingapi.operations.listing import invalid
from mesocosm.wire.errors import AwsError

Change = Callable[[Tagged, str], tuple[str, Any]]
"""The operation and its request, of a kind and an ARN."""


def _changed(call: Call, arns: list[str], change: Change) -> dict[str, api.FailureInfo]:
    """Change the tags of each; what failed, and why. Raises InvalidParameterException."""
    for arn in arns:
        if len(arn.split(":", 5)) != 6 or not arn.startswith("arn:aws:"):
            raise invalid(f"ResourceARN '{arn}' is not a valid ARN")
    failed: dict[str, api.FailureInfo] = {}
    for arn in dict.fromkeys(arns):
        try:
            _change(call, arn, change)
        except AwsError as error:
            failed[arn] = api.FailureInfo(
                status_code=error.status or 400, error_code=error.code, error_message=error.message
            )
    return failed


def _change(call: Call, arn: str, change: Change) -> None:
    found: tuple[Service, Tagged] | None = kind_of(call.cloud, arn)
    if found is None:
        raise AwsError(
            "InvalidParameterException",
            f"The resource type of {arn} is not supported by the Resource Groups Tagging API.",
        )
    region = arn.split(":", 4)[3]
    if region and region != call.region:
        raise AwsError(
            "InvalidParameterException",
            f"The resource {arn} is not in the Region {call.region}.",
        )
    service, kind = found
    operation, request = change(kind, arn)
    call.invoke(service.name, operation, request)


@tagging.operation("TagResources", tags=lambda request: request.tags)
def tag_resources(call: Call, request: api.TagResourcesInput) -> api.TagResourcesOutput:
    """Add tags to up to 20 resources; each service decides whether the caller may."""
    tags = request.tags
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise invalid(f"TagKey '{reserved[0]}' is reserved: keys must not begin with aws:")
    failed = _changed(
        call, request.resource_arn_list, lambda kind, arn: (kind.tag, kind.add(call, arn, tags))
    )
    return api.TagResourcesOutput(failed_resources_map=failed)


@tagging.operation("UntagResources", tag_keys=lambda request: request.tag_keys)
def untag_resources(call: Call, request: api.UntagResourcesInput) -> api.UntagResourcesOutput:
    """Take tags from up to 20 resources; each service decides whether the caller may."""
    keys = request.tag_keys
    failed = _changed(
        call,
        request.resource_arn_list,
        lambda kind, arn: (kind.untag, kind.remove(call, arn, keys)),
    )
    return api.UntagResourcesOutput(failed_resources_map=failed)
