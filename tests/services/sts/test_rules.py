"""Tokens and signatures, by themselves."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.sts import rules
from mesocosm.services.sts.rules import jwt, saml, xmlsig
from mesocosm.wire.errors import AwsError

RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
P384 = ec.generate_private_key(ec.SECP384R1())


@given(st.text(max_size=60) | st.text("abc.=-_", max_size=60))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    try:
        jwt.read(text)
    except jwt.Malformed:
        return


@given(st.binary(max_size=80))
def test_any_document_is_a_key_set_or_refused(document: bytes) -> None:
    try:
        jwt.key_set(document)
    except jwt.Malformed:
        return


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers()), st.data())
def test_what_was_signed_is_read_back_and_no_changed_bit_passes(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    token = jwt.read(jwt.signed(claims, P384, "ES384", "k"))
    assert token.claims == claims
    assert jwt.verified(token, P384.public_key())
    at = data.draw(st.integers(0, len(token.signature) - 1))
    flipped = bytearray(token.signature)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not jwt.verified(token._replace(signature=bytes(flipped)), P384.public_key())


def test_a_token_is_verified_by_keys_of_its_algorithm_only() -> None:
    token = jwt.read(jwt.signed({}, RSA, "RS256", "k"))
    assert jwt.verified(token, RSA.public_key())
    assert not jwt.verified(token, P384.public_key())
    for algorithm in ("none", "HS256", "RS999", "", "ES384", "RS512"):
        assert not jwt.verified(token._replace(algorithm=algorithm), RSA.public_key())


def test_keys_go_through_a_key_set() -> None:
    shown = [jwt.public_jwk(key.public_key(), "k", "x") for key in (RSA, P384)]
    document = json.dumps({"keys": [*shown, {"kty": "oct"}, {"kty": "EC", "crv": "?"}, 1]})
    found = jwt.key_set(document.encode())
    assert [key.public_numbers() for _, key in found] == [
        RSA.public_key().public_numbers(),
        P384.public_key().public_numbers(),
    ]


@given(st.binary(max_size=200))
def test_any_response_is_refused_without_a_signature(document: bytes) -> None:
    issuer = saml.Issuer("entity", ())
    with pytest.raises((saml.Unreadable, xmlsig.Unsigned)):
        saml.read(base64.b64encode(document).decode(), issuer, (), False)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8)), st.text(max_size=8))
def test_later_tags_replace_earlier_ones_whatever_their_case(
    tags: dict[str, str], key: str
) -> None:
    found = rules.overlaid(tags, {key: "new"})
    assert found[key] == "new"
    assert sum(name.lower() == key.lower() for name in found) == 1


def test_a_session_policy_is_checked() -> None:
    with pytest.raises(AwsError, match="MalformedPolicyDocument"):
        rules.session_policy('{"Statement": 1}')
    with pytest.raises(AwsError, match="length less than or equal to 2048"):
        rules.session_policy(" " * 2_049)
