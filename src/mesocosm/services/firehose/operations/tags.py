"""Tags of streams."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import firehose as api
from mesocosm.call.call import Call
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations.opened import known, save, stream_arn
from mesocosm.services.firehose.rules.expressions import refused
from mesocosm.wire.errors import AwsError

TAGS_MAX = 50


def as_map(tags: list[api.Tag] | None) -> dict[str, str]:
    """Tags of a request by key."""
    return {tag.key: tag.value or "" for tag in tags or []}


def check_tags(tags: dict[str, str]) -> None:
    """Refuse too many, or reserved ones. Raises LimitExceededException,
    InvalidArgumentException.
    """
    if len(tags) > TAGS_MAX:
        raise AwsError("LimitExceededException", f"A stream has at most {TAGS_MAX} tags.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise refused("Tag keys can't start with aws: because it's reserved for system use.")


@firehose.operation(
    "TagDeliveryStream", resource=stream_arn, tags=lambda request: as_map(request.tags)
)
def tag_delivery_stream(
    call: Call, request: api.TagDeliveryStreamInput
) -> api.TagDeliveryStreamOutput:
    """Add tags, or change the values of those there."""
    row = known(call, request.delivery_stream_name)
    tags = {**row.tags, **as_map(request.tags)}
    check_tags(tags)
    save(call, replace(row, tags=tags))
    return api.TagDeliveryStreamOutput()


@firehose.operation(
    "UntagDeliveryStream", resource=stream_arn, tag_keys=lambda request: request.tag_keys
)
def untag_delivery_stream(
    call: Call, request: api.UntagDeliveryStreamInput
) -> api.UntagDeliveryStreamOutput:
    """Take tags away."""
    row = known(call, request.delivery_stream_name)
    gone = set(request.tag_keys)
    save(call, replace(row, tags={key: one for key, one in row.tags.items() if key not in gone}))
    return api.UntagDeliveryStreamOutput()


@firehose.operation("ListTagsForDeliveryStream", resource=stream_arn)
def list_tags_for_delivery_stream(
    call: Call, request: api.ListTagsForDeliveryStreamInput
) -> api.ListTagsForDeliveryStreamOutput:
    """The tags of a stream, by key."""
    row = known(call, request.delivery_stream_name)
    start = request.exclusive_start_tag_key or ""
    keys = sorted(key for key in row.tags if key > start)
    limit = request.limit or TAGS_MAX
    return api.ListTagsForDeliveryStreamOutput(
        tags=[api.Tag(key=key, value=row.tags[key]) for key in keys[:limit]],
        has_more_tags=len(keys) > limit,
    )
