"""What expressions compute with: numbers, time series, arrays of time series; and the operators."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression

Points: TypeAlias = dict[int, float]
"""Values by epoch second, in ascending order."""


class Line:
    """A time series. `period` is in seconds; `props` is what a label can say of its metric."""

    __slots__ = ("label", "period", "points", "props")

    def __init__(
        self,
        points: Points,
        period: int,
        label: str = "",
        props: Mapping[str, str] | None = None,
    ) -> None:
        self.points = points
        self.period = period
        self.label = label
        self.props = props or {}

    def like(self, points: Points) -> Line:
        """Other points under the same name."""
        return Line(points, self.period, self.label, self.props)


Value: TypeAlias = "float | Line | list[Line]"


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _power(left: float, right: float) -> float:
    try:
        found = left**right
    except (ZeroDivisionError, OverflowError):
        return math.nan
    return found if isinstance(found, float) else math.nan


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def finite(points: Points) -> Points:
    """Without what is no number: dividing by zero gives no data point."""
    return {at: value for at, value in points.items() if math.isfinite(value)}


def apply(sign: str, left: Value, right: Value) -> Value:
    """An operator between two values. Between series there is a point where both have one."""
    function = OPERATORS[sign]
    if isinstance(left, list) and isinstance(right, list):
        raise BadExpression(f"{sign} cannot stand between two arrays of time series")
    if isinstance(left, list):
        return [_line(function, one, right) for one in left]  # type: ignore[arg-type]
    if isinstance(right, list):
        return [_line(function, left, one) for one in right]
    if isinstance(left, Line) or isinstance(right, Line):
        return _line(function, left, right)
    return function(left, right)


def _line(
    function: Callable[[float, float], float], left: Line | float, right: Line | float
) -> Line:
    if isinstance(left, Line):
        if isinstance(right, Line):
            others = right.points
            points = {
                at: function(value, others[at]) for at, value in left.points.items() if at in others
            }
            return Line(finite(points), max(left.period, right.period), left.label, left.props)
        return left.like(finite({at: function(value, right) for at, value in left.points.items()}))
    assert isinstance(right, Line)
    return right.like(finite({at: function(left, value) for at, value in right.points.items()}))


def each(function: Callable[[Line], Line], value: Value, name: str) -> Value:
    """A function of a series, on a series or on each of an array."""
    if isinstance(value, Line):
        return function(value)
    if isinstance(value, list):
        return [function(one) for one in value]
    raise BadExpression(f"{name} needs a time series")


def mapped(function: Callable[[float], float], value: Value) -> Value:
    """A function of a number, on whatever there is."""
    if isinstance(value, float):
        return function(value)
    return each(
        lambda line: line.like(
            finite({at: function(number) for at, number in line.points.items()})
        ),
        value,
        "the function",
    )
