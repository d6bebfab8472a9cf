"""Roots, units, accounts and policies as resources with tags, for the tagging API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import organizations as api
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.resources import tree

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

Tags = Iterator[tuple[str, Mapping[str, str]]]
"""ARNs with their tags."""


def _tag(call: Call, arn: str, tags: Mapping[str, str]) -> api.TagResourceRequest:
    return api.TagResourceRequest(
        resource_id=arn.rpartition("/")[2],
        tags=[api.Tag(key=key, value=value) for key, value in tags.items()],
    )


TAG = ("TagResource", _tag)
UNTAG = (
    "UntagResource",
    lambda call, arn, keys: api.UntagResourceRequest(
        resource_id=arn.rpartition("/")[2], tag_keys=list(keys)
    ),
)


@organizations.tagged(
    "AWS::Organizations::Root", "arn:aws:organizations::*:root/**", tag=TAG, untag=UNTAG
)
def roots(world: World, account: str, region: str) -> Tags:
    """The root, in the management account."""
    for row in world.derived(tree.Tree).organizations.values():
        if row.management == account:
            yield tree.root_arn(row), row.root_tags


@organizations.tagged(
    "AWS::Organizations::OrganizationalUnit",
    "arn:aws:organizations::*:ou/**",
    tag=TAG,
    untag=UNTAG,
)
def units(world: World, account: str, region: str) -> Tags:
    """The units, in the management account."""
    of = world.derived(tree.Tree)
    for name, row in of.units.items():
        organization = of.organizations[row.organization]
        if organization.management == account:
            yield tree.unit_arn(organization, name), row.tags


@organizations.tagged(
    "AWS::Organizations::Account", "arn:aws:organizations::*:account/**", tag=TAG, untag=UNTAG
)
def accounts(world: World, account: str, region: str) -> Tags:
    """The members, in the management account."""
    of = world.derived(tree.Tree)
    for name, row in of.accounts.items():
        organization = of.organizations.get(row.organization)
        if organization is not None and organization.management == account:
            yield tree.account_arn(organization, name), row.tags


@organizations.tagged(
    "AWS::Organizations::Policy", "arn:aws:organizations::*:policy/**", tag=TAG, untag=UNTAG
)
def policies(world: World, account: str, region: str) -> Tags:
    """The organization's own policies, in the management account."""
    of = world.derived(tree.Tree)
    for name, row in of.policies.items():
        organization = of.organizations.get(row.organization)
        if organization is not None and organization.management == account:
            yield tree.policy_arn(organization, name, row.type), row.tags
