"""The functions of metric math (user guide, "Functions supported for metric math")."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression
from mesocosm.services.cloudwatch.rules.math.values import (
    Line,
    Points,
    Value,
    each,
    finite,
    mapped,
)

Numbers = Sequence[float]


def mean(numbers: Numbers) -> float:
    """The arithmetic mean."""
    return math.fsum(numbers) / len(numbers)


def deviation(numbers: Numbers) -> float:
    """The standard deviation of a whole population."""
    middle = mean(numbers)
    return math.sqrt(math.fsum((one - middle) ** 2 for one in numbers) / len(numbers))


def grid(start: int, end: float, period: int) -> range:
    """The seconds where a point of that period may be."""
    return range(start, math.ceil(end), period)


def aggregate(name: str, function: Callable[[Numbers], float]) -> Callable[[Value], Value]:
    """A function that makes a number of a series, and a series of an array of series."""

    def made(value: Value) -> Value:
        if isinstance(value, Line):
            return function(list(value.points.values())) if value.points else math.nan
        if isinstance(value, float):
            raise BadExpression(f"{name} needs a time series")
        found: dict[int, list[float]] = {}
        for line in value:
            for at, number in line.points.items():
                found.setdefault(at, []).append(number)
        points = {at: function(found[at]) for at in sorted(found)}
        return Line(points, max((line.period for line in value), default=60), name)

    return made


def _steps(function: Callable[[float, float, int], float]) -> Callable[[Line], Line]:
    """A function of each point and the one before: (before, value, seconds between)."""

    def made(line: Line) -> Line:
        points = {
            at: function(before, value, at - earlier)
            for (earlier, before), (at, value) in pairwise(line.points.items())
        }
        return line.like(finite(points))

    return made


def _of_time(function: Callable[[datetime], int]) -> Callable[[Line], Line]:
    def made(line: Line) -> Line:
        return line.like(
            {at: float(function(datetime.fromtimestamp(at, UTC))) for at in line.points}
        )

    return made


def _running_sum(line: Line) -> Line:
    total, points = 0.0, {}
    for at, value in line.points.items():
        total += value
        points[at] = total
    return line.like(points)


def _period(value: Value) -> Value:
    if not isinstance(value, Line):
        raise BadExpression("PERIOD needs a single time series")
    return float(value.period)


def _metric_count(value: Value) -> Value:
    if not isinstance(value, list):
        raise BadExpression("METRIC_COUNT needs an array of time series")
    return float(len(value))


def _nonempty(value: Value) -> Value:
    if not isinstance(value, list):
        raise BadExpression("REMOVE_EMPTY needs an array of time series")
    return [line for line in value if line.points]


def _place(name: str, number: int) -> Callable[[Value], Value]:
    def made(value: Value) -> Value:
        if not isinstance(value, list) or not value:
            raise BadExpression(f"{name} needs an array of time series")
        return value[number]

    return made


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: function(number) if number > 0 else math.nan


def _lines(function: Callable[[Line], Line], name: str) -> Callable[[Value], Value]:
    return lambda value: each(function, value, name)


def _numbers(function: Callable[[float], float]) -> Callable[[Value], Value]:
    return lambda value: mapped(function, value)


AGGREGATES: Mapping[str, Callable[[Numbers], float]] = {
    "AVG": mean,
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
    "STDDEV": deviation,
    "DATAPOINT_COUNT": lambda numbers: float(len(numbers)),
}


def _datapoint_count(value: Value) -> Value:
    if isinstance(value, Line):
        return float(len(value.points))
    return aggregate("DATAPOINT_COUNT", AGGREGATES["DATAPOINT_COUNT"])(value)


PLAIN: Mapping[str, Callable[[Value], Value]] = {
    **{name: aggregate(name, function) for name, function in AGGREGATES.items()},
    "DATAPOINT_COUNT": _datapoint_count,
    "ABS": _numbers(abs),
    "CEIL": _numbers(lambda number: float(math.ceil(number))),
    "FLOOR": _numbers(lambda number: float(math.floor(number))),
    "LOG": _numbers(_log(math.log)),
    "LOG10": _numbers(_log(math.log10)),
    "DIFF": _lines(_steps(lambda before, value, seconds: value - before), "DIFF"),
    "DIFF_TIME": _lines(_steps(lambda before, value, seconds: float(seconds)), "DIFF_TIME"),
    "RATE": _lines(_steps(lambda before, value, seconds: (value - before) / seconds), "RATE"),
    "RUNNING_SUM": _lines(_running_sum, "RUNNING_SUM"),
    "MINUTE": _lines(_of_time(lambda at: at.minute), "MINUTE"),
    "HOUR": _lines(_of_time(lambda at: at.hour), "HOUR"),
    "DAY": _lines(_of_time(lambda at: at.isoweekday()), "DAY"),
    "DATE": _lines(_of_time(lambda at: at.day), "DATE"),
    "MONTH": _lines(_of_time(lambda at: at.month), "MONTH"),
    "YEAR": _lines(_of_time(lambda at: at.year), "YEAR"),
    "EPOCH": _lines(_of_time(lambda at: int(at.timestamp())), "EPOCH"),
    "PERIOD": _period,
    "METRIC_COUNT": _metric_count,
    "REMOVE_EMPTY": _nonempty,
    "FIRST": _place("FIRST", 0),
    "LAST": _place("LAST", -1),
}
"""Functions of one argument."""


def choice(condition: float | Line, then: Value, otherwise: Value | None) -> Value:
    """IF: a number that is not 0 is true. Where the condition or the chosen value has no point
    there is none.
    """
    if isinstance(condition, float):
        chosen = then if condition else otherwise
        if chosen is None:
            raise BadExpression("IF with a number as its condition needs two values")
        return chosen
    if isinstance(then, list) or isinstance(otherwise, list):
        count = len(then) if isinstance(then, list) else len(otherwise)  # type: ignore[arg-type]
        return [
            _chosen(condition, _nth(then, number), _nth(otherwise, number))
            for number in range(count)
        ]
    return _chosen(condition, then, otherwise)


def _nth(value: Value | None, number: int) -> float | Line | None:
    if isinstance(value, list):
        if number >= len(value):
            raise BadExpression("The arrays of IF have different lengths")
        return value[number]
    return value


def _chosen(condition: Line, then: float | Line | None, otherwise: float | Line | None) -> Line:
    points: Points = {}
    for at, decided in condition.points.items():
        value = then if decided else otherwise
        if isinstance(value, Line):
            value = value.points.get(at)
        if value is not None:
            points[at] = value
    return condition.like(points)


def filled(line: Line, how: str | float | Line, start: int, end: float) -> Line:
    """FILL: a value for every period without one."""
    known = list(line.points)
    points: Points = {}
    for at in sorted({*grid(start, end, line.period), *known}):
        value = line.points.get(at)
        if value is None:
            value = _filler(line, known, at, how)
        if value is not None:
            points[at] = value
    return line.like(points)


def _filler(line: Line, known: list[int], at: int, how: str | float | Line) -> float | None:
    if isinstance(how, float):
        return how
    if isinstance(how, Line):
        return how.points.get(at)
    place = bisect_left(known, at)
    if place == 0:
        return None
    before = known[place - 1]
    if how == "REPEAT":
        return line.points[before]
    if place == len(known):
        return None
    after = known[place]
    part = (at - before) / (after - before)
    return line.points[before] + (line.points[after] - line.points[before]) * part


def _last(numbers: Numbers) -> float:
    return numbers[-1]


def ordered(lines: list[Line], by: str, order: str, count: float | None) -> list[Line]:
    """SORT: series by a function of their points; those without points come last."""
    function = _last if by == "LAST" else AGGREGATES.get(by)
    if function is None:
        raise BadExpression(f"SORT does not know the function {by}")
    if order not in ("ASC", "DESC"):
        raise BadExpression("The order of SORT is ASC or DESC")
    full = [line for line in lines if line.points]
    full.sort(key=lambda line: function(list(line.points.values())), reverse=order == "DESC")
    found = full + [line for line in lines if not line.points]
    return found if count is None else found[: int(count)]
