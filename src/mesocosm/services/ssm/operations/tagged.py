"""Parameters as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import ssm as api
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.resources import arn_of, look_up, parameters

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World


def _name(call: Call, arn: str) -> str:
    found = look_up(call.world, arn)
    return found.parameter.name if found is not None else arn.partition(":parameter")[2]


@ssm.tagged(
    "AWS::SSM::Parameter",
    "arn:aws:ssm:*:*:parameter/**",
    tag=(
        "AddTagsToResource",
        lambda call, arn, tags: api.AddTagsToResourceRequest(
            resource_type="Parameter",
            resource_id=_name(call, arn),
            tags=[api.Tag(key=key, value=value) for key, value in tags.items()],
        ),
    ),
    untag=(
        "RemoveTagsFromResource",
        lambda call, arn, keys: api.RemoveTagsFromResourceRequest(
            resource_type="Parameter", resource_id=_name(call, arn), tag_keys=list(keys)
        ),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The parameters with their tags."""
    for name, row in world.rows(parameters, account, region).items():
        yield arn_of(region, account, name), row.tags
