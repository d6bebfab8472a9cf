"""AssumeRoleWithSAML: assertions are verified against their provider's certificate."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.services.sts.support import ACCOUNT, ALLOW, Federation, document, refusal, role

from mesocosm.testing.local import LocalCloud

PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"


class Case:
    """A role that trusts a SAML provider."""

    def __init__(self, cloud: LocalCloud, federation: Federation) -> None:
        self.cloud, self.federation = cloud, federation
        self.iam = cloud.client("iam", account=ACCOUNT)
        self.iam.create_saml_provider(Name="corp", SAMLMetadataDocument=federation.metadata)
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "SAML:aud": "https://signin.aws.amazon.com/saml",
                    "SAML:sub_type": "persistent",
                }
            },
        }
        self.role = role(cloud, document(statement), ALLOW)
        self.sts = cloud.client("sts", config=Config(signature_version=UNSIGNED))

    def response(self, lifetime: float = 300, **attributes: str) -> str:
        """A response that is not signed yet."""
        said = {"Role": f"{self.role},{PROVIDER}", "RoleSessionName": "ann", **attributes}
        now = self.cloud.world.clock.real()
        return self.federation.unsigned(now, said, lifetime)

    def assume(self, assertion: str | None = None, **options: Any) -> Any:
        """A session by an assertion."""
        return self.sts.assume_role_with_saml(
            RoleArn=self.role,
            PrincipalArn=PROVIDER,
            SAMLAssertion=assertion or self.federation.signed(self.response()),
            **options,
        )

    def refused(self, assertion: str) -> tuple[str, str]:
        """Why there is no session."""
        return refusal(self.assume, assertion=assertion)


@pytest.fixture
def case(cloud: LocalCloud, federation: Federation) -> Case:
    """A role that trusts the SAML provider."""
    return Case(cloud, federation)


@pytest.mark.parametrize("signed", ["_a", "_r"])
def test_a_signed_assertion_gives_a_session(case: Case, signed: str) -> None:
    found = case.assume(case.federation.signed(case.response(), signed))
    assert (found["Subject"], found["SubjectType"]) == ("ann", "persistent")
    assert found["Issuer"] == case.federation.ENTITY
    assert found["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/ann"
    case.cloud.client("iam", credentials=found["Credentials"]).list_users()


def test_an_assertion_that_nobody_or_somebody_else_signed(case: Case) -> None:
    invalid = ("InvalidIdentityToken", "Response signature invalid")
    plain = base64.b64encode(case.response().encode()).decode()
    assert case.refused(plain) == invalid
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    assert case.refused(case.federation.signed(case.response(), key=stranger)) == invalid
    good = base64.b64decode(case.federation.signed(case.response()))
    changed = good.replace(b">ann</saml:NameID>", b">bob</saml:NameID>")
    assert case.refused(base64.b64encode(changed).decode()) == invalid


def test_an_assertion_wrapped_around_a_signed_one_is_refused(case: Case) -> None:
    from lxml import etree

    good = etree.fromstring(base64.b64decode(case.federation.signed(case.response())))
    evil = etree.fromstring(case.response().replace(">ann<", ">root<").encode())
    name = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"
    signed, forged = good.find(name), evil.find(name)
    signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    # The signature moves to the forged assertion; the signed one hides beneath it.
    for identity in ("_a", "_b"):
        forged.set("ID", identity)
        forged.insert(1, signature)
        signature.append(signed)
        good.append(forged)
        text = base64.b64encode(etree.tostring(good)).decode()
        assert case.refused(text) == ("InvalidIdentityToken", "Response signature invalid")


def test_a_comment_does_not_cut_a_name(case: Case) -> None:
    text = case.response(RoleSessionName="ann<!-- x -->.admin")
    found = case.assume(case.federation.signed(text))
    assert found["AssumedRoleUser"]["Arn"].endswith("/ann.admin")


def test_an_old_assertion_is_refused(case: Case) -> None:
    assert case.refused(case.federation.signed(case.response(lifetime=-1))) == (
        "ExpiredTokenException",
        "Token must be redeemed within 5 minutes of issuance",
    )


def test_only_the_roles_offered_can_be_taken_on(case: Case) -> None:
    text = case.response(Role=f"arn:aws:iam::{ACCOUNT}:role/other,{PROVIDER}")
    assert case.refused(case.federation.signed(text)) == (
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithSAML",
    )


def test_tags_come_with_the_assertion(case: Case) -> None:
    case.iam.put_role_policy(
        RoleName="worker",
        PolicyName="own",
        PolicyDocument=document(
            {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
        ),
    )
    tagged = case.federation.signed(case.response(300, **{"PrincipalTag:team": "blue"}))
    session = case.assume(tagged)["Credentials"]
    case.cloud.client("iam", credentials=session).list_users()
    plain = case.assume()["Credentials"]
    assert refusal(case.cloud.client("iam", credentials=plain).list_users)[0] == "AccessDenied"


def test_a_bomb_is_refused(case: Case) -> None:
    text = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + case.response()
    assert case.refused(base64.b64encode(text.encode()).decode()) == (
        "InvalidIdentityToken",
        "Response signature invalid",
    )


# -- encrypted assertions ----------------------------------------------------------------------


def pem(key: rsa.RSAPrivateKey) -> str:
    """A private key as IAM takes it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def test_an_encrypted_assertion_is_read_with_the_providers_private_key(case: Case) -> None:
    owner, other = (
        rsa.generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(2)
    )
    federation = case.federation
    signed = base64.b64decode(federation.signed(case.response())).decode()

    def sealed(**how: Any) -> str:
        return base64.b64encode(federation.encrypted(signed, owner, **how).encode()).decode()

    unreadable = ("InvalidIdentityToken", "The SAML assertion cannot be decrypted")
    assert case.refused(sealed()) == unreadable
    for key in (other, owner):
        assert case.refused(sealed()) == unreadable
        case.iam.update_saml_provider(SAMLProviderArn=PROVIDER, AddPrivateKey=pem(key))
    for how in ({"gcm": True}, {"gcm": False}):
        assert case.assume(sealed(**how))["Subject"] == "ann"
    whole = federation.signed(federation.encrypted(case.response(), owner), "_r")
    assert case.assume(whole)["Subject"] == "ann"
    unsigned = federation.encrypted(case.response(), owner)
    assert case.refused(base64.b64encode(unsigned.encode()).decode()) == (
        "InvalidIdentityToken",
        "Response signature invalid",
    )
    case.assume()
    case.iam.update_saml_provider(SAMLProviderArn=PROVIDER, AssertionEncryptionMode="Required")
    assert case.refused(federation.signed(case.response())) == (
        "InvalidIdentityToken",
        "The SAML assertion must be encrypted",
    )
    case.assume(sealed())
