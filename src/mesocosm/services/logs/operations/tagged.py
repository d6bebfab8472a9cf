"""Log groups and destinations as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mesocosm.api import logs as api
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.rows import destinations, groups
from mesocosm.services.logs.resources.targets import GroupName

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

Tags = Iterator[tuple[str, Mapping[str, str]]]


def _tag(call: Call, arn: str, tags: Mapping[str, str]) -> api.TagResourceRequest:
    return api.TagResourceRequest(resource_arn=arn, tags=dict(tags))


def _untag(call: Call, arn: str, keys: Sequence[str]) -> api.UntagResourceRequest:
    return api.UntagResourceRequest(resource_arn=arn, tag_keys=list(keys))


@logs.tagged(
    "AWS::Logs::LogGroup",
    "arn:aws:logs:*:*:log-group:**",
    tag=("TagResource", _tag),
    untag=("UntagResource", _untag),
)
def tagged_groups(world: World, account: str, region: str) -> Tags:
    """The groups with their tags."""
    for name, row in world.rows(groups, account, region).items():
        yield GroupName(account, region, name).arn, row.tags


@logs.tagged(
    "AWS::Logs::Destination",
    "arn:aws:logs:*:*:destination:*",
    tag=("TagResource", _tag),
    untag=("UntagResource", _untag),
)
def tagged_destinations(world: World, account: str, region: str) -> Tags:
    """The destinations with their tags."""
    for name, row in world.rows(destinations, account, region).items():
        yield f"arn:aws:logs:{region}:{account}:destination:{name}", row.tags
