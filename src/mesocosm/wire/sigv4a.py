"""Signature Version 4A: an ECDSA key pair derived from the secret, so that one signature holds in
several Regions.

The derivation is NIST SP 800-108's counter mode with HMAC-SHA256, as AWS's signing libraries do it
("Signature Version 4A", IAM User Guide). Used by S3 Multi-Region Access Points and EventBridge
global endpoints.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_LABEL = b"AWS4-ECDSA-P256-SHA256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@lru_cache(maxsize=256)
def _key(access_key_id: str, secret: str) -> ec.EllipticCurvePublicKey:
    for counter in range(1, 255):
        context = access_key_id.encode() + bytes([counter])
        fixed = b"\0\0\0\1" + _LABEL + b"\0" + context + (256).to_bytes(4, "big")
        candidate = int.from_bytes(hmac.digest(b"AWS4A" + secret.encode(), fixed, "sha256"), "big")
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise ValueError("no key can be derived from this secret")


def verify(access_key_id: str, secret: str, text: str, signature: str) -> bool:
    """Whether `signature` (hex DER) signs `text`."""
    try:
        _key(access_key_id, secret).verify(
            bytes.fromhex(signature), text.encode(), ec.ECDSA(SHA256())
        )
    except (InvalidSignature, ValueError):
        return False
    return True
