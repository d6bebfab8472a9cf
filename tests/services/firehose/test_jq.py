"""The part of jq that finds partition keys."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.firehose.rules.jq import JqError, compiled

RECORD: dict[str, Any] = {
    "customer_id": "c1",
    "event_timestamp": 1565382027,
    "type": {"device": "mobile", "event": "Sign In"},
    "items": [{"n": 1}, {"n": 2}],
    "price": 9.5,
    "none": None,
    "ok": True,
    "when": "2024-03-05T06:07:08Z",
    "odd name": 1,
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".", RECORD),
        (".customer_id", "c1"),
        (".type.device", "mobile"),
        ('.["odd name"]', 1),
        ('."odd name"', 1),
        (".items[1].n", 2),
        (".items[-1].n", 2),
        (".items[5]", None),
        (".items[0:1] | length", 1),
        (".absent.deeper", None),
        (".none // \"x\"", "x"),
        (".absent.y // .type.event", "Sign In"),
        ('.event_timestamp | strftime("%Y-%m-%d")', "2019-08-09"),
        ('.when | fromdate | strftime("%H")', "06"),
        ('.when | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime', 1709618828),
        (".event_timestamp|todate", "2019-08-09T20:20:27Z"),
        (".type.device | ascii_upcase", "MOBILE"),
        ('"\\(.customer_id)-\\(.price)!"', "c1-9.5!"),
        (".price | floor | tostring", "9"),
        ('.type.event | split(" ") | join("_")', "Sign_In"),
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("(1 + 2) * 3", 9),
        ("-5 % 3", -2),
        ('if .price > 5 and .ok then "high" else "low" end', "high"),
        ('if .price < 5 then "a" elif .price == 9.5 then "b" else "c" end', "b"),
        (".ok | not", False),
        ('.customer_id | startswith("c")', True),
        ("[.price, 1] | length", 2),
        (".customer_id[0]?", None),
        ("{customer_id, d: .type.device, (\"x\"+\"y\"): 1}",
         {"customer_id": "c1", "d": "mobile", "xy": 1}),
        ('{y: .event_timestamp | strftime("%Y"), m: "01"}', {"y": "2019", "m": "01"}),
    ],
)  # fmt: skip
def test_queries(query: str, expected: Any) -> None:
    assert compiled(query)(RECORD) == expected


@pytest.mark.parametrize(
    "query",
    [
        "",
        ".a |",
        "{a:}",
        "{",
        '"open',
        ".[]",
        ".a, .b",
        "def f: f; f",
        "range(10)",
        "env",
        "input",
        "$ENV",
        "(" * 60 + "." + ")" * 60,
        "." * 5_000,
        '"\\(.a"',
    ],
)
def test_queries_that_cannot_be_read(query: str) -> None:
    with pytest.raises(JqError):
        compiled(query)


@pytest.mark.parametrize(
    "query",
    [
        ".customer_id.x",
        ".price | strftime(1)",
        ".type | tonumber | floor",
        "1 / 0",
        '"x" * 1000000000',
        "|".join(["[.,.]"] * 30 + ["tojson"]),
        "|".join(["[.,.]"] * 30) + ' == "x"',
        "|".join([". + ."] * 40),
    ],
)
def test_values_a_query_cannot_be_made_of(query: str) -> None:
    value = "text" if query.startswith(". +") else RECORD
    with pytest.raises(JqError):
        compiled(query)(value)


@given(st.text(alphabet='.abc[]{}()|,:"\\/+-*01 ?=<>', max_size=40), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
))  # fmt: skip
def test_a_query_answers_or_says_why_not(query: str, value: Any) -> None:
    with suppress(JqError):
        compiled(query)(value)
