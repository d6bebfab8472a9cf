"""Tags of keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.paging import paged
from mesocosm.services.kms.operations.shared import conditions, own_key_arn
from mesocosm.wire.errors import AwsError

TAGS_MAX = 50


def checked_tags(before: Mapping[str, str], given: Iterable[api.Tag]) -> dict[str, str]:
    """The tags after adding some. Raises TagException and LimitExceededException."""
    tags = dict(before)
    seen: set[str] = set()
    for tag in given:
        if tag.tag_key.lower().startswith("aws:"):
            raise AwsError("TagException", "Tags beginning with aws: are reserved")
        if tag.tag_key in seen:
            raise AwsError("TagException", "Duplicate tag keys found")
        seen.add(tag.tag_key)
        tags[tag.tag_key] = tag.tag_value
    if len(tags) > TAGS_MAX:
        raise AwsError("LimitExceededException", f"A key cannot have more than {TAGS_MAX} tags.")
    return tags


@kms.operation(
    "TagResource",
    resource=own_key_arn,
    conditions=conditions,
    tags=lambda request: {tag.tag_key: tag.tag_value for tag in request.tags},
)
def tag_resource(call: Call, request: api.TagResourceRequest) -> None:
    """Add tags, or change the values of those there."""
    key = shared.managed(call, request.key_id)
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        raise shared.state_error(key)
    shared.store(call, key, tags=checked_tags(key.tags, request.tags))


@kms.operation(
    "UntagResource",
    resource=own_key_arn,
    conditions=conditions,
    tag_keys=lambda request: request.tag_keys,
)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> None:
    """Take tags away; those that are not there do not matter."""
    key = shared.managed(call, request.key_id)
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        raise shared.state_error(key)
    tags = {name: value for name, value in key.tags.items() if name not in request.tag_keys}
    shared.store(call, key, tags=tags)


@kms.operation("ListResourceTags", resource=own_key_arn, conditions=conditions)
def list_resource_tags(
    call: Call, request: api.ListResourceTagsRequest
) -> api.ListResourceTagsResponse:
    """The tags of a key, by name."""
    key = shared.own(call, request.key_id)
    found, marker = paged(key.tags.items(), lambda pair: pair[0], request, 50, 50)
    return api.ListResourceTagsResponse(
        tags=[api.Tag(tag_key=name, tag_value=value) for name, value in found],
        next_marker=marker,
        truncated=marker is not None,
    )
