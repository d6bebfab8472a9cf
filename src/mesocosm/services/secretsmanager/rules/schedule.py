"""When a secret is rotated: `rate()` and `cron()` expressions and their windows, in UTC.

Source: Secrets Manager user guide, "Rotation schedules" and "Schedule expressions".
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from mesocosm.wire.errors import AwsError

DAY = 86_400
HOUR = 3_600
RATE = re.compile(r"rate\((\d+) (hours?|days?)\)")
CRON = re.compile(r"cron\(([^)]*)\)")
LOOK_AHEAD_DAYS = 5 * 366
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(_MONTHS, 1)}
WEEKDAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}


def invalid(message: str) -> AwsError:
    """A schedule that cannot be."""
    return AwsError("InvalidParameterException", message)


class Cron(NamedTuple):
    """A cron expression: the hours of the days it names. `days` and `weekdays` may be `L`-kinds."""

    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int] | None

    def on(self, day: date) -> bool:
        """Whether windows open on a day."""
        if day.month not in self.months or (self.years is not None and day.year not in self.years):
            return False
        if self.days != "?":
            return _day_of_month(self.days, day)
        return _weekday(self.weekdays, day)


class Schedule(NamedTuple):
    """A schedule: every so many seconds from midnight, or by cron. `window` in seconds."""

    every: int
    cron: Cron | None
    window: int

    def after(self, moment: float) -> float | None:
        """The start of the first window that opens after a moment (epoch seconds)."""
        if self.cron is None:
            midnight = moment - moment % DAY
            if self.every % DAY == 0:
                return midnight + self.every
            return midnight + (int(moment - midnight) // self.every + 1) * self.every
        start = datetime.fromtimestamp(moment, UTC)
        for ahead in range(LOOK_AHEAD_DAYS):
            day = start.date() + timedelta(days=ahead)
            if not self.cron.on(day):
                continue
            for hour in sorted(self.cron.hours):
                opens = datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()
                if opens > moment:
                    return opens
        return None


def schedule(days: int | None, expression: str | None, duration: str | None) -> Schedule:
    """The schedule of RotationRules. Raises InvalidParameterException."""
    if days is not None and expression is not None:
        raise invalid(
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules."
        )
    if days is not None:
        if not 1 <= days <= 1000:
            raise invalid("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
        return Schedule(days * DAY, None, _window(duration, DAY))
    if expression is None:
        raise invalid("You must specify AutomaticallyAfterDays or ScheduleExpression.")
    rate = RATE.fullmatch(expression)
    if rate is not None:
        unit = DAY if rate[2].startswith("day") else HOUR
        every = int(rate[1]) * unit
        if every < 4 * HOUR or every > 999 * DAY:
            raise invalid("The rotation rate must be at least 4 hours and at most 999 days.")
        return Schedule(every, None, _window(duration, unit))
    cron = CRON.fullmatch(expression)
    if cron is None:
        raise invalid(f"Invalid ScheduleExpression: {expression}")
    parsed = _cron(cron[1].split(), expression)
    return Schedule(0, parsed, _window(duration, HOUR if len(parsed.hours) > 1 else DAY))


def _window(duration: str | None, default: int) -> int:
    if duration is None:
        return default
    hours = int(duration.removesuffix("h"))
    if not 1 <= hours <= 24:
        raise invalid("The rotation window must be within 1h-24h.")
    return hours * HOUR


def _cron(fields: list[str], expression: str) -> Cron:
    refused = invalid(f"Invalid ScheduleExpression: {expression}")
    if len(fields) != 6 or fields[0] != "0" or (fields[2] == "?") == (fields[4] == "?"):
        raise refused
    try:
        hours = _numbers(fields[1], 0, 23, {})
        months = _numbers(fields[3], 1, 12, MONTHS)
        years = None if fields[5] == "*" else _numbers(fields[5], 1970, 2199, {})
        made = Cron(hours, fields[2].upper(), months, fields[4].upper(), years)
        made.on(date(2024, min(months), 1))  # reads the days
        _day_of_month(made.days, date(2024, 1, 1))
        _weekday(made.weekdays, date(2024, 1, 1))
    except ValueError:
        raise refused from None
    return made


def _numbers(field: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    """The numbers of a field: lists, ranges, steps, names."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, slash, step = part.partition("/")
        if span in ("*", "") and (span or slash):
            first, last = low, high
        else:
            start, hyphen, end = span.partition("-")
            first = names.get(start) or int(start)
            last = (names.get(end) or int(end)) if hyphen else (high if slash else first)
        if not low <= first <= last <= high:
            raise ValueError(part)
        found.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(found)


def _day_of_month(field: str, day: date) -> bool:
    if field == "?":
        return True
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if field.startswith("L"):
        back = int(field[2:]) if field.startswith("L-") else 0
        if field not in ("L", f"L-{back}"):
            raise ValueError(field)
        return day == last - timedelta(days=back)
    if field.endswith("W"):
        # The weekday nearest to a day, within its month.
        near = day.replace(day=min(int(field[:-1]), last.day))
        if near.weekday() == 5:
            near += timedelta(days=-1 if near.day > 1 else 2)
        elif near.weekday() == 6:
            near += timedelta(days=1 if near < last else -2)
        return day == near
    return day.day in _numbers(field, 1, 31, {})


def _weekday(field: str, day: date) -> bool:
    if field == "?":
        return True
    number = day.isoweekday() % 7 + 1
    if "#" in field:
        weekday, _, nth = field.partition("#")
        return number in _numbers(weekday, 1, 7, WEEKDAYS) and (day.day - 1) // 7 + 1 == int(nth)
    if field.endswith("L"):
        weekday = field[:-1] or "7"
        following = day + timedelta(days=7)
        return number in _numbers(weekday, 1, 7, WEEKDAYS) and following.month != day.month
    return number in _numbers(field, 1, 7, WEEKDAYS)
