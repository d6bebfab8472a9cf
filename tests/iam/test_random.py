"""Random policies: `decide` against the naive reference and against `explain`, and monotony."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mesocosm.iam import AuthorizationRequest, Context, Decision, Level, PolicyStack, decide, parse
from mesocosm.iam.explain import explain
from mesocosm.iam.simulate import principal_of
from tests.iam.reference import Case, evaluate

MINE, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{MINE}:user/bob"
SESSION = f"arn:aws:sts::{MINE}:assumed-role/Dev/s1"
ROLE = f"arn:aws:iam::{MINE}:role/Dev"


def one_or_more(values: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=2)


actions = one_or_more(["*", "s3:*", "s3:Get*", "S3:GETOBJECT", "s3:?etObject", "sqs:*", "s3:Put*"])
resources = one_or_more(
    ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::*", "arn:aws:s3:::b/x/*/z", "arn:aws:s3:*:*:b/?",
     "arn:aws:s3:::b/${aws:username}/*", "arn:aws:sqs:*:*:*", "arn:*:s3:::b/${aws:nothing}"]
)  # fmt: skip
operators = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]),
        st.sampled_from(
            ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike",
             "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"]
        ),
        st.sampled_from(["", "IfExists"]),
    ),
) | st.just("Null")  # fmt: skip
keys = ["aws:PrincipalTag/p", "aws:resourcetag/p", "aws:TagKeys", "aws:username"]
texts = ["a", "A", "b*", "${aws:PrincipalTag/p}", "x${aws:username}", "?"]
blocks = st.dictionaries(st.sampled_from(keys), one_or_more(texts), min_size=1, max_size=2)
conditions = st.dictionaries(operators, blocks, max_size=2)
named = one_or_more(["*", USER, SESSION, ROLE, MINE, OTHER, f"arn:aws:iam::{MINE}:root"])
principals = st.just("*") | named.map(lambda found: {"AWS": found})


@st.composite
def statements(draw: st.DrawFn, named: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
    body[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(actions)
    body[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(resources)
    block = draw(conditions)
    if "Null" in block:
        absent = {k: "true" if "a" in str(v) else "false" for k, v in block["Null"].items()}
        block["Null"] = absent
    if block:
        body["Condition"] = block
    if named:
        body["Principal"] = draw(principals)
    return body


def policies(named: bool = False, least: int = 0) -> st.SearchStrategy[list[dict[str, Any]]]:
    body = st.lists(statements(named), min_size=1, max_size=3)
    document = body.map(lambda found: {"Version": "2012-10-17", "Statement": found})
    return st.lists(document, min_size=least, max_size=2)


value = st.sampled_from(["a", "A", "b*", "bc", "bob", "x"])
contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:principaltag/p": value,
        "aws:resourcetag/p": value,
        "aws:username": value,
        "aws:tagkeys": st.lists(value, min_size=1, max_size=2),
    },
)
everything: list[dict[str, Any]] = [
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
]
levels = st.lists(st.just(everything) | policies(least=1), max_size=2)
cases = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]),
        "resource": st.sampled_from(
            ["arn:aws:s3:::b/x", "arn:aws:s3:::b/bob/k", "arn:aws:s3:::b/x/y:1/z",
            "arn:aws:s3:::b/b*/k",
             f"arn:aws:sqs:us-east-1:{MINE}:q", "*"]
        ),
        "account": st.sampled_from([MINE, MINE, OTHER]),
        "principal": st.sampled_from([USER, SESSION]),
        "keys": contexts,
        "identity": st.just(everything) | policies(),
        "boundary": st.just([]) | policies(),
        "session": st.just([]) | policies(),
        "resource_policy": policies(named=True).map(lambda found: found[:1]),
        "scp": levels,
    }
)  # fmt: skip


def stack_of(case: Case) -> PolicyStack:
    def compiled(kind: Any, documents: list[Any]) -> list[Any]:
        return [parse(d, kind, f"{kind}{i}") for i, d in enumerate(documents)]

    found = compiled("resource", case["resource_policy"])
    return PolicyStack(
        identity=compiled("identity", case["identity"]),
        boundary=compiled("boundary", case["boundary"]),
        session=compiled("session", case["session"]),
        scp=[Level(str(i), tuple(compiled("scp", level))) for i, level in enumerate(case["scp"])],
        resource=found[0] if found else None,
    )


def request_of(case: Case) -> AuthorizationRequest:
    return AuthorizationRequest(
        case["action"], case["resource"], case["account"], principal_of(case["principal"]),
        Context(case["keys"]),
    )  # fmt: skip


def decided(case: Case) -> Decision:
    return decide(request_of(case), stack_of(case))


@settings(max_examples=600, deadline=None)
@given(cases)
def test_decide_agrees_with_the_reference_and_with_explain(case: Case) -> None:
    request, stack = request_of(case), stack_of(case)
    decision = decide(request, stack)
    assert decision.result == evaluate(case)
    explanation = explain(request, stack)
    assert explanation.decision == decision
    assert decide(request, stack) == decision  # the compiled plan says the same
    assert msgspec.json.encode(explanation)
    assert explanation.lines()


@settings(max_examples=150, deadline=None)
@given(cases, statements().map(lambda s: {**s, "Effect": "Deny"}))
def test_a_further_deny_never_allows(case: Case, deny: dict[str, Any]) -> None:
    before = decided(case)
    further = {"Version": "2012-10-17", "Statement": [deny]}
    after = decided({**case, "identity": [*case["identity"], further]})
    assert before.allowed or not after.allowed


@settings(max_examples=150, deadline=None)
@given(cases)
def test_removing_the_service_control_policies_never_takes_away(case: Case) -> None:
    assert not decided(case).allowed or decided({**case, "scp": []}).allowed
