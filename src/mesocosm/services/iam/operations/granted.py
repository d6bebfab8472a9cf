"""Every policy that grants something to a user, group or role, with where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from mesocosm.call.call import Call
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.resources.authority import Identity
from mesocosm.wire.errors import AwsError

Entity = rows.User | rows.Group | rows.Role


class Granted(NamedTuple):
    """A policy: `kind` and `owner` name what it is attached to; `arn` is empty for an inline
    one."""

    kind: str
    owner: str
    name: str
    arn: str
    text: str

    @property
    def source(self) -> str:
        """What the simulator calls it: a managed policy its own name, an inline one with its
        owner's."""
        return self.name if self.arn else f"{self.kind}_{self.owner}_{self.name}"


def entity(call: Call, arn: str) -> tuple[str, Entity]:
    """The user, group or role of an ARN; raises InvalidInput, NoSuchEntity."""
    name = arns.split(arn)
    if name is None or name.kind not in ("user", "group", "role"):
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn}")
    if name.account != call.account:
        raise common.missing(f"ARN {arn} is not found.")
    if name.kind == "user":
        return "user", common.user(call, name.name)
    if name.kind == "group":
        return "group", common.group(call, name.name)
    return "role", common.role(call, name.name)


def granted(call: Call, kind: str, row: Entity) -> list[Granted]:
    """The policies of an entity; those of a user's groups come after its own."""
    found = [Granted(kind, row.name, name, "", text) for name, text in row.inline.items()]
    identity = Identity(call.world)
    for arn in row.attached:
        text = identity.policy(call.account, arn)
        if text is not None:
            found.append(Granted(kind, row.name, arn.rpartition("/")[2], arn, text))
    if isinstance(row, rows.User):
        groups = call.rows(rows.groups)
        for key in row.groups:
            found += granted(call, "group", groups[key])
    return found
