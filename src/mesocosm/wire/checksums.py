"""The checksums of S3 and friends, by AWS's names, computed piece by piece.

`Content-MD5`, `x-amz-checksum-*` ("Checking object integrity", Amazon S3 User Guide). Digests are
big-endian bytes.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
"""What `x-amz-checksum-algorithm` may name."""


class Hasher(Protocol):
    """One running checksum."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def digest(self) -> bytes:
        """The checksum so far."""


class _Crc:
    __slots__ = ("_function", "_size", "_value")

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


_AT_ONCE: dict[str, Callable[[bytes], bytes]] = {
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
}


def checksum(algorithm: str, data: bytes) -> bytes:
    """The checksum of what is in memory. Raises KeyError for an unknown name."""
    at_once = _AT_ONCE.get(algorithm)
    if at_once is not None:
        return at_once(data)
    running = hasher(algorithm)
    running.update(data)
    return running.digest()


def hasher(algorithm: str) -> Hasher:
    """A new running checksum. Raises KeyError for an unknown name."""
    match algorithm:
        case "MD5":
            return hashlib.md5(usedforsecurity=False)
        case "SHA1":
            return hashlib.sha1(usedforsecurity=False)
        case "SHA256":
            return hashlib.sha256()
        case "CRC32":
            return _Crc(zlib.crc32, 4)
        case "CRC32C" | "CRC64NVME":
            from awscrt import checksums  # 0.1 s and 7 MB: only for who asks

            if algorithm == "CRC32C":
                return _Crc(checksums.crc32c, 4)
            return _Crc(checksums.crc64nvme, 8)
    raise KeyError(algorithm)
