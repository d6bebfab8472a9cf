"""Topics as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import sns as api
from mesocosm.services.sns import sns
from mesocosm.services.sns.resources import topics

if TYPE_CHECKING:
    from mesocosm.world import World


@sns.tagged(
    "AWS::SNS::Topic",
    "arn:aws:sns:*:*:*",
    tag=(
        "TagResource",
        lambda _, arn, tags: api.TagResourceRequest(
            resource_arn=arn, tags=[api.Tag(key=key, value=tags[key]) for key in tags]
        ),
    ),
    untag=(
        "UntagResource",
        lambda _, arn, keys: api.UntagResourceRequest(resource_arn=arn, tag_keys=list(keys)),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The topics with their tags."""
    for name, row in world.rows(topics, account, region).items():
        yield f"arn:aws:sns:{region}:{account}:{name}", row.tags
