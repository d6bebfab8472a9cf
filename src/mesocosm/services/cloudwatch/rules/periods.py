"""Periods and how start times are rounded to them.

GetMetricData, "StartTime": rounded down to the minute; beyond 15 days to five minutes, beyond 63 to
the hour; with a period below a minute to the even 5, 10, 20 or 30 seconds. The periods of an answer
begin at the rounded start.
"""

from __future__ import annotations

DAY = 86_400.0


def valid(period: int) -> bool:
    """1, 5, 10, 20, 30 or a multiple of 60 seconds."""
    return period in (1, 5, 10, 20, 30) or (period > 0 and period % 60 == 0)


def rounded(start: float, period: int, now: float) -> int:
    """The start of the first period of a query."""
    if period < 60:
        step = period
    elif start < now - 63 * DAY:
        step = 3_600
    elif start < now - 15 * DAY:
        step = 300
    else:
        step = 60
    return int(start // step * step)
