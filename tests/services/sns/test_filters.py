"""Filter policies: every operator, against a second, naive reading of them; the limits."""

from __future__ import annotations

import fnmatch
import ipaddress
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.sns.support import queue_for, subscribe, topic

from mesocosm.services.sns.rules.filters import Attribute, Content, Filter
from mesocosm.services.sns.rules.patterns import BadPattern

# -- the naive reading -----------------------------------------------------------------------


def naive(policy: dict[str, Any], document: dict[str, Any]) -> bool:
    """Any way of picking one object out of each array must satisfy everything."""
    return any(satisfied(policy, (), leaves) for leaves in choices((), document))


def choices(path: tuple[str, ...], value: Any) -> Iterator[dict[tuple[str, ...], list[Any]]]:
    """All ways to read a document as leaves, with one element of each array of objects."""
    if isinstance(value, dict):
        results: list[dict[tuple[str, ...], list[Any]]] = [{}]
        for key, member in value.items():
            inner = list(choices((*path, key), member))
            results = [{**one, **two} for one in results for two in inner]
        yield from results
    elif isinstance(value, list):
        flat = list(flatten(value))
        values = [one for one in flat if not isinstance(one, dict)]
        objects = [one for one in flat if isinstance(one, dict)]
        for one in objects or [{}]:
            for leaves in choices(path, one):
                yield leaves | ({path: values} if values else {})
    else:
        yield {path: [value]}


def flatten(value: Any) -> Iterator[Any]:
    for one in value:
        if isinstance(one, list):
            yield from flatten(one)
        else:
            yield one


def satisfied(
    policy: dict[str, Any], path: tuple[str, ...], leaves: dict[tuple[str, ...], list[Any]]
) -> bool:
    for key, wanted in policy.items():
        if key == "$or":
            if not any(satisfied(one, path, leaves) for one in wanted):
                return False
        elif isinstance(wanted, dict):
            if not satisfied(wanted, (*path, key), leaves):
                return False
        else:
            values = leaves.get((*path, key), [])
            if not any(meant(one, values) for one in wanted):
                return False
    return True


def meant(pattern: Any, values: list[Any]) -> bool:
    if isinstance(pattern, dict) and "exists" in pattern:
        return bool(values) is pattern["exists"]
    return any(matches(pattern, value) for value in values)


def matches(pattern: Any, value: Any) -> bool:
    if not isinstance(pattern, dict):
        return equal(pattern, value)
    [(operator, wanted)] = pattern.items()
    text = value if isinstance(value, str) else None
    match operator:
        case "prefix":
            return text is not None and bool(text[: len(wanted)] == wanted)
        case "suffix":
            return text is not None and text[len(text) - len(wanted) :] == wanted
        case "equals-ignore-case":
            return text is not None and text.casefold() == wanted.casefold()
        case "wildcard":
            return text is not None and fnmatch.fnmatchcase(text, wanted)
        case "numeric":
            return numeric(wanted, value)
        case "cidr":
            try:
                low = ipaddress.ip_network(wanted)
                return text is not None and ipaddress.ip_address(text) in low.supernet(0)
            except ValueError:
                return False
        case "anything-but":
            listed = wanted if isinstance(wanted, list) else [wanted]
            if isinstance(wanted, dict):
                [(inner, texts)] = wanted.items()
                listed = [{inner: one} for one in (texts if isinstance(texts, list) else [texts])]
            return all(not matches(one, value) for one in listed)
    raise AssertionError(operator)


def kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    return "text" if isinstance(value, str) else "number"


def equal(one: Any, other: Any) -> bool:
    if kind(one) != kind(other):
        return False
    if kind(one) == "number":
        return abs(Decimal(str(one)) - Decimal(str(other))) < Decimal("0.000005")
    return bool(one == other)


def numeric(wanted: list[Any], value: Any) -> bool:
    if kind(value) != "number" or abs(value) > 1e9:
        return False
    found = Decimal(str(value))
    for operator, bound in zip(wanted[::2], wanted[1::2], strict=True):
        limit = Decimal(str(bound))
        holds = {
            "=": found == limit,
            "<": found < limit,
            "<=": found <= limit,
            ">": found > limit,
            ">=": found >= limit,
        }[operator]
        if not holds:
            return False
    return True


# -- what is tried -----------------------------------------------------------------------------

TOO_MUCH = (
    "Filter policy is too complex",
    "Filter policy can not have more than 5 keys",
)
KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.text(alphabet="xyX.", max_size=4)
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, 1.00001, -2.25, 10**9, 10**9 + 1])
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()
SMALL = st.integers(-5, 5) | st.sampled_from([0.5, -2.25])
WILD = st.sampled_from(["*", "x*", "*x", "x*y", "*x*", "x", "*.*y*"])
RANGES = st.tuples(SMALL, SMALL).filter(lambda pair: pair[0] < pair[1])

