"""JSON Web Tokens: read, verified, signed (RFC 7515, 7517, 7518, 7519).

Algorithms are those STS takes from identity providers: RS256, RS384, RS512, ES256, ES384, ES512.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
SIZES = {"ES256": 32, "ES384": 48, "ES512": 66}
RSA_MIN_BITS = 1_024


class Malformed(Exception):
    """No token that can be read."""


class Token(NamedTuple):
    """A token, read and not yet verified."""

    algorithm: str
    key_id: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Token:
    """The parts of a token; raises Malformed."""
    parts = text.split(".")
    if len(parts) != 3:
        raise Malformed
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise Malformed
    signed = f"{parts[0]}.{parts[1]}".encode()
    return Token(algorithm, key_id, claims, signed, decoded(parts[2]))


def verified(token: Token, key: PublicKey) -> bool:
    """Whether a key has signed a token by the algorithm that the token names."""
    hashed = HASHES.get(token.algorithm[2:])
    if hashed is None:
        return False
    try:
        if token.algorithm[:2] == "RS" and isinstance(key, rsa.RSAPublicKey):
            key.verify(token.signature, token.signed, padding.PKCS1v15(), hashed())
            return key.key_size >= RSA_MIN_BITS
        size = SIZES.get(token.algorithm)
        if size is not None and isinstance(key, ec.EllipticCurvePublicKey):
            if (key.key_size + 7) // 8 != size or len(token.signature) != 2 * size:
                return False
            r, s = (int.from_bytes(half) for half in _halves(token.signature, size))
            key.verify(encode_dss_signature(r, s), token.signed, ec.ECDSA(hashed()))
            return True
    except InvalidSignature:
        return False
    return False


def _halves(signature: bytes, size: int) -> tuple[bytes, bytes]:
    return signature[:size], signature[size:]


def signed(claims: Mapping[str, Any], key: PrivateKey, algorithm: str, key_id: str) -> str:
    """A token of claims: RS256 or ES384, as STS signs them."""
    header = {"kid": key_id, "typ": "JWT", "alg": algorithm}
    text = f"{_encoded_object(header)}.{_encoded_object(claims)}"
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(text.encode(), padding.PKCS1v15(), HASHES[algorithm[2:]]())
    else:
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(HASHES[algorithm[2:]]())))
        size = SIZES[algorithm]
        signature = r.to_bytes(size) + s.to_bytes(size)
    return f"{text}.{encoded(signature)}"


# -- keys ------------------------------------------------------------------------------------------


def key_set(document: bytes) -> list[tuple[str, PublicKey]]:
    """The keys of a JWKS with their ids; those of other kinds are left out. Raises Malformed."""
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed from None
    found = []
    for item in listed if isinstance(listed, list) else ():
        key = _key(item) if isinstance(item, dict) else None
        if key is not None:
            found.append((str(item.get("kid", "")), key))
    return found


def _key(item: Mapping[str, Any]) -> PublicKey | None:
    try:
        if item.get("kty") == "RSA":
            return rsa.RSAPublicNumbers(_number(item["e"]), _number(item["n"])).public_key()
        if item.get("kty") == "EC":
            curve = CURVES[item["crv"]]()
            numbers = ec.EllipticCurvePublicNumbers(_number(item["x"]), _number(item["y"]), curve)
            return numbers.public_key()
    except (KeyError, ValueError, TypeError, AttributeError, Malformed):
        return None
    return None


def public_jwk(key: PublicKey, key_id: str, algorithm: str) -> dict[str, str]:
    """A public key as a JWKS carries it."""
    shown = {"kid": key_id, "use": "sig", "alg": algorithm}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e), **shown}
    point, size = key.public_numbers(), (key.key_size + 7) // 8
    x, y = encoded(point.x.to_bytes(size)), encoded(point.y.to_bytes(size))
    return {"kty": "EC", "crv": f"P-{key.key_size}", "x": x, "y": y, **shown}


# -- base64url -------------------------------------------------------------------------------------


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url; raises Malformed."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(decoded(text))
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


def _encoded_object(value: Mapping[str, Any]) -> str:
    return encoded(json.dumps(value, separators=(",", ":")).encode())


def _number(text: str) -> int:
    return int.from_bytes(decoded(text))


def _integer(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))
