"""Grants: what they allow, under which constraints, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.services.kms.support import ACCOUNT, OTHER, key, refusal, user

from mesocosm.services.kms.resources.granting import CONSTRAINTS, CONTEXT, allows
from mesocosm.services.kms.resources.rows import Grant

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
PAIRS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)


class Facts(dict[str, Any]):
    """A context in which what is not there is None."""

    def __missing__(self, key: str) -> None:
        return None


def made(**members: Any) -> Grant:
    """A grant."""
    return Grant(key="k", grantee="g", created=0.0, issuer="i", **members)


@given(st.none() | PAIRS, st.none() | PAIRS, PAIRS)
def test_constraints_compare_the_whole_context(
    equals: dict[str, str] | None, subset: dict[str, str] | None, context: dict[str, str]
) -> None:
    import json

    grant = made(operations=("Decrypt", "DescribeKey"), equals=equals, subset=subset)
    facts = Facts({CONTEXT: json.dumps(context)})
    wanted = equals in (None, context) and (
        subset is None or all(context.get(name) == value for name, value in subset.items())
    )
    assert allows(grant, "Decrypt", facts) == wanted
    assert allows(grant, "DescribeKey", facts)
    assert not allows(grant, "Encrypt", facts)


@given(st.none() | PAIRS, st.none() | PAIRS, PAIRS)
def test_a_grant_of_a_grant_is_no_wider(
    subset: dict[str, str] | None, asked: dict[str, str] | None, context: dict[str, str]
) -> None:
    """Whatever a grantee may hand on under a constraint, the new grant allows nothing more."""
    import json

    operations = ("CreateGrant", "Decrypt")
    grant = made(operations=operations, subset=subset)
    given_constraints = {} if asked is None else {"EncryptionContextSubset": asked}
    facts = Facts({CONSTRAINTS: json.dumps(given_constraints), "kms:grantoperations": ["Decrypt"]})
    if allows(grant, "CreateGrant", facts):
        handed = made(operations=("Decrypt",), subset=asked)
        use = Facts({CONTEXT: json.dumps(context)})
        assert not allows(handed, "Decrypt", use) or allows(grant, "Decrypt", use)


def test_a_grant_allows_and_ends(client: Callable[..., Any], kms: Any) -> None:
    alice = user(client, "alice")
    arn = key(kms)
    assert refusal(alice.encrypt, KeyId=arn, Plaintext=b"x")[0] == "AccessDeniedException"
    grant = kms.create_grant(
        KeyId=arn, GranteePrincipal=ALICE, Operations=["Encrypt", "Decrypt"], Name="n"
    )
    blob = alice.encrypt(KeyId=arn, Plaintext=b"x", GrantTokens=[grant["GrantToken"]])[
        "CiphertextBlob"
    ]
    assert alice.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert refusal(alice.describe_key, KeyId=arn)[0] == "AccessDeniedException"
    listed = kms.list_grants(KeyId=arn)["Grants"]
    assert [(one["GrantId"], one["GranteePrincipal"], one["Operations"]) for one in listed] == [
        (grant["GrantId"], ALICE, ["Encrypt", "Decrypt"])
    ]
    assert listed[0]["IssuingAccount"] == f"arn:aws:iam::{ACCOUNT}:root"
    again = kms.create_grant(
        KeyId=arn, GranteePrincipal=ALICE, Operations=["Encrypt", "Decrypt"], Name="n"
    )
    assert again["GrantId"] == grant["GrantId"]
    assert again["GrantToken"] != grant["GrantToken"]
    kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
    assert refusal(alice.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    assert kms.list_grants(KeyId=arn)["Grants"] == []
    assert refusal(kms.revoke_grant, KeyId=arn, GrantId=grant["GrantId"])[0] == "NotFoundException"
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x", GrantTokens=[grant["GrantToken"]])[
        0
    ] == ("InvalidGrantTokenException")


def test_a_grant_under_a_constraint(client: Callable[..., Any], kms: Any) -> None:
    alice = user(client, "alice")
    arn = key(kms)
    kms.create_grant(
        KeyId=arn,
        GranteePrincipal=ALICE,
        Operations=["Encrypt"],
        Constraints={"EncryptionContextSubset": {"App": "x"}},
    )
    alice.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"App": "x", "more": "y"})
    for context in ({}, {"App": "y"}, {"app": "x"}):
        code = refusal(alice.encrypt, KeyId=arn, Plaintext=b"x", EncryptionContext=context)[0]
        assert code == "AccessDeniedException"


def test_a_grantee_hands_on_no_more_than_it_has(client: Callable[..., Any], kms: Any) -> None:
    alice, bob = user(client, "alice"), user(client, "bob")
    arn = key(kms)
    kms.create_grant(KeyId=arn, GranteePrincipal=ALICE, Operations=["CreateGrant", "Decrypt"])
    more = refusal(
        alice.create_grant, KeyId=arn, GranteePrincipal=BOB, Operations=["Decrypt", "Encrypt"]
    )
    assert more[0] == "AccessDeniedException"
    alice.create_grant(KeyId=arn, GranteePrincipal=BOB, Operations=["Decrypt"])
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert bob.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_grant_crosses_accounts(client: Callable[..., Any], kms: Any) -> None:
    other = client("kms", account=OTHER)
    arn = key(kms)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    grant = kms.create_grant(
        KeyId=arn,
        GranteePrincipal=f"arn:aws:iam::{OTHER}:root",
        RetiringPrincipal=f"arn:aws:iam::{OTHER}:root",
        Operations=["Decrypt"],
    )
    assert other.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    listed = other.list_retirable_grants(RetiringPrincipal=f"arn:aws:iam::{OTHER}:root")["Grants"]
    assert [one["GrantId"] for one in listed] == [grant["GrantId"]]
    other.retire_grant(GrantToken=grant["GrantToken"])
    assert refusal(other.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"


def test_who_may_retire(client: Callable[..., Any], kms: Any) -> None:
    alice, bob = user(client, "alice"), user(client, "bob")
    arn = key(kms)

    def grant(**options: Any) -> dict[str, Any]:
        operations = options.pop("Operations", ["Decrypt"])
        return dict(
            kms.create_grant(KeyId=arn, GranteePrincipal=ALICE, Operations=operations, **options)
        )

    one = grant(RetiringPrincipal=BOB)
    assert refusal(alice.retire_grant, KeyId=arn, GrantId=one["GrantId"])[0] == (
        "AccessDeniedException"
    )
    bob.retire_grant(KeyId=arn, GrantId=one["GrantId"])
    two = grant(Operations=["Decrypt", "RetireGrant"])
    assert refusal(bob.retire_grant, KeyId=arn, GrantId=two["GrantId"])[0] == (
        "AccessDeniedException"
    )
    alice.retire_grant(GrantToken=two["GrantToken"])
    three = grant()
    kms.retire_grant(GrantToken=three["GrantToken"])
    assert kms.list_grants(KeyId=arn)["Grants"] == []
    assert refusal(kms.retire_grant, GrantToken="nonsense")[0] == "InvalidGrantTokenException"
    assert refusal(kms.retire_grant)[0] == "ValidationException"


def test_grants_that_are_not_made(client: Callable[..., Any], kms: Any) -> None:
    user(client, "alice")
    arn = key(kms)
    pair = key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")

    def refused(arn: str, principal: str = ALICE, **options: Any) -> str:
        options = {"Operations": ["DescribeKey"], **options}
        return refusal(kms.create_grant, KeyId=arn, GranteePrincipal=principal, **options)[0]

    assert refused(arn, Operations=["Sign"]) == "ValidationException"
    assert refused(pair, Operations=["GenerateDataKey"]) == "ValidationException"
    constraint = {"EncryptionContextEquals": {"a": "b"}}
    assert refused(pair, Operations=["Sign"], Constraints=constraint) == "ValidationException"
    assert refused(arn, f"arn:aws:iam::{ACCOUNT}:user/nobody") == "InvalidArnException"
    assert refused(arn, "nobody") == "InvalidArnException"
    assert refused(arn, DryRun=True) == "DryRunOperationException"
    kms.disable_key(KeyId=arn)
    assert refused(arn) == "DisabledException"
    assert kms.list_grants(KeyId=arn)["Grants"] == []


def test_a_role_session_is_its_role(client: Callable[..., Any], kms: Any) -> None:
    import json

    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.create_user(UserName="alice")
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    iam.put_user_policy(
        UserName="alice",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    keys = iam.create_access_key(UserName="alice")["AccessKey"]
    session = client("sts", credentials=keys).assume_role(RoleArn=role, RoleSessionName="session")
    within = client("kms", credentials=session["Credentials"])
    arn = key(kms)
    assert refusal(within.encrypt, KeyId=arn, Plaintext=b"x")[0] == "AccessDeniedException"
    kms.create_grant(KeyId=arn, GranteePrincipal=role, Operations=["Encrypt"])
    within.encrypt(KeyId=arn, Plaintext=b"x")
