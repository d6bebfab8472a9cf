"""Statistics of the values of a period: the basic ones and CloudWatch's extended statistics.

"CloudWatch statistics definitions" of the user guide: pNN, tmNN, wmNN, tcNN, tsNN, TM/WM/TC/TS/PR
with ranges of values or percentages, IQM. Extended statistics need raw values: a statistic set
counts only when its minimum equals its maximum; with negative values there are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from mesocosm.services.cloudwatch.rules.points import Sample

BASIC = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")

_SHORT = re.compile(r"(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{1,10})?)", re.IGNORECASE)
_RANGE = re.compile(r"(TM|WM|TC|TS|PR)\((\d+(?:\.\d+)?)?(%?):(\d+(?:\.\d+)?)?(%?)\)", re.IGNORECASE)


class Statistic(NamedTuple):
    """A statistic. `low` and `high` bound it; `percent` says in percent of the observations."""

    kind: str
    low: float | None = None
    high: float | None = None
    percent: bool = False

    @property
    def extended(self) -> bool:
        """Whether it needs raw values."""
        return self.kind not in BASIC


def parse(text: str) -> Statistic | None:
    """The statistic a name stands for; None when it is none."""
    if text in BASIC:
        return Statistic(text)
    if text.upper() == "IQM":
        return Statistic("tm", 25.0, 75.0, True)
    if short := _SHORT.fullmatch(text):
        number = float(short[2])
        kind = short[1].lower()
        if number > 100:
            return None
        return Statistic(kind, 0.0, number, True)
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    kind, low, low_percent, high, high_percent = found.groups()
    if low is None and high is None:
        return None
    percents = {mark for number, mark in ((low, low_percent), (high, high_percent)) if number}
    if len(percents) > 1 or (kind.upper() == "PR" and "%" in percents):
        return None
    percent = percents == {"%"}
    bottom, top = (None if n is None else float(n) for n in (low, high))
    if bottom is not None and top is not None and bottom >= top:
        return None
    if percent:
        bottom, top = bottom or 0.0, 100.0 if top is None else top
        if top > 100:
            return None
    return Statistic(kind.lower(), bottom, top, percent)


def statistic_of(statistic: Statistic) -> Callable[[Sample], float | None]:
    """The function that computes a statistic of a sample; None: no value can be given."""
    if statistic.kind in BASIC:
        return _BASIC[statistic.kind]
    return lambda sample: _extended(statistic, sample)


# -- basic ---------------------------------------------------------------------------------------


def count(sample: Sample) -> float:
    """How many observations."""
    found = float(len(sample.values))
    return found + sum(one[0] for one in sample.sets) if sample.sets else found


def total(sample: Sample) -> float:
    """The sum of all observations."""
    found = sum(sample.values)
    return found + sum(one[1] for one in sample.sets) if sample.sets else float(found)


def minimum(sample: Sample) -> float:
    """The smallest observation."""
    if sample.sets:
        return min([*sample.values, *(one[2] for one in sample.sets)])
    return min(sample.values)


def maximum(sample: Sample) -> float:
    """The greatest observation."""
    if sample.sets:
        return max([*sample.values, *(one[3] for one in sample.sets)])
    return max(sample.values)


def average(sample: Sample) -> float | None:
    """Sum by count; None when only empty statistic sets were put."""
    if not sample.sets and len(sample.values) == 1:
        return sample.values[0]
    number = count(sample)
    return total(sample) / number if number else None


_BASIC: dict[str, Callable[[Sample], float | None]] = {
    "SampleCount": count,
    "Average": average,
    "Sum": total,
    "Minimum": minimum,
    "Maximum": maximum,
}


# -- extended ------------------------------------------------------------------------------------

Distribution = list[tuple[float, float]]
"""Value and how often, in ascending order."""


def distribution(sample: Sample) -> Distribution | None:
    """The raw values of a sample; None when it has none, or negative ones."""
    if not sample.sets:
        values = sorted(sample.values)
        return [(value, 1.0) for value in values] if values and values[0] >= 0 else None
    found = [(value, 1.0) for value in sample.values]
    for number, _, low, high in sample.sets:
        if low != high:
            return None
        if number:
            found.append((low, number))
    found.sort()
    return found if found and found[0][0] >= 0 else None


def _extended(statistic: Statistic, sample: Sample) -> float | None:
    values = distribution(sample)
    if values is None:
        return None
    number = sum(weight for _, weight in values)
    if statistic.kind == "p":
        assert statistic.high is not None
        return percentile(values, number, statistic.high)
    if statistic.kind == "wm":
        return _winsorized(statistic, values, number)
    kept = _between(statistic, values, number)
    weights = sum(weight for _, weight in kept)
    if statistic.kind == "tc":
        return weights
    if statistic.kind == "pr":
        return 100.0 * weights / number
    summed = sum(value * weight for value, weight in kept)
    if statistic.kind == "ts":
        return summed
    return summed / weights if weights else None


def percentile(values: Distribution, number: float, percent: float) -> float:
    """The smallest value that at least `percent` of the observations do not exceed."""
    rank = number * percent / 100.0
    seen = 0.0
    for value, weight in values:
        seen += weight
        if seen >= rank - 1e-9:
            return value
    return values[-1][0]


def _between(statistic: Statistic, values: Distribution, number: float) -> Distribution:
    low, high = statistic.low, statistic.high
    if not statistic.percent:
        return [
            (value, weight)
            for value, weight in values
            if (low is None or value > low) and (high is None or value <= high)
        ]
    assert low is not None
    assert high is not None
    first, last = number * low / 100.0, number * high / 100.0
    kept, seen = [], 0.0
    for value, weight in values:
        part = min(seen + weight, last) - max(seen, first)
        if part > 1e-9:
            kept.append((value, part))
        seen += weight
    return kept


def _winsorized(statistic: Statistic, values: Distribution, number: float) -> float:
    """Outside of the bounds an observation counts as the bound (user guide, "Winsorized mean")."""
    low, high = statistic.low, statistic.high
    if statistic.percent:
        low = percentile(values, number, low or 0.0)
        high = percentile(values, number, 100.0 if high is None else high)
    summed = 0.0
    for value, weight in values:
        if low is not None and value < low:
            value = low
        if high is not None and value > high:
            value = high
        summed += value * weight
    return summed / number
