"""Evaluation windows that follow the clock on the wall: the top of the hour, midnight, Monday."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

PERIODS = (60, 300, 3_600, 86_400, 604_800)
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):(\d\d)")


class BadZone(ValueError):
    """No such time zone."""


def zone_of(text: str | None) -> tzinfo:
    """A time zone: of IANA, `+05:30` or `UTC+05:30`. Raises BadZone."""
    if text is None:
        return UTC
    if found := _OFFSET.fullmatch(text):
        hours, minutes = int(found[2]), int(found[3])
        if hours > 14 or minutes > 59 or minutes % 5:
            raise BadZone(text)
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(offset if found[1] == "+" else -offset)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise BadZone(text) from None


def wall_clock_end(now: float, period: int, zone: tzinfo) -> int:
    """The last full boundary of a period by a clock of that zone."""
    moment = datetime.fromtimestamp(now, zone)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period >= 604_800:
        return int((midnight - timedelta(days=midnight.weekday())).timestamp())
    if period >= 86_400:
        return int(midnight.timestamp())
    passed = int((moment - midnight).total_seconds()) // period * period
    return int((midnight + timedelta(seconds=passed)).timestamp())
