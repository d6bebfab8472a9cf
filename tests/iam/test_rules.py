"""The rules of the IAM user guide's evaluation logic, one test each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mesocosm.iam import (
    ANONYMOUS,
    AuthorizationRequest,
    Context,
    Decision,
    Level,
    PolicyStack,
    Principal,
    context_used,
    decide,
    parse,
)
from mesocosm.iam.policy import Kind, Policy
from mesocosm.iam.simulate import principal_of

A, B = "111122223333", "444455556666"
USER = f"arn:aws:iam::{A}:user/x"
SESSION = f"arn:aws:sts::{A}:assumed-role/R/S"
ROLE = f"arn:aws:iam::{A}:role/R"
FEDERATED = f"arn:aws:sts::{A}:federated-user/f"
OBJECT = "arn:aws:s3:::b/k"


def policy(kind: Kind = "identity", effect: str = "Allow", **elements: Any) -> Policy:
    body = {"Effect": effect, "Action": "*", "Resource": "*"} | elements
    if "NotAction" in elements:
        del body["Action"]
    if kind == "trust":
        del body["Resource"]
    return parse({"Version": "2012-10-17", "Statement": [body]}, kind, kind)


ALL, BOUND, SESS = policy(), policy("boundary"), policy("session")
NONE = policy("boundary", Action="sqs:*")


def resource(principal: Any, effect: str = "Allow", kind: Kind = "resource") -> Policy:
    return policy(kind, effect, Principal=principal)


def run(
    stack: PolicyStack,
    principal: str | Principal = USER,
    account: str = A,
    action: str = "s3:GetObject",
    arn: str = OBJECT,
    **keys: str,
) -> Decision:
    who = principal_of(principal) if isinstance(principal, str) else principal
    return decide(AuthorizationRequest(action, arn, account, who, Context(keys)), stack)


@pytest.mark.parametrize(
    ("principal", "named", "allowed"),
    [
        (USER, {"AWS": USER}, True),
        (USER, "*", True),
        (USER, {"AWS": A}, False),
        (USER, {"AWS": f"arn:aws:iam::{A}:root"}, False),
        (USER, {"AWS": USER + "y"}, False),
        (SESSION, {"AWS": SESSION}, True),
        (SESSION, {"AWS": ROLE}, True),
        (SESSION, {"AWS": A}, False),
        (FEDERATED, {"AWS": FEDERATED}, True),
        (FEDERATED, {"AWS": USER}, False),
    ],
)
def test_what_a_resource_policy_grants_alone(principal: str, named: Any, allowed: bool) -> None:
    assert run(PolicyStack(resource=resource(named)), principal).allowed is allowed


@pytest.mark.parametrize(
    ("principal", "named", "allowed"),
    [
        (USER, {"AWS": USER}, True),
        (SESSION, {"AWS": SESSION}, True),
        (SESSION, {"AWS": ROLE}, False),
    ],
)
def test_a_boundary_limits_only_what_names_the_role(
    principal: str, named: Any, allowed: bool
) -> None:
    stack = PolicyStack(resource=resource(named), boundary=[NONE], identity=[ALL])
    decision = run(stack, principal)
    assert decision.allowed is allowed
    assert allowed or decision == Decision("ImplicitlyDenied", "boundary")


def test_naming_the_account_delegates_to_the_identity_policies() -> None:
    assert run(PolicyStack(resource=resource({"AWS": A}), identity=[ALL])).by == "identity"


def test_a_session_policy_limits_the_identity_policy() -> None:
    narrow = policy("session", Action="sqs:*")
    decision = run(PolicyStack(identity=[ALL], session=[narrow]), SESSION)
    assert decision == Decision("ImplicitlyDenied", "session")


def test_across_accounts_both_sides_must_allow() -> None:
    other = PolicyStack(identity=[ALL], resource=resource({"AWS": A}))
    assert run(other, account=B).allowed
    assert run(PolicyStack(identity=[ALL]), account=B).by == "resource"
    assert run(PolicyStack(resource=resource({"AWS": USER})), account=B).by == "identity"


def test_a_trust_policy_must_itself_allow() -> None:
    def assume(named: Any, *identity: Policy) -> Decision:
        trust = resource(named, kind="trust")
        stack = PolicyStack(identity=identity, resource=trust, resource_kind="trust")
        return run(stack, action="sts:AssumeRole", arn=ROLE)

    assert assume({"AWS": USER}).by == "trust"
    assert assume({"AWS": A}, ALL).allowed
    assert assume({"AWS": A}).by == "identity"
    assert assume({"AWS": B}, ALL) == Decision("ImplicitlyDenied", "trust")


def test_a_key_policy_must_itself_allow_and_a_grant_is_a_third_source() -> None:
    key = f"arn:aws:kms:us-east-1:{A}:key/1"
    stack = PolicyStack(identity=[ALL], resource=resource({"AWS": B}), resource_kind="kms")
    assert run(stack, action="kms:Decrypt", arn=key).by == "resource"
    granted = stack.at(resource=resource({"AWS": B}), resource_kind="kms", grants=("g-1",))
    assert run(granted, action="kms:Decrypt", arn=key) == Decision("Allowed", "grant", "g-1")


def test_every_scp_level_must_allow() -> None:
    full, narrow = policy("scp"), policy("scp", Action="sqs:*")
    stack = PolicyStack(identity=[ALL], scp=[Level("r", (full,)), Level("ou", (narrow,))])
    assert run(stack).by == "scp"
    assert run(PolicyStack(identity=[ALL], scp=[Level("r", (full,)), Level("ou", ())])).by == "scp"
    assert run(PolicyStack(identity=[ALL], scp=[Level("r", (full,))])).allowed


def test_scps_restrict_root_but_not_service_linked_roles_nor_services() -> None:
    deny = [Level("r", (policy("scp"), policy("scp", "Deny")))]
    stack = PolicyStack(identity=[ALL], scp=deny, resource=resource("*"))
    assert run(stack, f"arn:aws:iam::{A}:root").result == "ExplicitlyDenied"
    assert run(stack, "s3.amazonaws.com").allowed
    linked = Principal(
        kind="assumed-role",
        account=A,
        arn=SESSION,
        role_arn=f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/R",
    )
    assert run(stack, linked).allowed


def test_rcps_restrict_only_their_services() -> None:
    rcp = (Level("r", (policy("rcp", Principal="*"), policy("rcp", "Deny", Principal="*"))),)
    stack = PolicyStack(identity=[ALL]).at(rcp=rcp)
    assert run(stack) == Decision("ExplicitlyDenied", "rcp", "rcp", "0")
    assert run(stack, action="ec2:RunInstances").allowed
    assert run(stack, action="kms:RetireGrant").allowed


def test_an_endpoint_policy_must_allow() -> None:
    stack = PolicyStack(identity=[ALL])
    assert run(stack.at(endpoint=(policy("endpoint", Principal="*"),))).allowed
    narrow = policy("endpoint", Principal="*", Resource="arn:aws:s3:::other/*")
    assert run(stack.at(endpoint=(narrow,))) == Decision("ImplicitlyDenied", "endpoint")


def test_root_is_allowed_unless_something_denies() -> None:
    root = f"arn:aws:iam::{A}:root"
    assert run(PolicyStack(), root).by == "root"
    assert not run(PolicyStack(resource=resource("*", "Deny")), root).allowed
    assert run(PolicyStack(), root, account=B).by == "resource"


def test_services_and_anonymous_need_a_resource_policy() -> None:
    service = {"Service": "sns.amazonaws.com"}
    assert run(PolicyStack(resource=resource(service)), "sns.amazonaws.com").allowed
    assert not run(PolicyStack(resource=resource(service)), "s3.amazonaws.com").allowed
    assert run(PolicyStack(resource=resource("*")), ANONYMOUS).allowed
    assert not run(PolicyStack(resource=resource({"AWS": A})), ANONYMOUS).allowed


def test_a_federated_user_has_nothing_without_a_session_policy() -> None:
    assert run(PolicyStack(identity=[ALL]), FEDERATED).by == "session"
    assert run(PolicyStack(identity=[ALL], session=[SESS]), FEDERATED).allowed


def test_not_principal_with_deny_excepts_only_who_is_listed_in_full() -> None:
    def stack(*names: str, boundary: bool = False) -> PolicyStack:
        deny = policy("resource", "Deny", NotPrincipal={"AWS": list(names)})
        return PolicyStack(identity=[ALL], resource=deny, boundary=[BOUND] if boundary else [])

    assert run(stack(USER, A)).allowed
    assert not run(stack(USER)).allowed
    assert not run(stack(USER, A, boundary=True)).allowed
    assert run(stack(SESSION, ROLE, A), SESSION).allowed
    assert not run(stack(ROLE, A), SESSION).allowed


def test_not_principal_with_allow_includes_anonymous() -> None:
    stack = PolicyStack(resource=policy("resource", NotPrincipal={"AWS": USER}))
    assert run(stack, ANONYMOUS).allowed
    assert not run(stack, USER).allowed


def test_a_caller_may_always_ask_who_it_is() -> None:
    stack = PolicyStack(identity=[policy("identity", "Deny")])
    assert run(stack, action="sts:GetCallerIdentity", arn="*").allowed


def test_an_explicit_deny_wins_everywhere() -> None:
    deny = policy("session", "Deny")
    stack = PolicyStack(identity=[ALL], session=[SESS, deny], resource=resource({"AWS": SESSION}))
    assert run(stack, SESSION) == Decision("ExplicitlyDenied", "session", "session", "0")


@pytest.mark.parametrize(
    ("decision", "end"),
    [
        (
            Decision("ImplicitlyDenied", "identity"),
            " because no identity-based policy allows the sqs:SendMessage action",
        ),
        (Decision("ExplicitlyDenied", "scp"), " with an explicit deny in a service control policy"),
        (
            Decision("ImplicitlyDenied", "endpoint"),
            " because no VPC endpoint policy allows the sqs:SendMessage action",
        ),
        (
            Decision("ExplicitlyDenied", "identity"),
            " with an explicit deny in an identity-based policy",
        ),
    ],
)
def test_the_sentence_of_a_denial(decision: Decision, end: str) -> None:
    said = decision.message(USER, "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q")
    start = f"User: {USER} is not authorized to perform: sqs:SendMessage on resource: "
    assert said == start + "arn:aws:sqs:us-east-1:1:q" + end


def test_a_principal_survives_msgpack() -> None:
    principal = Principal(kind="user", account=A, arn=USER, tags={"a": "b"}, called_via=("x",))
    encoded = msgspec.msgpack.encode(principal)
    assert msgspec.msgpack.decode(encoded, type=Principal) == principal


def test_the_context_keys_a_decision_used() -> None:
    tagged = policy(
        Condition={"StringEquals": {"aws:ResourceTag/P": "${aws:PrincipalTag/P}"}}, Action="s3:*"
    )
    other = policy(Action="sqs:*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    context = Context(
        {"aws:securetransport": "true", "aws:principaltag/p": "a"},
        families={"aws:resourcetag/": lambda: {"P": "a"}},
    )
    request = AuthorizationRequest("s3:GetObject", OBJECT, A, principal_of(USER), context)
    stack = PolicyStack(identity=[tagged, other])
    assert decide(request, stack).allowed
    assert context_used(request, stack) == {"aws:resourcetag/p": "a", "aws:principaltag/p": "a"}
