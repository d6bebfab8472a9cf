"""Alarm mute rules: windows of time in which alarms take no actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.services.cloudwatch.rules import schedule as rules
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.call.call import Call


class MuteRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mute rule. Times are epoch seconds; `targets` are names of alarms."""

    name: str
    expression: str
    duration: str
    updated: float
    timezone: str | None = None
    description: str | None = None
    targets: tuple[str, ...] = ()
    start: float | None = None
    expire: float | None = None
    tags: dict[str, str] = {}

    @property
    def schedule(self) -> rules.Schedule:
        """Its windows."""
        return rules.parse(self.expression, self.duration, self.timezone)

    def status(self, now: float) -> str:
        """SCHEDULED, ACTIVE or EXPIRED."""
        if (self.expire is not None and now >= self.expire) or rules.over(self.schedule, now):
            return "EXPIRED"
        if self.start is not None and now < self.start:
            return "SCHEDULED"
        return "ACTIVE" if rules.active(self.schedule, now) else "SCHEDULED"


mutes: Table[str, MuteRule] = Table("cloudwatch.mute_rules", MuteRule)


def muted_by(call: Call, alarm: str) -> str:
    """The name of a rule that mutes an alarm now; nothing when none does."""
    for name, rule in call.rows(mutes).items():
        if alarm in rule.targets and rule.status(call.now) == "ACTIVE":
            return name
    return ""
