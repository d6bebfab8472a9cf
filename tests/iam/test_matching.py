"""Wildcards, ARNs, variables and condition operators."""

from __future__ import annotations

from typing import Any

import pytest

from mesocosm.iam import Context, parse
from mesocosm.iam.conditions import compile_condition
from mesocosm.iam.patterns import glob, literal, matcher


@pytest.mark.parametrize(
    ("pattern", "arn", "hit"),
    [
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", True),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/ab", False),
        ("arn:aws:s3:::B/*", "arn:aws:s3:::b/a", False),
        ("arn:aws:*:us-east-1:q", "arn:aws:sqs:eu:us-east-1:q", False),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:us-east-1:1:q", True),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:1:q", False),
        ("arn:aws:sqs:us*1:q", "arn:aws:sqs:us-east-1:1:q", False),
        ("arn:aws:sqs*", "arn:aws:sqs:us-east-1:1:q", True),
        ("arn:aws:sqs", "arn:aws:sqs:us-east-1:1:q", True),
        ("arn:aws:s3:::*", "*", False),
        ("arn:aws:logs:*:*:log-group:*:x", "arn:aws:logs:r:1:log-group:a:b:x", True),
        ("arn:aws:s3:::b/a*c*e", "arn:aws:s3:::b/abcde", True),
        ("arn:aws:s3:::b/a*c*e", "arn:aws:s3:::b/abde", False),
        ("arn:aws:s3:::b/a*a", "arn:aws:s3:::b/a", False),
    ],
)
def test_resources(pattern: str, arn: str, hit: bool) -> None:
    assert matcher(glob(pattern), "resource")(arn) is hit


def test_no_pattern_makes_matching_slow() -> None:
    assert not matcher("*a" * 60 + "b")("a" * 5000)


def test_a_literal_matches_only_itself() -> None:
    assert matcher(literal("a*\\?"))("a*\\?")
    assert not matcher(literal("a*"))("ab")


def hits(operator: str, values: Any, value: Any, version: bool = True, aws: Any = None) -> bool:
    values = values if isinstance(values, list) else [values]
    context = Context({} if value is None else {"k": value})
    context.update(aws or {})
    return compile_condition(operator, "K", values, variables=version).test(context)


@pytest.mark.parametrize(
    ("operator", "values", "value", "hit"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringNotLikeIfExists", "a", None, True),
        ("StringEqualsIgnoreCase", "aB", "Ab", True),
        ("StringNotEqualsIgnoreCase", "aB", "Ab", False),
        ("StringLike", "a?c*", "abcd:e", True),
        ("StringNotLike", "a*", "b", True),
        ("NumericEquals", "1.0", "1", True),
        ("NumericNotEquals", "1", "x", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "x", "9", False),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00+02:00", "2025-12-31T22:30:00Z", True),
        ("DateEquals", "1767225600", "2026-01-01T00:00:00Z", True),
        ("DateNotEquals", "2026-01-01", "2026-01-01T00:00:00Z", False),
        ("Bool", "True", "true", True),
        ("Bool", "${x}", "true", False),
        ("BinaryEquals", "QmFzZTY0", "QmFzZTY0", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.1", "10.0.0.2", False),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "2001:db8::1", True),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bc:d", True),
        ("ArnEquals", "arn:aws:*:::b", "arn:aws:s3:::b", True),
        ("ArnLike", "arn:aws:*:b", "arn:aws:s3:::b", False),
        ("ArnNotLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", False),
        ("Null", "true", None, True),
        ("Null", "false", "a", True),
        ("Null", "true", "a", False),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAllValues:StringEquals", "a", [], True),
        ("ForAllValues:StringNotEquals", "a", ["b", "a"], False),
        ("ForAnyValue:StringEquals", "a", ["b", "a"], True),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringNotEquals", "a", None, False),
        ("ForAnyValue:StringNotEquals", "a", ["a", "b"], True),
    ],
)
def test_operators(operator: str, values: Any, value: Any, hit: bool) -> None:
    assert hits(operator, values, value) is hit


def test_variables_in_conditions() -> None:
    assert hits("StringEquals", "${aws:X}", "v", aws={"aws:x": "v"})
    assert not hits("StringEquals", "${aws:X}", "v")
    assert hits("StringNotEquals", "${aws:X}", "v")
    assert hits("StringEquals", "${aws:X, 'v'}", "v")
    assert not hits("StringLike", "${aws:X}", "abc", aws={"aws:x": "a*"})
    assert hits("StringLike", "${aws:X}", "a*", aws={"aws:x": "a*"})
    assert hits("StringLike", "a${*}*", "a*b")
    assert not hits("StringLike", "a${*}", "ab")
    assert hits("StringEquals", "${$}{x}", "${x}")
    assert hits("StringEquals", "${aws:X}", "${aws:X}", version=False)


def resource(
    element: str, pattern: str, arn: str, version: str = "2012-10-17", **keys: str
) -> bool:
    body = {"Effect": "Allow", "Action": "*", element: pattern}
    match = parse({"Version": version, "Statement": body}).statements[0].match
    return match is None or match(arn, Context(keys))


def test_variables_in_resources() -> None:
    pattern, arn = "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/k"
    assert resource("Resource", pattern, arn, **{"aws:username": "bob"})
    assert not resource("Resource", pattern, arn, **{"aws:username": "b*"})
    assert not resource("Resource", pattern, arn)
    assert not resource("Resource", pattern, arn, "2008-10-17", **{"aws:username": "bob"})
    assert not resource("NotResource", pattern, arn)
    assert resource("NotResource", pattern, arn, **{"aws:username": "eve"})
    early = "arn:aws:s3:${aws:username}::b"
    assert not resource("Resource", early, "arn:aws:s3:x::b", **{"aws:username": "x"})


def test_tag_keys_match_in_any_case_and_are_fetched_once() -> None:
    asked: list[int] = []

    def tags() -> dict[str, str]:
        asked.append(1)
        return {"Project": "x"}

    context = Context(families={"aws:resourcetag/": tags}, lazy={"aws:epochtime": lambda: "1"})
    for _ in range(2):
        assert context["aws:resourcetag/project"] == "x"
    assert context["aws:epochtime"] == "1"
    assert context["aws:nothing"] is None
    assert len(asked) == 1
