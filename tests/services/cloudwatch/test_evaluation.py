"""When an alarm rings: the tables of the user guide ("Configuring how CloudWatch alarms treat
missing data"), and a naive model.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mesocosm.services.cloudwatch.rules.composite import BadRule, alarms, holds, parse
from mesocosm.services.cloudwatch.rules.evaluation import (
    evaluation_range,
    outcome,
    samples_needed,
)

POINTS = {"0": False, "X": True, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
STATES = {"OK": "OK", "ALARM": "ALARM", "INSUFFICIENT": "INSUFFICIENT_DATA", "Retain": None}

THREE_OF_THREE = """
0 - X - X | OK OK OK OK
0 - - - - | OK OK OK OK
- - - - - | INSUFFICIENT Retain ALARM OK
0 X X - X | ALARM ALARM ALARM ALARM
- - X - - | ALARM Retain ALARM OK
"""
TWO_OF_THREE = """
0 - X - X | ALARM ALARM ALARM ALARM
0 0 X 0 X | ALARM ALARM ALARM ALARM
0 - X - - | OK OK ALARM OK
- - - - 0 | OK OK ALARM OK
- - - X - | ALARM Retain ALARM OK
"""
ROWS = [
    (to_alarm, points.split(), treatment, STATES[state])
    for to_alarm, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in (line.split(" | ") for line in table.strip().splitlines())
    for treatment, state in zip(TREATMENTS, states.split(), strict=True)
]


@pytest.mark.parametrize(("to_alarm", "points", "treatment", "state"), ROWS)
def test_the_tables_of_the_user_guide(
    to_alarm: int, points: list[str], treatment: str, state: str | None
) -> None:
    assert evaluation_range(3) == len(points)
    assert outcome([POINTS[one] for one in points], 3, to_alarm, treatment) == state


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -"])
def test_one_breaching_point_is_too_early(points: str) -> None:
    marks = [POINTS[one] for one in points.split()]
    assert outcome(marks, 3, 3, "missing") is None


def naive(points: list[bool | None], periods: int, to_alarm: int, treatment: str) -> str | None:
    """The guide's words, one after the other."""
    newest = points[-periods:]
    if all(point is not None for point in newest):
        return "ALARM" if sum(point is True for point in newest) >= to_alarm else "OK"
    real = [point for point in points if point is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[-periods:]) >= to_alarm else "OK"
    fill = {"breaching": True, "notBreaching": False}.get(treatment)
    if fill is not None:
        whole = real + [fill] * (periods - len(real))
        return "ALARM" if sum(whole) >= to_alarm else "OK"
    if not real:
        return "INSUFFICIENT_DATA" if treatment == "missing" else None
    if sum(real) >= to_alarm:
        return "ALARM"
    if False in real:
        return "OK"
    age = next(age for age in range(len(points), 0, -1) if points[-age] is not None)
    return "ALARM" if age >= to_alarm and treatment == "missing" else None


@given(st.data())
def test_evaluation_is_what_the_guide_says(data: st.DataObject) -> None:
    periods = data.draw(st.integers(1, 6))
    to_alarm = data.draw(st.integers(1, periods))
    count = evaluation_range(periods)
    points = data.draw(
        st.lists(st.sampled_from([True, False, None]), min_size=count, max_size=count)
    )
    treatment = data.draw(st.sampled_from(TREATMENTS))
    assert outcome(points, periods, to_alarm, treatment) == naive(
        points, periods, to_alarm, treatment
    )


def test_percentiles_need_samples() -> None:
    assert samples_needed(99) == pytest.approx(1000)
    assert samples_needed(50) == 20
    assert samples_needed(10) == pytest.approx(100)


# -- rules of composite alarms -------------------------------------------------------------------

NAMES = ("a", "b c", "arn:aws:cloudwatch:us-east-1:1:alarm:d")
leaf = st.one_of(
    st.tuples(st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"]), st.sampled_from(NAMES)),
    st.sampled_from([("TRUE",), ("FALSE",)]),
)
trees = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(["AND", "OR"]), inner, inner),
    ),
    max_leaves=8,
)


def text(tree: Any) -> str:
    if tree[0] in ("TRUE", "FALSE"):
        return str(tree[0])
    if tree[0] == "NOT":
        return f"NOT ({text(tree[1])})"
    if tree[0] in ("AND", "OR"):
        return f"({text(tree[1])} {tree[0]} {text(tree[2])})"
    return f'{tree[0]}("{tree[1]}")'


def truth(tree: Any, states: dict[str, str]) -> bool:
    if tree[0] in ("TRUE", "FALSE"):
        return bool(tree[0] == "TRUE")
    if tree[0] == "NOT":
        return not truth(tree[1], states)
    if tree[0] == "AND":
        return truth(tree[1], states) and truth(tree[2], states)
    if tree[0] == "OR":
        return truth(tree[1], states) or truth(tree[2], states)
    return states[tree[1]] == tree[0]


@given(
    trees,
    st.fixed_dictionaries(
        {name: st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"]) for name in NAMES}
    ),
)
def test_a_rule_means_what_it_says(tree: Any, states: dict[str, str]) -> None:
    assert holds(parse(text(tree)), lambda name: states[name]) == truth(tree, states)


@pytest.mark.parametrize(
    ("rule", "states", "expected"),
    [
        ("ALARM(a) AND NOT ALARM(b)", {"a": "ALARM", "b": "OK"}, True),
        ("ALARM(a) OR ALARM(b) AND ALARM(c)", {"a": "ALARM", "b": "OK", "c": "OK"}, True),
        ("AT_LEAST(2, ALARM, (a, b, c))", {"a": "ALARM", "b": "OK", "c": "ALARM"}, True),
        ("AT_LEAST(50%, NOT OK, (a, b, c))", {"a": "ALARM", "b": "OK", "c": "OK"}, False),
    ],
)
def test_precedence_and_at_least(rule: str, states: dict[str, str], expected: bool) -> None:
    assert holds(parse(rule), lambda name: states[name]) is expected
    assert set(alarms(parse(rule))) == set(states)


@pytest.mark.parametrize("rule", ["", "ALARM", "ALARM(a", "a AND b", "ALARM(a) b", "NOT", "()"])
def test_rules_that_cannot_be_read(rule: str) -> None:
    with pytest.raises(BadRule):
        parse(rule)


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused(rule: str) -> None:
    with suppress(BadRule):
        parse(rule)
