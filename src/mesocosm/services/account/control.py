"""Turning a Region on or off takes a while: the clock brings it to its end."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.call.regions import Choice, choices
from mesocosm.services.account import account


@account.timer("region")
def settle(call: Call, name: str) -> None:
    """A Region that was being turned on or off is so now."""
    rows = call.rows(choices)
    choice = rows.get(name)
    if choice is not None and choice.status in ("ENABLING", "DISABLING"):
        rows[name] = Choice("ENABLED" if choice.status == "ENABLING" else "DISABLED", call.now)
