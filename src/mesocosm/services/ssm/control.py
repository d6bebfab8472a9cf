"""What parameters do by themselves: their policies act at their times."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations.opened import save
from mesocosm.services.ssm.operations.writing import arm, delete
from mesocosm.services.ssm.resources import Found, parameters
from mesocosm.services.ssm.rules.policies import EXPIRATION

ROUNDING = 0.001


@ssm.timer("policy")
def policy(call: Call, name: str) -> None:
    """A policy of a parameter acts: it expires, or its notification is due."""
    row = call.rows(parameters).get(name)
    if row is None:
        return
    found = Found(row, call.account, call.region)
    version = found.latest(call)
    due = [
        one
        for one in version.policies
        if one.status == "Pending" and one.due <= call.now + ROUNDING
    ]
    if any(one.type == EXPIRATION for one in due):
        delete(call, found)
        return
    rules = tuple(
        replace(one, status="Finished") if one in due else one for one in version.policies
    )
    save(call, found, row.latest, replace(version, policies=rules))
    arm(call, name, rules)
