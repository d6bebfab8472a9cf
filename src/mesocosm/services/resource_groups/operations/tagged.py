"""Groups as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import resource_groups as api
from mesocosm.services.resource_groups import resource_groups
from mesocosm.services.resource_groups.resources import arn_of, groups

if TYPE_CHECKING:
    from mesocosm.world import World


@resource_groups.tagged(
    "AWS::ResourceGroups::Group",
    "arn:aws:resource-groups:*:*:group/**",
    tag=("Tag", lambda call, arn, tags: api.TagInput(arn=arn, tags=dict(tags))),
    untag=("Untag", lambda call, arn, keys: api.UntagInput(arn=arn, keys=list(keys))),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The groups with their tags."""
    for row in world.rows(groups, account, region).values():
        yield arn_of(account, region, row), row.tags
