"""Metric math against a model that thinks of one instant at a time."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from mesocosm.services.cloudwatch.rules.math.evaluate import evaluate
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression, Node, parse
from mesocosm.services.cloudwatch.rules.math.values import Line, Value

SERIES = ("m1", "m2", "m3")
MINUTES = 6

points = st.dictionaries(st.integers(0, MINUTES - 1), st.integers(-4, 4).map(float))


class Setting:
    """Three series over six minutes."""

    start, end, period = 0, MINUTES * 60.0, 60

    def __init__(self, series: dict[str, dict[int, float]]) -> None:
        self.series = {
            name: Line({60 * at: given[at] for at in sorted(given)}, 60, name)
            for name, given in series.items()
        }

    def value(self, name: str) -> Value | None:
        return self.series.get(name)

    def metrics(self, part: str) -> list[Line]:
        return [line for name, line in self.series.items() if part in name]

    def search(self, text: str, stat: str, period: int | None) -> list[Line]:
        return []

    def band(self, node: Node, line: Line, deviations: float) -> list[Line]:
        return []


# Expressions as trees of our own, that print as text and are computed for one instant.

leaf = st.one_of(
    st.sampled_from(SERIES).map(lambda name: ("series", name)),
    st.integers(0, 5).map(lambda number: ("number", float(number))),
)
OPERATORS = ("+", "-", "*", "/", "<", ">", "<=", ">=", "==", "!=", "AND", "OR")


def _grow(inner: Any) -> Any:
    return st.one_of(
        st.tuples(st.just("op"), st.sampled_from(OPERATORS), inner, inner),
        st.tuples(st.just("minus"), inner),
        st.tuples(st.just("abs"), inner),
        st.tuples(st.just("if"), inner, inner, inner),
        st.tuples(st.just("fill"), st.sampled_from(SERIES), st.integers(-3, 3)),
    )


trees = st.recursive(leaf, _grow, max_leaves=8)


def text(tree: Any) -> str:
    kind = tree[0]
    if kind == "series":
        return str(tree[1])
    if kind == "number":
        return str(tree[1])
    if kind == "op":
        return f"({text(tree[2])} {tree[1]} {text(tree[3])})"
    if kind == "minus":
        return f"-({text(tree[1])})"
    if kind == "abs":
        return f"ABS({text(tree[1])})"
    if kind == "if":
        return f"IF({', '.join(text(one) for one in tree[1:])})"
    return f"FILL({tree[1]}, {tree[2]})"


def is_series(tree: Any) -> bool:
    """Whether a tree is a series and not a number."""
    if tree[0] in ("series", "fill"):
        return True
    if tree[0] == "if" and not is_series(tree[1]):
        return is_series(chosen(tree))
    return any(is_series(one) for one in tree[1:] if isinstance(one, tuple))


def chosen(tree: Any) -> Any:
    """The branch of an IF whose condition is a number."""
    return tree[2] if at(tree[1], 0, {}) else tree[3]


def at(tree: Any, minute: int, series: dict[str, dict[int, float]]) -> float | None:
    """The value at one minute; None: no point."""
    kind = tree[0]
    if kind == "series":
        return series[tree[1]].get(minute)
    if kind == "number":
        return float(tree[1])
    if kind == "fill":
        return series[tree[1]].get(minute, float(tree[2]))
    if kind == "if":
        if not is_series(tree[1]):
            return at(chosen(tree), minute, series)
        condition = at(tree[1], minute, series)
        if condition is None:
            return None
        return at(tree[2] if condition else tree[3], minute, series)
    values = [at(one, minute, series) for one in tree if isinstance(one, tuple)]
    if any(value is None for value in values):
        return None
    if kind == "minus":
        return -values[0]  # type: ignore[operator]
    if kind == "abs":
        return abs(values[0])  # type: ignore[arg-type]
    left, right = values
    assert left is not None
    assert right is not None
    sign = tree[1]
    if sign == "/":
        return left / right if right else None
    if sign in ("AND", "OR"):
        truths = (left != 0, right != 0)
        return float(all(truths) if sign == "AND" else any(truths))
    found = eval(f"({left!r}) {sign} ({right!r})")
    return float(found)


@given(trees, st.fixed_dictionaries(dict.fromkeys(SERIES, points)))
def test_an_expression_is_what_it_is_at_each_instant(
    tree: Any, series: dict[str, dict[int, float]]
) -> None:
    value = evaluate(parse(text(tree)), Setting(series))
    if isinstance(value, float):
        expected = None if is_series(tree) else at(tree, 0, series)
        assert expected is None or expected == value or math.isnan(value)
        return
    assert isinstance(value, Line)
    found = {second // 60: number for second, number in value.points.items()}
    wanted = {minute: at(tree, minute, series) for minute in range(MINUTES)}
    assert found == {minute: number for minute, number in wanted.items() if number is not None}


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(given_text: str) -> None:
    with suppress(BadExpression):
        parse(given_text)
