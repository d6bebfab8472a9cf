"""Keys as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mesocosm.api import kms as api
from mesocosm.services.kms import kms
from mesocosm.services.kms.resources.rows import keys
from mesocosm.world import World


@kms.tagged(
    "AWS::KMS::Key",
    "arn:aws:kms:*:*:key/*",
    tag=(
        "TagResource",
        lambda call, arn, tags: api.TagResourceRequest(
            key_id=arn,
            tags=[api.Tag(tag_key=name, tag_value=value) for name, value in tags.items()],
        ),
    ),
    untag=(
        "UntagResource",
        lambda call, arn, names: api.UntagResourceRequest(key_id=arn, tag_keys=list(names)),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The customer managed keys with their tags."""
    for row in world.rows(keys, account, region).values():
        if not row.service:
            yield row.arn, row.tags
