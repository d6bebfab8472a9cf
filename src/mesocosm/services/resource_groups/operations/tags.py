"""Tags of groups."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import resource_groups as api
from mesocosm.call.call import Call
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.operations.groups import check_tags
from mesocosm.services.resource_groups.resources import group_of, groups


def _arn(call: Call, request: Any) -> str:
    arn: str = request.arn
    return arn


@resource_groups.operation("GetTags", resource=_arn)
def get_tags(call: Call, request: api.GetTagsInput) -> api.GetTagsOutput:
    """The tags of a group."""
    row = group_of(call, request.arn)
    return api.GetTagsOutput(arn=request.arn, tags=dict(row.tags))


@resource_groups.operation("Tag", resource=_arn, tags=lambda request: request.tags)
def tag(call: Call, request: api.TagInput) -> api.TagOutput:
    """Add tags, or change the values of those there."""
    row = group_of(call, request.arn)
    tags = check_tags({**row.tags, **request.tags})
    call.rows(groups)[row.name] = replace(row, tags=tags)
    return api.TagOutput(arn=request.arn, tags=request.tags)


@resource_groups.operation("Untag", resource=_arn, tag_keys=lambda request: request.keys)
def untag(call: Call, request: api.UntagInput) -> api.UntagOutput:
    """Take tags away; those not there do not matter."""
    row = group_of(call, request.arn)
    tags = {key: value for key, value in row.tags.items() if key not in request.keys}
    call.rows(groups)[row.name] = replace(row, tags=tags)
    return api.UntagOutput(arn=request.arn, keys=request.keys)