PATTERNS = st.one_of(
    SCALARS,
    st.builds(lambda text: {"prefix": text}, TEXTS),
    st.builds(lambda text: {"suffix": text}, TEXTS),
    st.builds(lambda text: {"equals-ignore-case": text}, TEXTS),
    st.builds(lambda text: {"wildcard": text}, WILD),
    st.builds(lambda flag: {"exists": flag}, st.booleans()),
    st.builds(
        lambda operator, bound: {"numeric": [operator, bound]},
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        SMALL,
    ),
    st.builds(
        lambda low, high, ends: {"numeric": [low, ends[0], high, ends[1]]},
        st.sampled_from([">", ">="]),
        st.sampled_from(["<", "<="]),
        RANGES,
    ),
    st.builds(lambda wanted: {"anything-but": wanted}, TEXTS | SMALL),
    st.builds(lambda wanted: {"anything-but": wanted}, st.lists(TEXTS, min_size=1, max_size=2)),
    st.builds(lambda wanted: {"anything-but": wanted}, st.lists(SMALL, min_size=1, max_size=2)),
    st.builds(
        lambda operator, text: {"anything-but": {operator: text}},
        st.sampled_from(["prefix", "suffix"]),
        TEXTS.filter(bool),
    ),
    st.builds(
        lambda texts: {"anything-but": {"wildcard": texts}},
        WILD | st.lists(WILD, min_size=1, max_size=2),
    ),
)

LEAVES = st.lists(PATTERNS, min_size=1, max_size=3)
FLAT = st.dictionaries(KEYS, LEAVES, min_size=1, max_size=2)
OR = st.lists(FLAT, min_size=2, max_size=3).map(lambda some: {"$or": some})
FLAT_POLICIES = FLAT | st.tuples(FLAT, OR).map(lambda pair: pair[0] | pair[1])
POLICIES = st.recursive(
    FLAT_POLICIES,
    lambda inner: st.dictionaries(KEYS, LEAVES | inner, min_size=1, max_size=2),
    max_leaves=3,
)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
        max_leaves=8,
    ),
    max_size=3,
)


def read(policy: Any, scope: str) -> Filter | None:
    """The filter of a policy; None when it is too much of one."""
    try:
        return Filter(json.dumps(policy), scope)
    except BadPattern as error:
        if str(error) not in TOO_MUCH:
            raise
        return None


@given(POLICIES, DOCUMENTS)
def test_bodies_as_the_naive_reading_says(policy: Any, document: Any) -> None:
    made = read(policy, "MessageBody")
    if made is None:
        return
    assert made.wants(Content(json.dumps(document), {})) is naive(policy, document)


@given(FLAT_POLICIES, st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=3))
def test_attributes_as_the_naive_reading_says(policy: Any, values: Any) -> None:
    attributes: dict[str, Attribute] = {}
    seen: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list):
            attributes[name] = ("String.Array", json.dumps(value).encode())
        elif kind(value) == "number":
            attributes[name] = ("Number", str(value).encode())
        elif isinstance(value, str):
            attributes[name] = ("String", value.encode())
        else:
            attributes[name] = ("Binary", b"x")
            continue
        seen[name] = value
    made = read(policy, "MessageAttributes")
    if made is None:
        return
    assert made.wants(Content("", attributes)) is naive(policy, seen)


# -- cases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "wanted", "unwanted"),
    [
        ({"cidr": "10.0.0.0/24"}, "10.0.0.255", "10.0.1.0"),
        ({"cidr": "2001:db8::/32"}, "2001:db8::1", "x"),
        ({"wildcard": "a\\*b*"}, "a*bc", "axbc"),
        ({"wildcard": "*.png"}, "é\n.png", "png"),
        ({"numeric": ["=", 301.5]}, 301.5, 301.6),
        ({"numeric": [">", 0, "<=", 150]}, 150, 0),
        ({"anything-but": ["a", "b"]}, ["a", "c"], ["a", "b"]),
        ({"exists": False}, None, "x"),
        (100, 100.0, "100"),
        (True, True, 1),
    ],
)
def test_what_a_pattern_means(pattern: Any, wanted: Any, unwanted: Any) -> None:
    made = Filter(json.dumps({"k": [pattern]}), "MessageBody")
    for value, expected in ((wanted, True), (unwanted, False)):
        body = {} if value is None else {"k": value}
        assert made.wants(Content(json.dumps(body), {})) is expected


