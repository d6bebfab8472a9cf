"""What authorisation knows of an organization's parts: tags, the delegation policy, delegated
administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.call.service import READS, Target
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.resources import rows, tree

if TYPE_CHECKING:
    from mesocosm.world import World


@organizations.resource
def target(world: World, arn: str) -> Target | None:
    """The root, unit, account, policy, ... of an organization that an ARN names.

    Its resource policy is the organization's delegation policy. A delegated administrator of any
    service may read.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or "/" not in parts[5]:
        return None
    kind, _, rest = parts[5].partition("/")
    of = world.derived(tree.Tree)
    organization = of.organizations.get(rest.partition("/")[0])
    if organization is None or organization.management != parts[4]:
        return None
    policy = of.resource_policies.get(organization.id)
    return Target(
        arn,
        organization.management,
        _tags(of, organization, kind, rest.rpartition("/")[2]),
        policy.content if policy is not None else None,
        name="the delegation policy of the organization",
        open=_granted(of, organization, kind, rest.rpartition("/")[2]),
    )


def _tags(
    of: tree.Tree, organization: rows.Organization, kind: str, name: str
) -> Mapping[str, str]:
    if kind == "root":
        return organization.root_tags
    row: Any = None
    if kind in ("ou", "account"):
        row = of.node(organization, name)
    elif kind == "policy":
        row = of.policy(organization, name)
    elif kind == "resourcepolicy":
        row = of.resource_policies.get(organization.id)
    return row.tags if row is not None else {}


def _granted(
    of: tree.Tree, organization: rows.Organization, kind: str, name: str
) -> Callable[[Any, str, Any], str | None]:
    def reason(principal: Any, action: str, context: Any) -> str | None:
        account = principal.account
        if kind == "handshake":
            offered = of.handshakes.get(name)
            if offered is not None and of.invited(offered) == account:
                return "party of the handshake"
        member = of.member(organization, account) is not None
        if account == organization.management or not member:
            return None
        held = of.delegated(account) if READS.match(action.partition(":")[2]) else []
        return f"delegated administrator of {held[0].service}" if held else None

    return reason
