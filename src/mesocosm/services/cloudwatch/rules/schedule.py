"""When a mute rule is in force: `cron(0 2 * * SUN)` or `at(2026-12-24T18:00)`, for `PT4H`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+)\)")
MINUTE_MIN, DAYS_MAX = 60, 15
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_DAYS = "SUN MON TUE WED THU FRI SAT"


class BadSchedule(ValueError):
    """A schedule that cannot be read."""


class Schedule(NamedTuple):
    """Either `once` (local time), or the values each field of a cron expression allows."""

    once: datetime | None
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    length: timedelta
    zone: tzinfo


def parse(expression: str, duration: str, zone: str | None) -> Schedule:
    """A schedule. Raises BadSchedule."""
    length = _length(duration)
    try:
        where: tzinfo = ZoneInfo(zone) if zone else UTC
    except (KeyError, ValueError, OSError):
        raise BadSchedule(f"Invalid timezone: {zone}") from None
    nothing: frozenset[int] = frozenset()
    if at := _AT.fullmatch(expression):
        try:
            once = datetime.strptime(at[1], "%Y-%m-%dT%H:%M").replace(tzinfo=where)
        except ValueError:
            raise BadSchedule(f"Invalid schedule expression: {expression}") from None
        return Schedule(once, nothing, nothing, nothing, nothing, nothing, length, where)
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise BadSchedule(f"Invalid schedule expression: {expression}")
    weekdays = _field(cron[5], 0, 7, _DAYS, 0)
    return Schedule(
        None,
        _field(cron[1], 0, 59),
        _field(cron[2], 0, 23),
        _field(cron[3], 1, 31),
        _field(cron[4], 1, 12, _MONTHS, 1),
        frozenset(day % 7 for day in weekdays),
        length,
        where,
    )


def _length(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise BadSchedule(f"Invalid duration: {text}")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not timedelta(seconds=MINUTE_MIN) <= length <= timedelta(days=DAYS_MAX):
        raise BadSchedule(f"Invalid duration: {text}: from PT1M to P15D")
    return length


def _field(text: str, low: int, high: int, names: str = "", first: int = 0) -> frozenset[int]:
    known = {name: number for number, name in enumerate(names.split(), first)}
    found: set[int] = set()
    for part in text.split(","):
        ends = part.split("-")
        try:
            if part == "*":
                begin, end = low, high
            else:
                begin, end = (
                    known.get(one.upper(), -1) if one.upper() in known else int(one)
                    for one in (ends[0], ends[-1])
                )
        except ValueError:
            raise BadSchedule(f"Invalid schedule expression: {text}") from None
        if len(ends) > 2 or not low <= begin <= end <= high:
            raise BadSchedule(f"Invalid schedule expression: {text}")
        found.update(range(begin, end + 1))
    return frozenset(found)


def _starts_on(schedule: Schedule, day: datetime) -> list[datetime]:
    if day.month not in schedule.months:
        return []
    if day.day not in schedule.days or (day.weekday() + 1) % 7 not in schedule.weekdays:
        return []
    return [
        day.replace(hour=hour, minute=minute)
        for hour in sorted(schedule.hours)
        for minute in sorted(schedule.minutes)
    ]


def active(schedule: Schedule, now: float) -> bool:
    """Whether a time lies in a window of the schedule."""
    moment = datetime.fromtimestamp(now, schedule.zone)
    if schedule.once is not None:
        return schedule.once <= moment < schedule.once + schedule.length
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS_MAX + 2):
        for start in reversed(_starts_on(schedule, day - timedelta(days=back))):
            if start <= moment:
                return moment.timestamp() < start.timestamp() + schedule.length.total_seconds()
    return False


def over(schedule: Schedule, now: float) -> bool:
    """Whether there will be no window any more."""
    return schedule.once is not None and (
        now >= schedule.once.timestamp() + schedule.length.total_seconds()
    )
