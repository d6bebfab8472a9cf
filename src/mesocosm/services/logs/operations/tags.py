"""Tags, through both of AWS's interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.rows import destinations, groups
from mesocosm.services.logs.resources.targets import group_arn, no_group, split_group
from mesocosm.services.logs.rules.limits import TAGS
from mesocosm.wire.errors import AwsError


def resource_arn(call: Call, request: Any) -> str:
    """The ARN as it is given."""
    return str(request.resource_arn)


def _missing() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified resource does not exist.")


def _change(
    call: Call, arn: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> dict[str, str]:
    """The tags of a group or destination after a change."""
    parts = arn.split(":", 6)
    if len(parts) != 7 or parts[2] != "logs":
        raise AwsError("InvalidParameterException", f"Invalid ARN: {arn}")
    region, account = parts[3], parts[4]
    if parts[5] == "destination":
        held = call.rows(destinations, account, region)
        destination = held.get(parts[6])
        if destination is None:
            raise _missing()
        tags = change(destination.tags)
        if tags != destination.tags:
            held[destination.name] = replace(destination, tags=_checked(arn, tags))
        return tags
    at = split_group(arn)
    group = call.rows(groups, account, region).get(at.name) if at else None
    if group is None:
        raise _missing()
    tags = change(group.tags)
    if tags != group.tags:
        call.rows(groups, account, region)[group.name] = replace(group, tags=_checked(arn, tags))
    return tags


def allowed(tags: dict[str, str]) -> dict[str, str]:
    """The tags, when none has a reserved name. Raises InvalidParameterException."""
    if any(key.lower().startswith("aws:") for key in tags):
        raise AwsError(
            "InvalidParameterException",
            "Tag keys can't start with aws: because it's reserved for system use.",
        )
    return tags


def _checked(arn: str, tags: dict[str, str]) -> dict[str, str]:
    allowed(tags)
    if len(tags) > TAGS:
        raise AwsError(
            "TooManyTagsException",
            f"Tag limit of {TAGS} exceeded for resource {arn}",
            resourceName=arn,
        )
    return tags


@logs.operation("TagResource", resource=resource_arn, tags=lambda request: request.tags)
def tag_resource(call: Call, request: api.TagResourceRequest) -> None:
    """Add tags, or change the values of those there."""
    _change(call, request.resource_arn, lambda tags: {**tags, **request.tags})


@logs.operation("UntagResource", resource=resource_arn, tag_keys=lambda request: request.tag_keys)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> None:
    """Take tags away."""
    gone = set(request.tag_keys)
    _change(
        call,
        request.resource_arn,
        lambda tags: {key: value for key, value in tags.items() if key not in gone},
    )


@logs.operation("ListTagsForResource", resource=resource_arn)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResponse:
    """The tags of a group or destination."""
    return api.ListTagsForResourceResponse(
        tags=dict(_change(call, request.resource_arn, lambda tags: tags))
    )


def _by_name(call: Call, name: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Any:
    if name not in call.rows(groups):
        raise no_group()
    return _change(call, call.arn(f"log-group:{name}"), change)


@logs.operation("TagLogGroup", resource=group_arn, tags=lambda request: request.tags)
def tag_log_group(call: Call, request: api.TagLogGroupRequest) -> None:
    """The former interface: add tags to a group."""
    _by_name(call, request.log_group_name, lambda tags: {**tags, **request.tags})


@logs.operation("UntagLogGroup", resource=group_arn, tag_keys=lambda request: request.tags)
def untag_log_group(call: Call, request: api.UntagLogGroupRequest) -> None:
    """The former interface: take tags of a group away."""
    gone = set(request.tags)
    _by_name(
        call,
        request.log_group_name,
        lambda tags: {key: value for key, value in tags.items() if key not in gone},
    )


@logs.operation("ListTagsLogGroup", resource=group_arn)
def list_tags_log_group(
    call: Call, request: api.ListTagsLogGroupRequest
) -> api.ListTagsLogGroupResponse:
    """The former interface: the tags of a group."""
    return api.ListTagsLogGroupResponse(
        tags=dict(_by_name(call, request.log_group_name, lambda tags: tags))
    )
