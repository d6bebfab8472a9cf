"""Tags of trails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.api import cloudtrail as api
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.resources import trails as found
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesocosm.call.call import Call

TAGS_MAX = 50
KEY_MAX, VALUE_MAX = 128, 256


def check_tags(given: list[api.Tag] | None, present: Mapping[str, str]) -> dict[str, str]:
    """The tags that result. Raises InvalidTagParameterException, TagsLimitExceededException."""
    tags = dict(present)
    seen: set[str] = set()
    for tag in given or ():
        value = tag.value or ""
        if tag.key in seen:
            raise _invalid(f"Duplicate tag key: {tag.key}")
        seen.add(tag.key)
        if not tag.key or len(tag.key) > KEY_MAX or len(value) > VALUE_MAX:
            raise _invalid(
                f"Tag keys have 1 to {KEY_MAX} characters, tag values up to {VALUE_MAX}."
            )
        if tag.key.lower().startswith("aws:"):
            raise _invalid("Tag keys that start with aws: are reserved.")
        tags[tag.key] = value
    if len(tags) > TAGS_MAX:
        raise AwsError(
            "TagsLimitExceededException",
            f"The number of tags per trail has exceeded the permitted amount ({TAGS_MAX}).",
        )
    return tags


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidTagParameterException", message)


def _given(call: Call, request: Any) -> str:
    name: str = request.resource_id
    return name if name.startswith("arn:") else found.arn_of(call, name)


def _trail(call: Call, arn: str) -> rows.Trail:
    """Raises CloudTrailARNInvalidException, ResourceNotFoundException."""
    account, region, name = names.parse_arn(arn)
    row = call.rows(rows.trails, account, region).get(name)
    if row is None or account != call.account or region != call.region:
        raise AwsError("ResourceNotFoundException", f"Resource not found: {arn}")
    return row


@cloudtrail.operation(
    "AddTags",
    resource=_given,
    tags=lambda request: {tag.key: tag.value or "" for tag in request.tags_list},
)
def add_tags(call: Call, request: api.AddTagsRequest) -> api.AddTagsResponse:
    """Add tags, or change the values of those that are there."""
    row = _trail(call, request.resource_id)
    tags = check_tags(request.tags_list, row.tags)
    found.put(call, msgspec.structs.replace(row, tags=tags))
    return api.AddTagsResponse()


@cloudtrail.operation(
    "RemoveTags",
    resource=_given,
    tag_keys=lambda request: [tag.key for tag in request.tags_list],
)
def remove_tags(call: Call, request: api.RemoveTagsRequest) -> api.RemoveTagsResponse:
    """Remove tags; one given with a value goes only if it has that value."""
    row = _trail(call, request.resource_id)
    tags = dict(row.tags)
    for tag in request.tags_list:
        if tag.value in (None, "", tags.get(tag.key)):
            tags.pop(tag.key, None)
    found.put(call, msgspec.structs.replace(row, tags=tags))
    return api.RemoveTagsResponse()


def _listed(call: Call, request: api.ListTagsRequest) -> list[str]:
    return list(request.resource_id_list)


@cloudtrail.operation("ListTags", resource=_listed)
def list_tags(call: Call, request: api.ListTagsRequest) -> api.ListTagsResponse:
    """The tags of up to 20 trails of this Region."""
    listed = []
    for arn in request.resource_id_list:
        row = _trail(call, arn)
        tags = [api.Tag(key=key, value=value) for key, value in sorted(row.tags.items())]
        listed.append(api.ResourceTag(resource_id=arn, tags_list=tags))
    return api.ListTagsResponse(resource_tag_list=listed)
