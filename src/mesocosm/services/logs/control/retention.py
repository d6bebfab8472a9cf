"""Events that are older than their group keeps them go away, by the clock."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.rows import events, groups, streams
from mesocosm.services.logs.rules.limits import DAY_MS

EVERY = 3600.0
AT_ONCE = 200
"""Streams looked at in one go."""


@logs.timer("expire")
def expire(call: Call, name: str) -> None:
    """Drop the events of a group that are past its retention; look again in an hour.

    Reading hides them at their very instant; this frees their room, and AWS takes up to 72 hours.
    """
    name, _, after = name.partition("\n")
    group = call.rows(groups).get(name)
    if group is None or not group.retention:
        return
    before = call.now * 1000 - group.retention * DAY_MS
    stored = call.world.segments(events, call.account, call.region)
    rows = call.rows(streams)
    keys = rows.range((group.id, after), (group.id, "\U0010ffff"))
    for looked, key in enumerate(keys):
        if looked == AT_ONCE:
            call.at(call.now, "expire", f"{name}\n{key[1]}")
            return
        stored.drop(rows[key].id, before)
    if any(True for _ in rows.range((group.id, ""), (group.id, "\U0010ffff"))):
        call.at(call.now + EVERY, "expire", name)
