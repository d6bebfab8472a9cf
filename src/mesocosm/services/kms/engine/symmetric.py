"""AES-256-GCM and HMAC with key material."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from mesocosm.services.kms.rules.ciphertexts import Blob, canonical, header


def encrypt(
    material: bytes,
    origin: tuple[str, str, str],
    nonce: bytes,
    plaintext: bytes,
    context: Mapping[str, str] | None,
) -> bytes:
    """A ciphertext blob. `origin`: account, key id and material id; `material`: 32 bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = header(*origin)
    return head + nonce + AESGCM(material).encrypt(nonce, plaintext, head + canonical(context))


def decrypt(material: bytes, blob: Blob, context: Mapping[str, str] | None) -> bytes | None:
    """The plaintext; None when blob or context are not what was encrypted."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(material).decrypt(blob.nonce, blob.data, blob.header + canonical(context))
    except InvalidTag:
        return None


def mac(material: bytes, algorithm: str, message: bytes) -> bytes:
    """An HMAC (RFC 2104); `algorithm` is HMAC_SHA_224, _256, _384 or _512."""
    return hmac.digest(material, message, "sha" + algorithm.rpartition("_")[2])


def same(one: bytes, other: bytes) -> bool:
    """Whether two MACs are equal, compared in constant time."""
    return hmac.compare_digest(one, other)


def material_id(key_id: str, material: bytes) -> str:
    """The id of key material: the same wherever the same material belongs to the same key."""
    return hashlib.sha256(b"kms key material\0" + key_id.encode() + b"\0" + material).hexdigest()
