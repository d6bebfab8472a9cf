"""Computing an expression: the tree, the functions, and what they take from the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mesocosm.services.cloudwatch.rules.math import functions
from mesocosm.services.cloudwatch.rules.math.grammar import (
    Array,
    BadExpression,
    Binary,
    Function,
    Name,
    Negative,
    Node,
    Number,
    Text,
)
from mesocosm.services.cloudwatch.rules.math.values import Line, Value, apply, mapped


class Setting(Protocol):
    """What an expression takes from outside. Times: epoch seconds; `end` is exclusive."""

    start: int
    end: float
    period: int

    def value(self, name: str) -> Value | None:
        """The result of another query, None when there is no query of that id."""

    def metrics(self, part: str) -> list[Line]:
        """The metrics of the request; those whose id contains `part`."""

    def search(self, text: str, stat: str, period: int | None) -> list[Line]:
        """The metrics a search expression finds."""

    def band(self, node: Node, line: Line, deviations: float) -> list[Line]:
        """Upper and lower bound of what is expected of a metric, or of an expression."""


def evaluate(node: Node, setting: Setting) -> Value:
    """The value of an expression. Raises BadExpression."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        value = setting.value(node.value)
        if value is None:
            raise BadExpression(f"There is no metric or expression of the id {node.value}")
        return value
    if isinstance(node, Binary):
        return apply(node.operator, evaluate(node.left, setting), evaluate(node.right, setting))
    if isinstance(node, Negative):
        return mapped(lambda number: -number, evaluate(node.of, setting))
    if isinstance(node, Array):
        lines: list[Line] = []
        for item in node.items:
            value = evaluate(item, setting)
            if isinstance(value, float):
                raise BadExpression("An array holds time series")
            lines += value if isinstance(value, list) else [value]
        return lines
    if isinstance(node, Function):
        return _call(node, setting)
    raise BadExpression(f"A string cannot stand here: {node.value}")


def _call(node: Function, setting: Setting) -> Value:
    special = _SPECIAL.get(node.name)
    if special is not None:
        return special(node.arguments, setting)
    function = functions.PLAIN.get(node.name)
    if function is None:
        raise BadExpression(f"Unsupported function: {node.name}")
    if len(node.arguments) != 1:
        raise BadExpression(f"{node.name} takes one argument")
    return function(evaluate(node.arguments[0], setting))


Arguments = tuple[Node, ...]


def _fill(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) != 2:
        raise BadExpression("FILL takes two arguments")
    value, filler = evaluate(arguments[0], setting), arguments[1]
    how: str | float | Line
    if isinstance(filler, Name) and filler.value in ("REPEAT", "LINEAR"):
        how = filler.value
    else:
        given = evaluate(filler, setting)
        if isinstance(given, list):
            raise BadExpression("FILL needs a number, a time series, REPEAT or LINEAR")
        how = given
    lines = [value] if isinstance(value, Line) else value
    if isinstance(lines, float):
        raise BadExpression("FILL needs a time series")
    filled = [functions.filled(line, how, setting.start, setting.end) for line in lines]
    return filled[0] if isinstance(value, Line) else filled


def _if(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) not in (2, 3):
        raise BadExpression("IF takes a condition and one or two values")
    condition, *branches = (evaluate(one, setting) for one in arguments)
    if isinstance(condition, list):
        raise BadExpression("The condition of IF is a number or a single time series")
    return functions.choice(condition, branches[0], branches[1] if len(branches) > 1 else None)


def _metrics(arguments: Arguments, setting: Setting) -> Value:
    if not arguments:
        return setting.metrics("")
    if len(arguments) > 1 or not isinstance(arguments[0], Text):
        raise BadExpression("METRICS takes a string, or nothing")
    return setting.metrics(arguments[0].value)


def _search(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) not in (2, 3) or not all(isinstance(one, Text) for one in arguments[:2]):
        raise BadExpression("SEARCH takes a search expression, a statistic and a period")
    period = arguments[2] if len(arguments) > 2 else None
    if period is not None and not isinstance(period, Number):
        raise BadExpression("The period of SEARCH is a number")
    text, stat = arguments[0], arguments[1]
    assert isinstance(text, Text)
    assert isinstance(stat, Text)
    return setting.search(text.value, stat.value, int(period.value) if period else None)


def _band(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) not in (1, 2):
        raise BadExpression("ANOMALY_DETECTION_BAND takes a metric and a number")
    line = evaluate(arguments[0], setting)
    deviations = evaluate(arguments[1], setting) if len(arguments) > 1 else 2.0
    if not isinstance(line, Line) or not isinstance(deviations, float):
        raise BadExpression("ANOMALY_DETECTION_BAND takes a single time series and a number")
    return setting.band(arguments[0], line, deviations)


def _slice(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) not in (2, 3):
        raise BadExpression("SLICE takes an array, a start and an end")
    lines, *bounds = (evaluate(one, setting) for one in arguments)
    if not isinstance(lines, list) or not all(isinstance(one, float) for one in bounds):
        raise BadExpression("SLICE takes an array of time series and numbers")
    numbers = [int(one) for one in bounds if isinstance(one, float)]
    return lines[numbers[0] : numbers[1] if len(numbers) > 1 else None]


def _sort(arguments: Arguments, setting: Setting) -> Value:
    if len(arguments) not in (3, 4):
        raise BadExpression("SORT takes an array, a function, an order and a number")
    lines = evaluate(arguments[0], setting)
    by, order = arguments[1], arguments[2]
    if not isinstance(lines, list) or not isinstance(by, Name) or not isinstance(order, Name):
        raise BadExpression("SORT takes an array of time series, a function and an order")
    count = evaluate(arguments[3], setting) if len(arguments) > 3 else None
    if isinstance(count, (Line, list)):
        raise BadExpression("The number of series that SORT gives is a number")
    return functions.ordered(lines, by.value, order.value, count)


def _series(arguments: Arguments, setting: Setting) -> Value:
    value = evaluate(arguments[0], setting) if len(arguments) == 1 else None
    if not isinstance(value, float):
        raise BadExpression("TIME_SERIES takes a number")
    grid = functions.grid(setting.start, setting.end, setting.period)
    return Line(dict.fromkeys(grid, value), setting.period)


_SPECIAL: Mapping[str, Callable[[Arguments, Setting], Value]] = {
    "FILL": _fill,
    "IF": _if,
    "METRICS": _metrics,
    "SEARCH": _search,
    "ANOMALY_DETECTION_BAND": _band,
    "SLICE": _slice,
    "SORT": _sort,
    "TIME_SERIES": _series,
}
