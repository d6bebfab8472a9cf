"""Trails as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import cloudtrail as api
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows

if TYPE_CHECKING:
    from mesocosm.world import World


@cloudtrail.tagged(
    "AWS::CloudTrail::Trail",
    "arn:aws:cloudtrail:*:*:trail/*",
    tag=(
        "AddTags",
        lambda call, arn, tags: api.AddTagsRequest(
            resource_id=arn, tags_list=[api.Tag(key=key, value=tags[key]) for key in tags]
        ),
    ),
    untag=(
        "RemoveTags",
        lambda call, arn, keys: api.RemoveTagsRequest(
            resource_id=arn, tags_list=[api.Tag(key=key) for key in keys]
        ),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The trails whose home is here, with their tags."""
    for row in world.rows(rows.trails, account, region).values():
        yield row.arn, row.tags
