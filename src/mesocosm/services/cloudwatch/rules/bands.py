"""What is expected of a metric: a seasonal mean with its standard deviation.

AWS does not say how its anomaly detection models a metric. This one is a textbook model with two
seasons: the points of the two weeks before are gathered by the hour of the week and by the hour of
the day. What is expected at an instant is the mean of its hour of the week where that hour was seen
on two days at least, else of its hour of the day, else of everything; the band is so many standard
deviations of the points it was taken from to both sides, but of no fewer than a tenth of the
deviation of all points, so that a flat hour does not make every value an anomaly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from mesocosm.services.cloudwatch.rules.math.functions import deviation, mean
from mesocosm.services.cloudwatch.rules.math.values import Points

TRAINING = 14 * 86_400
POINTS_MIN = 3


class Expected(NamedTuple):
    """Mean and standard deviation."""

    mean: float
    deviation: float


class Model(NamedTuple):
    """What a metric did, by hour of the week (0-167), by hour of the day (0-23), and at all."""

    week: dict[int, Expected]
    day: dict[int, Expected]
    whole: Expected
    zone: tzinfo

    def at(self, second: int) -> Expected:
        """What is expected at an instant."""
        hour = _hour(second, self.zone)
        return self.week.get(hour) or self.day.get(hour % 24) or self.whole


def train(
    points: Points, excluded: Sequence[tuple[float, float]] = (), zone: tzinfo = UTC
) -> Model | None:
    """The model of what was seen; None when that is too little."""
    used = {
        at: value
        for at, value in points.items()
        if not any(start <= at < end for start, end in excluded)
    }
    if len(used) < POINTS_MIN:
        return None
    week: dict[int, list[float]] = {}
    day: dict[int, list[float]] = {}
    days: dict[int, set[int]] = {}
    for at, value in used.items():
        hour = _hour(at, zone)
        week.setdefault(hour, []).append(value)
        day.setdefault(hour % 24, []).append(value)
        days.setdefault(hour, set()).add(at // 86_400)
    every = list(used.values())
    whole = Expected(mean(every), deviation(every))
    least = whole.deviation / 10
    return Model(
        {
            hour: _expected(values, least)
            for hour, values in week.items()
            if len(days[hour]) > 1 and len(values) >= POINTS_MIN
        },
        {
            hour: _expected(values, least)
            for hour, values in day.items()
            if len(values) >= POINTS_MIN
        },
        whole,
        zone,
    )


def band(model: Model, seconds: Sequence[int], deviations: float) -> tuple[Points, Points]:
    """Upper and lower bound at each of these instants."""
    upper, lower = {}, {}
    for at in seconds:
        expected = model.at(at)
        width = expected.deviation * deviations
        if math.isfinite(width):
            upper[at] = expected.mean + width
            lower[at] = expected.mean - width
    return upper, lower


def _expected(values: list[float], least: float) -> Expected:
    return Expected(mean(values), max(deviation(values), least))


def _hour(second: int, zone: tzinfo) -> int:
    moment = datetime.fromtimestamp(second, zone)
    return moment.weekday() * 24 + moment.hour