def test_a_body_that_is_no_object() -> None:
    made = Filter('{"a":[{"exists":false}]}', "MessageBody")
    for body in ("x", "[1]", '"a"', "[" * 100_000):
        assert made.wants(Content(body, {})) is None


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("[]", "Filter is not an object"),
        ('{"a":"b"}', '"a" must be an object or an array'),
        ('{"a":[["b"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a":[{}]}', "Match expression name not found"),
        ('{"a":[{"like":"x"}]}', "Unrecognized match type like"),
        ('{"a":[{"prefix":1}]}', "prefix match pattern must be a string"),
        ('{"a":[{"suffix":1}]}', "suffix match pattern must be a string"),
        ('{"a":[{"equals-ignore-case":1}]}', "equals-ignore-case match pattern must be a string"),
        ('{"a":[{"wildcard":1}]}', "wildcard match pattern must be a string"),
        ('{"a":[{"wildcard":"a**"}]}', "Consecutive wildcard characters at pos 1"),
        ('{"a":[{"wildcard":"a\\\\b"}]}', "Invalid escape character at pos 1"),
        ('{"a":[{"prefix":"a","suffix":"b"}]}', "Only one key allowed in match expression"),
        ('{"a":[{"exists":"yes"}]}', "exists match pattern must be either true or false."),
        ('{"a":[{"numeric":5}]}', "Value of numeric must be an array."),
        ('{"a":[{"numeric":[]}]}', "Invalid member in numeric match: ]"),
        ('{"a":[{"numeric":["~",5]}]}', "Unrecognized numeric range operator: ~"),
        ('{"a":[{"numeric":["<","x"]}]}', "Value of < must be numeric"),
        ('{"a":[{"numeric":["=",1,"=",2]}]}', "Too many elements in numeric expression"),
        ('{"a":[{"numeric":[">",1,">",2]}]}', "Bad numeric range operator: >"),
        ('{"a":[{"numeric":[">",2,"<",1]}]}', "Bottom must be less than top"),
        (
            '{"a":[{"anything-but":true}]}',
            "Value of anything-but must be an array or single string/number value.",
        ),
        (
            '{"a":[{"anything-but":[true]}]}',
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            '{"a":[{"anything-but":["a",1]}]}',
            "Inside anything but list, either all values are number or string, mixed type is not "
            "supported",
        ),
        ('{"a":[{"anything-but":{"like":"x"}}]}', "Unsupported anything-but pattern: like"),
        ('{"a":[{"anything-but":{"prefix":""}}]}', "Null prefix/suffix not allowed"),
        ('{"a":[{"cidr":"10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
        ('{"$or":[{"a":["b"]}]}', "There must have at least 2 Objects in $or relationship."),
        (
            json.dumps({f"k{n}": ["v"] for n in range(6)}),
            "Filter policy can not have more than 5 keys",
        ),
        (json.dumps({"a": list(range(76)), "b": [1, 2]}), "Filter policy is too complex"),
    ],
)
def test_policies_that_are_refused(policy: str, message: str) -> None:
    with pytest.raises(BadPattern) as raised:
        Filter(policy, "MessageAttributes")
    assert str(raised.value) == message


def test_depth_counts_in_bodies() -> None:
    """The example of the developer guide, "Filter policy constraints": 4 x 4 x 3 x 3."""
    four, three = ["1", "2", "3", "4"], ["1", "2", "3"]
    policy: dict[str, Any] = {"a": {"b": {"c": {"d": four}}, "e": {"f": three}}}
    Filter(json.dumps(policy), "MessageBody")
    policy["a"]["e"]["f"] = four
    with pytest.raises(BadPattern):
        Filter(json.dumps(policy), "MessageBody")


def test_filters_decide_who_gets_a_message(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    of_attributes, of_body = queue_for(sqs, arn, "attributes"), queue_for(sqs, arn, "body")
    subscribe(sns, arn, of_attributes, FilterPolicy={"kind": [{"prefix": "a"}]})
    subscribe(sns, arn, of_body, FilterPolicy={"o": {"n": [5]}}, FilterPolicyScope="MessageBody")
    attributes = {"kind": {"DataType": "String", "StringValue": "abc"}}
    sns.publish(TopicArn=arn, Message="1", MessageAttributes=attributes)
    sns.publish(TopicArn=arn, Message='{"o":{"n":5}}')
    sns.publish(TopicArn=arn, Message='{"o":{"n":6}}', MessageAttributes=attributes)
    assert of_attributes.texts() == ["1", '{"o":{"n":6}}']
    assert of_body.texts() == ['{"o":{"n":5}}']
