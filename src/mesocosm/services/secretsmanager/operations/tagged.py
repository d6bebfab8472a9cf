"""Secrets as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import secretsmanager as api
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.resources import arn_of, secrets

if TYPE_CHECKING:
    from mesocosm.world import World


@secretsmanager.tagged(
    "AWS::SecretsManager::Secret",
    "arn:aws:secretsmanager:*:*:secret:**",
    tag=(
        "TagResource",
        lambda call, arn, tags: api.TagResourceRequest(
            secret_id=arn, tags=[api.Tag(key=key, value=value) for key, value in tags.items()]
        ),
    ),
    untag=(
        "UntagResource",
        lambda call, arn, keys: api.UntagResourceRequest(secret_id=arn, tag_keys=list(keys)),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The secrets with their tags."""
    for row in world.rows(secrets, account, region).values():
        yield arn_of(region, account, row), row.tags
