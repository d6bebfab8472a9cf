"""Ciphertext blobs of symmetric keys: where they come from, and their authenticated form.

A blob is header, nonce and sealed data. The header names account, key and key material, so that a
decryption finds them by itself; header and encryption context are authenticated with the data (KMS
developer guide, "Encryption context": it is additional authenticated data of AES-GCM).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MAGIC = bytes.fromhex("0102020078")
NONCE = 12
HEADER = len(MAGIC) + 8 + 1 + 16 + 32
SINGLE, MULTI = 0, 1


class Blob(NamedTuple):
    """A ciphertext blob, taken apart. `material` is hexadecimal."""

    account: str
    key: str
    material: str
    header: bytes
    nonce: bytes
    data: bytes


def header(account: str, key: str, material: str) -> bytes:
    """What a blob begins with."""
    multi = key.startswith("mrk-")
    number = bytes.fromhex(key.removeprefix("mrk-").replace("-", ""))
    kind = bytes([MULTI if multi else SINGLE])
    return MAGIC + int(account).to_bytes(8, "big") + kind + number + bytes.fromhex(material)


def parse(data: bytes) -> Blob | None:
    """A blob's parts; None when it is none of ours."""
    if len(data) < HEADER + NONCE + 16 or not data.startswith(MAGIC):
        return None
    at = len(MAGIC)
    account = f"{int.from_bytes(data[at : at + 8], 'big'):012d}"
    kind, number = data[at + 8], data[at + 9 : at + 25].hex()
    if len(account) != 12 or kind not in (SINGLE, MULTI):
        return None
    key = f"mrk-{number}"
    if kind == SINGLE:
        parts = (number[:8], number[8:12], number[12:16], number[16:20], number[20:])
        key = "-".join(parts)
    material = data[at + 25 : HEADER].hex()
    nonce = data[HEADER : HEADER + NONCE]
    return Blob(account, key, material, data[:HEADER], nonce, data[HEADER + NONCE :])


def canonical(context: Mapping[str, str] | None) -> bytes:
    """An encryption context as bytes: the order of its pairs does not matter, their case does."""
    if not context:
        return b""
    parts = []
    for name, value in sorted(context.items()):
        for text in (name.encode(), value.encode()):
            parts += [len(text).to_bytes(4, "big"), text]
    return b"".join(parts)
