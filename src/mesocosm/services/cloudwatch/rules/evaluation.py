"""Whether an alarm rings: M out of N, and what is missing.

User guide, "Configuring how CloudWatch alarms treat missing data": its tables are the tests of this
file. More data points are looked at than the alarm needs (`evaluation_range`); real ones count
before missing ones, and missing ones are filled in as few times as possible.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

EXTRA = 2
"""How many data points an alarm looks at beyond its evaluation periods. AWS names no number but
uses five for three in its tables.
"""

SIDES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
BANDS = frozenset(
    (
        "LessThanLowerOrGreaterThanUpperThreshold",
        "LessThanLowerThreshold",
        "GreaterThanUpperThreshold",
    )
)


def evaluation_range(periods: int) -> int:
    """How many data points are looked at."""
    return periods + EXTRA


def needed(points: Sequence[bool | None], periods: int) -> list[int]:
    """The places of the real points an evaluation uses: the newest so many, or all there are."""
    return [place for place, point in enumerate(points) if point is not None][-periods:]


def outcome(points: Sequence[bool | None], periods: int, to_alarm: int, missing: str) -> str | None:
    """The state an alarm takes; None: the one it has.

    `points` has the evaluation range, the newest last: breaching, not breaching, or missing (None).
    `missing`: "missing", "ignore", "breaching" or "notBreaching".
    """
    # With all of the newest N there, older ones are not looked at.
    recent = points[-periods:]
    window = recent if None not in recent else points
    places = needed(window, periods)
    breaching = sum(window[place] is True for place in places)
    to_fill = periods - len(places)
    if to_fill <= 0:
        return "ALARM" if breaching >= to_alarm else "OK"
    if missing == "breaching":
        return "ALARM" if breaching + to_fill >= to_alarm else "OK"
    if missing == "notBreaching" or breaching >= to_alarm:
        return "ALARM" if breaching >= to_alarm else "OK"
    if not places:
        return None if missing == "ignore" else "INSUFFICIENT_DATA"
    if breaching < len(places):
        return "OK"
    # Only breaching points, and fewer than needed: too early to ring, unless the oldest of them is
    # so old that every point since might have been another (the "premature alarm state").
    if len(window) - places[0] >= to_alarm and missing == "missing":
        return "ALARM"
    return None


def breaches(value: float, comparison: str, threshold: float) -> bool:
    """Whether a value is on the wrong side of a threshold."""
    return SIDES[comparison](value, threshold)


def leaves_band(value: float, comparison: str, upper: float, lower: float) -> bool:
    """Whether a value is where an alarm on a band does not want it."""
    below, above = value < lower, value > upper
    if comparison == "LessThanLowerThreshold":
        return below
    if comparison == "GreaterThanUpperThreshold":
        return above
    return below or above


def samples_needed(percent: float) -> float:
    """How many samples make a percentile significant (user guide, "Percentile-based CloudWatch
    alarms and low data samples").
    """
    part = percent / 100.0
    least = min(part, 1.0 - part)
    return 10.0 / least if least else float("inf")
