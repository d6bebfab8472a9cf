"""Unwrapping imported key material (developer guide, "Select a wrapping algorithm")."""

from __future__ import annotations

from mesocosm.services.kms.engine import pairs


def unwrap(private: bytes, algorithm: str, data: bytes) -> bytes | None:
    """The key material; None when it was not encrypted under the wrapping key.

    RSA_AES_KEY_WRAP_*: an ephemeral AES key under RSAES-OAEP, then the material under it with AES
    key wrap with padding (RFC 5649).
    """
    if algorithm.startswith("RSAES_OAEP_"):
        return pairs.decrypt(private, algorithm, data)
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

    size = pairs.load(private).key_size // 8
    hashing = algorithm.replace("RSA_AES_KEY_WRAP_", "RSAES_OAEP_")
    ephemeral = pairs.decrypt(private, hashing, data[:size])
    if ephemeral is None:
        return None
    try:
        return aes_key_unwrap_with_padding(ephemeral, data[size:])
    except (InvalidUnwrap, ValueError):
        return None
