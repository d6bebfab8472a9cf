"""What is refused, in AWS's words."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesocosm.iam import PolicyError, parse


def refused(body: Any, kind: Any = "identity", service: str = "", **top: Any) -> str:
    document: Any = {"Version": "2012-10-17", "Statement": body} | top
    with pytest.raises(PolicyError) as caught:
        parse(document, kind, check=True, service=service)
    return str(caught.value)


GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Effect": "allow"}, "Syntax errors in policy."),
        ({"Surprise": 1}, "Syntax errors in policy."),
        ({"Action": []}, "Policy statement must contain actions."),
        ({"Resource": []}, "Policy statement must contain resources."),
        (
            {"Action": "GetObject"},
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        ({"Action": "s3:a:b"}, "Actions/Condition can contain only one colon."),
        ({"Resource": "bucket"}, 'Resource bucket must be in ARN format or "*".'),
        (
            {"Resource": "arn:x:s3:::b"},
            'Partition "x" is not valid for resource "arn:x:s3:::b".',
        ),
        ({"Principal": "*"}, "Policy document should not specify a principal."),
    ],
)
def test_identity_policies(change: dict[str, Any], sentence: str) -> None:
    assert refused({**GOOD, **change}) == sentence


def test_whole_documents() -> None:
    old = "Policy document must be version 2012-10-17 or greater."
    assert refused(GOOD, Version="2008-10-17") == old
    twice = [{**GOOD, "Sid": "a"}, {**GOOD, "Sid": "a"}]
    assert refused(twice) == "Statement IDs (SID) in a single policy must be unique."
    with pytest.raises(PolicyError, match="Syntax errors"):
        parse("{")
    with pytest.raises(PolicyError, match="first byte must be"):
        parse("x", "resource", service="s3")
    with pytest.raises(PolicyError):
        parse("[" * 100_000)


def test_trust_and_bucket_policies() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}
    assert parse({"Version": "2012-10-17", "Statement": trust}, "trust", check=True)
    assert refused({**trust, "Resource": "*"}, "trust") == "Has prohibited field Resource"
    wrong = {**trust, "Principal": {"AWS": "bob"}}
    assert refused(wrong, "trust") == 'Invalid principal in policy: "AWS":"bob"'
    assert refused(GOOD, "resource", "s3") == "Missing required field Principal"
    unknown = {**GOOD, "Principal": {"AWS": "bob"}}
    assert refused(unknown, "resource", "s3") == "Invalid principal in policy"


def test_actions_that_do_not_exist_are_accepted() -> None:
    body = {**GOOD, "Action": "s3:GetAccountPublic"}
    assert parse({"Version": "2012-10-17", "Statement": body}, "scp", check=True)


names = st.sampled_from(
    ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "AWS", "Condition",
     "StringEquals", "NotPrincipal", "Sid", "NotResource", "ForAllValues:Bool", "Null"]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(["*", "Allow", "${a", "a:b"])
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner), max_leaves=9
)
elements = ["Action", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition", "Sid"]
bodies = st.fixed_dictionaries(
    {"Effect": st.just("Allow")}, optional=dict.fromkeys(elements, trees)
)


@settings(max_examples=300, deadline=None)
@given(
    trees | st.fixed_dictionaries({"Statement": bodies | st.lists(bodies, max_size=2)}),
    st.sampled_from(["identity", "resource", "trust", "rcp", "endpoint"]),
    st.booleans(),
    st.sampled_from(["", "s3"]),
)
def test_any_document_is_compiled_or_refused(
    document: Any, kind: Any, check: bool, service: str
) -> None:
    with contextlib.suppress(PolicyError):
        parse(document, kind, check=check, service=service)
