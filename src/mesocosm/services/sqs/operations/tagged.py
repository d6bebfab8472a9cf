"""Queues as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import sqs as api
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.resources import arn_of, queues, split_arn, url_of

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World


def _url(call: Call, arn: str) -> str:
    named = split_arn(arn)
    assert named is not None  # the pattern below has seen to that
    return url_of(call, named[1], named[2])


@sqs.tagged(
    "AWS::SQS::Queue",
    "arn:aws:sqs:*:*:*",
    tag=(
        "TagQueue",
        lambda call, arn, tags: api.TagQueueRequest(queue_url=_url(call, arn), tags=dict(tags)),
    ),
    untag=(
        "UntagQueue",
        lambda call, arn, keys: api.UntagQueueRequest(
            queue_url=_url(call, arn), tag_keys=list(keys)
        ),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The queues with their tags."""
    for name, row in world.rows(queues, account, region).items():
        yield arn_of(region, account, name), row.tags
