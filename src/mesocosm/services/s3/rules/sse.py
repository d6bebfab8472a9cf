"""Server-side encryption of objects: AES-256, for real, with keys that customers provide (SSE-C) or
with data keys of KMS (SSE-KMS, and two of them for DSSE-KMS).

Of a customer's key S3 keeps a salted HMAC that proves the key given later, of a data key what KMS
made of it. The mode is counter mode, so that a range can be read without the bytes before it.

Source: Amazon S3 User Guide, "Using server-side encryption with customer-provided keys (SSE-C)",
"Using server-side encryption with AWS KMS keys (SSE-KMS)", "Using dual-layer server-side encryption
with AWS KMS keys (DSSE-KMS)".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TypeAlias

import msgspec

from mesocosm.wire.errors import AwsError

BLOCK = 16


class CustomerKey:
    """A key that came with a request."""

    __slots__ = ("key", "md5")

    def __init__(self, key: bytes, md5: str) -> None:
        self.key = key
        self.md5 = md5

    def check(self, salt: bytes) -> bytes:
        """What is kept to recognise the key."""
        return salt + hmac.digest(salt, self.key, "sha256")

    def fits(self, check: bytes) -> bool:
        """Whether this is the key that `check` was made from."""
        return hmac.compare_digest(check, self.check(check[:BLOCK]))

    def crypt(self, nonce: bytes, data: bytes, offset: int = 0) -> bytes:
        """Encrypt or decrypt bytes that stand at `offset` of their piece."""
        return crypt(self.key, nonce, data, offset)


class DataKeys:
    """The data keys of an object under KMS: one, or two for two layers."""

    __slots__ = ("keys",)

    def __init__(self, *keys: bytes) -> None:
        self.keys = keys

    def crypt(self, nonce: bytes, data: bytes, offset: int = 0) -> bytes:
        """Encrypt or decrypt bytes that stand at `offset` of their piece, layer by layer, each with
        a nonce of its own."""
        for layer, key in enumerate(self.keys):
            own = bytes([nonce[0] ^ layer << 7]) + nonce[1:] if layer else nonce
            data = crypt(key, own, data, offset)
        return data


Secret: TypeAlias = CustomerKey | DataKeys
"""What the bytes of an object are encrypted with."""


def context(text: str | None) -> dict[str, str]:
    """The encryption context of a request's header. Raises InvalidArgument."""
    if not text:
        return {}
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True), type=dict[str, str])
    except (binascii.Error, ValueError):
        raise _argument(
            "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 "
            "string holding JSON which represents a string-string map",
            "x-amz-server-side-encryption-context",
            text,
        ) from None


def customer_key(
    algorithm: str | None, key: str | None, md5: str | None, secure: bool
) -> CustomerKey | None:
    """The customer's key of a request, None when there is none. Raises InvalidArgument,
    InvalidRequest.
    """
    if algorithm is None and key is None and md5 is None:
        return None
    if algorithm is None:
        raise _argument(
            "Requests specifying Server Side Encryption with Customer provided keys must provide "
            "a valid encryption "
            "algorithm.",
            "x-amz-server-side-encryption-customer-algorithm",
            "null",
        )
    if algorithm != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. The valid value is AES256.",
            status=400,
            ArgumentName="x-amz-server-side-encryption-customer-algorithm",
            ArgumentValue=algorithm,
        )
    name = "x-amz-server-side-encryption-customer-key"
    if key is None:
        raise _argument(
            "Requests specifying Server Side Encryption with Customer provided keys must provide "
            "an appropriate "
            "secret key.",
            name,
            "null",
        )
    if not secure:
        raise AwsError(
            "InvalidRequest",
            "Requests specifying Server Side Encryption with Customer provided keys must be made "
            "over a secure "
            "connection.",
            status=400,
        )
    try:
        secret = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != 32:
        raise _argument("The secret key was invalid for the specified algorithm.", name, "null")
    actual = base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode()
    if md5 is None or md5 != actual:
        raise _argument(
            "The calculated MD5 hash of the key did not match the hash that was provided.",
            "x-amz-server-side-encryption-customer-key-MD5",
            md5 or "null",
        )
    return CustomerKey(secret, actual)


def crypt(key: bytes, nonce: bytes, data: bytes, offset: int = 0) -> bytes:
    """Encrypt or decrypt (the same in counter mode) bytes that stand at `offset` of their piece."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    skipped = offset % BLOCK
    counter = (int.from_bytes(nonce, "big") + offset // BLOCK) % (1 << 128)
    running = Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(BLOCK, "big"))).encryptor()
    return running.update(bytes(skipped) + data)[skipped:] + running.finalize()


def _argument(message: str, name: str, value: str) -> AwsError:
    return AwsError("InvalidArgument", message, status=400, ArgumentName=name, ArgumentValue=value)
