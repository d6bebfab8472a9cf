"""What an account's token issuer publishes: enough to verify its tokens with nothing but HTTP."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.services.sts.support import ACCOUNT, ALLOW, user

from mesocosm.testing.local import LocalCloud


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["content-type"] == "application/json"
        return json.load(answer)


def plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(plain(text))


def verify(token: str, keys: list[dict[str, str]]) -> dict[str, Any]:
    """The claims of a token, by a relying party that knows only the keys. Raises
    InvalidSignature.
    """
    header, claims, signature = token.split(".")
    about = json.loads(plain(header))
    key = next(one for one in keys if one["kid"] == about["kid"])
    said, signed = f"{header}.{claims}".encode(), plain(signature)
    assert (key["alg"], key["use"]) == (about["alg"], "sig")
    if key["kty"] == "RSA":
        rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key().verify(
            signed, said, padding.PKCS1v15(), hashes.SHA256()
        )
    else:
        point = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP384R1())
        pair = int.from_bytes(signed[:48]), int.from_bytes(signed[48:])
        point.public_key().verify(encode_dss_signature(*pair), said, ec.ECDSA(hashes.SHA384()))
    found: dict[str, Any] = json.loads(plain(claims))
    return found


def test_a_token_is_verified_by_what_its_issuer_publishes(cloud: LocalCloud) -> None:
    sts = cloud.client("sts", credentials=user(cloud, ALLOW))
    issuer = cloud.client("iam", account=ACCOUNT).enable_outbound_web_identity_federation()[
        "IssuerIdentifier"
    ]
    known = fetched(f"{issuer}/.well-known/openid-configuration")
    assert known["issuer"] == issuer
    assert known["id_token_signing_alg_values_supported"] == ["RS256", "ES384"]
    keys = fetched(known["jwks_uri"])["keys"]
    for algorithm in ("RS256", "ES384"):
        asked = {"Audience": ["shop"], "SigningAlgorithm": algorithm}
        token = sts.get_web_identity_token(**asked)["WebIdentityToken"]
        claims = verify(token, keys)
        assert (claims["iss"], claims["aud"]) == (issuer, "shop")
    assert fetched(known["jwks_uri"])["keys"] == keys
    assert not any("d" in key for key in keys)


def test_what_no_issuer_publishes_is_not_found(cloud: LocalCloud) -> None:
    issuer = cloud.client("iam", account=ACCOUNT).enable_outbound_web_identity_federation()[
        "IssuerIdentifier"
    ]
    for number in range(3):
        with pytest.raises(HTTPError) as raised:
            fetched(f"{cloud.endpoint}/_stranger{number}/x")
        raised.value.close()
        assert f"stranger{number}" not in cloud.cloud.catalogue._loaded
    for url in (
        f"{cloud.endpoint}/_sts/none/.well-known/jwks.json",
        f"{cloud.endpoint}/_sts//.well-known/jwks.json",
        f"{issuer}/.well-known/other",
        issuer,
    ):
        with pytest.raises(HTTPError) as raised:
            fetched(url)
        assert raised.value.code == 404
        raised.value.close()
