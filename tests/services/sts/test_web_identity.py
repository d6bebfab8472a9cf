"""AssumeRoleWithWebIdentity: tokens are verified against the keys their provider shows."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.services.sts.support import (
    ACCOUNT,
    ALLOW,
    OTHER,
    Provider,
    document,
    refusal,
    role,
)

from mesocosm.testing.local import LocalCloud


class Case:
    """A role that trusts an identity provider, and who holds nothing but a token."""

    def __init__(self, cloud: LocalCloud, provider: Provider) -> None:
        self.cloud, self.provider = cloud, provider
        iam = cloud.client("iam", account=ACCOUNT)
        self.provider_arn = iam.create_open_id_connect_provider(
            Url=provider.url, ClientIDList=["app"], ThumbprintList=[provider.thumbprint]
        )["OpenIDConnectProviderArn"]
        self.iam = iam
        self.role = role(cloud, self.trust(), ALLOW)
        self.sts = cloud.client("sts", config=Config(signature_version=UNSIGNED))

    def trust(self, *actions: str, **condition: Any) -> str:
        """A trust policy for the provider."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider_arn},
            "Action": list(actions) or "sts:AssumeRoleWithWebIdentity",
        }
        if condition:
            statement["Condition"] = condition
        return document(statement)

    def retrust(self, *actions: str, **condition: Any) -> None:
        """Change whom the role trusts."""
        self.iam.update_assume_role_policy(
            RoleName="worker", PolicyDocument=self.trust(*actions, **condition)
        )

    @property
    def now(self) -> float:
        """The time of the world outside."""
        return self.cloud.world.clock.real()

    def token(self, key: str = "rsa", **claims: Any) -> str:
        """A token of the provider."""
        return self.provider.token(self.now, key, **claims)

    def assume(self, token: str | None = None, **options: Any) -> Any:
        """A session by a token."""
        return self.sts.assume_role_with_web_identity(
            RoleArn=self.role,
            RoleSessionName="ann",
            WebIdentityToken=token or self.token(),
            **options,
        )

    def refused(self, token: str | None = None, **options: Any) -> tuple[str, str]:
        """Why there is no session."""
        return refusal(self.assume, token=token, **options)


@pytest.fixture
def case(cloud: LocalCloud, provider: Provider) -> Case:
    """A role that trusts the identity provider."""
    return Case(cloud, provider)


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_a_token_of_the_provider_gives_a_session_of_the_role(case: Case, key: str) -> None:
    found = case.assume(case.token(key))
    assert found["SubjectFromWebIdentityToken"] == "user:ann"
    assert found["Audience"] == "app"
    assert found["Provider"] == case.provider_arn
    me = case.cloud.client("sts", credentials=found["Credentials"]).get_caller_identity()
    assert me["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/ann"
    case.cloud.client("iam", credentials=found["Credentials"]).list_users()


def test_keys_are_fetched_once_and_again_for_a_new_key(case: Case) -> None:
    case.assume()
    case.assume()
    assert case.provider.asked == ["/.well-known/openid-configuration", "/keys"]
    case.provider.key_ids = {**case.provider.key_ids, "rsa2": case.provider.rsa}
    case.assume(case.token("rsa2"))
    assert case.provider.asked.count("/keys") == 2


def test_a_token_that_another_key_signed_is_refused(case: Case) -> None:
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    code, message = case.refused(case.token(signer=stranger))
    assert (code, message) == (
        "InvalidIdentityToken",
        "The token's signature cannot be verified.",
    )
    head, _, signature = case.token().split(".")
    _, claims, _ = case.token(sub="user:root").split(".")
    assert case.refused(f"{head}.{claims}.{signature}")[0] == "InvalidIdentityToken"


def test_what_is_no_token_is_refused(case: Case) -> None:
    for text in ("text", "a.b.c", "....", case.token() + "x."):
        code, message = case.refused(text)
        assert code == "InvalidIdentityToken"
        assert message.startswith("The ID Token provided is not a valid JWT.")


def test_an_expired_token_is_refused(case: Case) -> None:
    code, message = case.refused(case.token(exp=int(case.now) - 1))
    assert code == "ExpiredTokenException"
    assert message.startswith("Token expired: current date/time ")


def test_claims_that_must_be_there(case: Case) -> None:
    for name in ("exp", "iat", "sub", "aud"):
        missing: dict[str, Any] = {name: None}
        assert case.refused(case.token(**missing)) == (
            "InvalidIdentityToken",
            f"Missing a required claim: {name}",
        )
    assert case.refused(case.token(aud="else")) == (
        "InvalidIdentityToken",
        "Incorrect token audience",
    )
    assert case.refused(case.token(iss="https://nobody.example.org")) == (
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://nobody.example.org",
    )


def test_the_trust_policy_decides_by_claims(case: Case) -> None:
    host = case.provider.host
    case.retrust(StringEquals={f"{host}:sub": "user:ann", f"{host}:aud": "app"})
    case.assume()
    assert case.refused(case.token(sub="user:bob")) == (
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )
    case.role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert case.refused()[0] == "AccessDenied"
    case.role = f"arn:aws:iam::{OTHER}:role/worker"
    assert case.refused()[0] == "InvalidIdentityToken"


def test_tags_of_a_token_need_the_permission_to_tag(case: Case) -> None:
    tags = {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}
    said: dict[str, Any] = {"https://aws.amazon.com/tags": tags}
    token = case.token(**said)
    assert case.refused(token) == ("AccessDenied", "Not authorized to perform sts:TagSession")
    case.retrust("sts:AssumeRoleWithWebIdentity", "sts:TagSession")
    session = case.assume(token)["Credentials"]
    case.iam.put_role_policy(
        RoleName="worker",
        PolicyName="own",
        PolicyDocument=document(
            {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
        ),
    )
    case.cloud.client("iam", credentials=session).list_users()
    plain = case.assume()["Credentials"]
    assert refusal(case.cloud.client("iam", credentials=plain).list_users)[0] == "AccessDenied"


def test_a_provider_whose_certificate_is_unknown_is_not_believed(case: Case) -> None:
    case.iam.update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=case.provider_arn, ThumbprintList=["0" * 40]
    )
    assert case.refused() == (
        "InvalidIdentityToken",
        "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
    )


def test_a_provider_that_does_not_answer(case: Case) -> None:
    case.iam.create_open_id_connect_provider(
        Url="https://127.0.0.1:1", ClientIDList=["app"], ThumbprintList=["0" * 40]
    )
    assert case.refused(case.token(iss="https://127.0.0.1:1"))[0] == "IDPCommunicationError"


def test_the_call_is_recorded_as_the_token_holders(case: Case) -> None:
    case.assume()
    record = case.cloud.cloud.calls.newest
    assert (record.operation, record.principal.kind) == (
        "AssumeRoleWithWebIdentity",
        "web-identity",
    )
    assert (record.account, record.principal.name) == (ACCOUNT, "user:ann")
    assert [judgement.result for judgement in record.judgements] == ["Allowed"]
