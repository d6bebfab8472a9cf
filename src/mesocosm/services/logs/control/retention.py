"""Events that are older than their group keeps them go away, by the clock."""

from __future__ import annotations

import math

from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.groups import END, expire_later
from mesocosm.services.logs.resources.rows import events, groups, streams
from mesocosm.services.logs.rules.limits import DAY_MS

AT_ONCE = 200
"""Streams looked at in one go."""


@logs.timer("expire")
def expire(call: Call, key: str) -> None:
    """Drop the events of a group that are past its retention.

    Reading hides them at their very instant; this frees their room, and AWS takes up to 72 hours.
    """
    name, _, after = key.partition("\n")
    group = call.rows(groups).get(name)
    if group is None or not group.retention:
        return
    before = call.now * 1000 - group.retention * DAY_MS
    stored = call.world.segments(events, call.account, call.region)
    rows = call.rows(streams)
    keys = rows.range((group.id, after), (group.id, END))
    for looked, place in enumerate(keys):
        if looked == AT_ONCE:
            call.at(call.now, "expire", f"{name}\n{place[1]}")
            return
        stored.drop(rows[place].id, before)
    call.cancel("expire", name)
    held = rows.range((group.id, ""), (group.id, END))
    oldest = min((stored.first_end(rows[place].id) for place in held), default=math.inf)
    if math.isfinite(oldest):
        expire_later(call, group, oldest)
