"""What authorisation knows of IAM's resources: their tags, and a role's trust policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.call.service import Target
from mesocosm.services.iam import iam
from mesocosm.services.iam.resources import arns, principals, rows

if TYPE_CHECKING:
    from mesocosm.world import Table, World

GLOBAL = "aws-global"
TABLES: Mapping[str, Table[str, Any]] = {
    "user": rows.users,
    "group": rows.groups,
    "role": rows.roles,
    "policy": rows.policies,
    "instance-profile": rows.instance_profiles,
}


@iam.resource
def target(world: World, arn: str) -> Target | None:
    """The user, role, policy, ... that an ARN names."""
    name = arns.split(arn)
    if name is None or name.kind not in TABLES:
        return None
    row = world.rows(TABLES[name.kind], name.account, GLOBAL).get(name.key)
    if row is None or arns.arn_of(name.account, name.kind, row) != arn:
        return None
    if isinstance(row, rows.Role):
        trust = principals.shown(world, row.trust, row.principals)
        return Target(
            arn, name.account, row.tags, trust, "trust", f"the trust policy of {row.name}"
        )
    return Target(arn, name.account, getattr(row, "tags", {}))
