"""Streams as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import firehose as api
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.resources import arn_of, streams

if TYPE_CHECKING:
    from mesocosm.world import World


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


@firehose.tagged(
    "AWS::KinesisFirehose::DeliveryStream",
    "arn:aws:firehose:*:*:deliverystream/*",
    tag=(
        "TagDeliveryStream",
        lambda call, arn, tags: api.TagDeliveryStreamInput(
            delivery_stream_name=_name(arn),
            tags=[api.Tag(key=key, value=value) for key, value in tags.items()],
        ),
    ),
    untag=(
        "UntagDeliveryStream",
        lambda call, arn, keys: api.UntagDeliveryStreamInput(
            delivery_stream_name=_name(arn), tag_keys=list(keys)
        ),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The streams with their tags."""
    for name, row in world.rows(streams, account, region).items():
        yield arn_of(region, account, name), row.tags
