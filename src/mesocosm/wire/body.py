"""Request bodies: received piece by piece, in memory up to 1 MB, in a spool file above that.

What is computed on the way in (SHA-256, MD5, the checksums the client announced) need not be read
again, so that a 5 GB upload costs one pass over its bytes and no memory.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from mesocosm.wire.checksums import ALGORITHMS, checksum, hasher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mesocosm.wire.checksums import Hasher
    from mesocosm.wire.message import Headers

IN_MEMORY = 1 << 20
"""Bytes a body may have before it goes to a spool file."""
_PIECE = 1 << 20


class Spool(Protocol):
    """A temporary file of the blob store, beside its blobs, so that adopting it copies nothing."""

    path: Path

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what was written."""

    def write(self, data: bytes, /) -> object:
        """Append."""

    def flush(self) -> object:
        """Make what was written readable."""

    def close(self) -> object:
        """Close, and delete the file unless it was adopted."""


class Blobs(Protocol):
    """As much of the blob store as a body needs."""

    def spool(self) -> Spool:
        """A new, empty spool file."""

    def adopt(self, path: Path, digest: str, /) -> object:
        """Take a finished spool file in as the blob of that SHA-256 (hex)."""

    def put(self, data: bytes, /) -> str:
        """Keep bytes; returns their digest."""


class MemoryBody:
    """A body of at most 1 MB (or one that has no blob store to go to)."""

    __slots__ = ("_blobs", "_data", "_digests", "size")

    def __init__(self, data: bytes = b"", blobs: Blobs | None = None) -> None:
        self._data = data
        self._blobs = blobs
        self._digests: dict[str, bytes] = {}
        self.size = len(data)

    @property
    def sha256(self) -> str:
        """Lower-case hex digest."""
        return self.digest("SHA256").hex()

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes of a range; all by default."""
        return self._data if not start and stop is None else self._data[start:stop]

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The range in pieces."""
        end = self.size if stop is None else min(stop, self.size)
        for at in range(start, end, _PIECE):
            yield self._data[at : min(at + _PIECE, end)]

    def digest(self, algorithm: str) -> bytes:
        """A checksum by AWS's name."""
        known = self._digests.get(algorithm)
        if known is None:
            known = self._digests[algorithm] = checksum(algorithm, self._data)
        return known

    def keep(self) -> str:
        """Hand the payload to the blob store; returns its digest."""
        if self._blobs is None:
            raise RuntimeError("this body was received without a blob store")
        return self._blobs.put(self._data)

    def close(self) -> None:
        """Nothing to clean up."""


EMPTY = MemoryBody()


class FileBody:
    """A body in a spool file. `close` removes the file unless the blob store has adopted it."""

    __slots__ = ("_blobs", "_digests", "_file", "_kept", "_spool", "size")

    def __init__(self, spool: Spool, size: int, digests: dict[str, bytes], blobs: Blobs) -> None:
        self._spool = spool
        self._file = os.open(spool.path, os.O_RDONLY | os.O_CLOEXEC)
        self._digests = digests
        self._blobs = blobs
        self._kept = False
        self.size = size

    @property
    def sha256(self) -> str:
        """Lower-case hex digest."""
        return self.digest("SHA256").hex()

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes of a range; all by default (which brings the whole payload into memory)."""
        return b"".join(self.chunks(start, stop))

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The range in pieces of at most 1 MB."""
        end = self.size if stop is None else min(stop, self.size)
        while start < end:
            piece = os.pread(self._file, min(_PIECE, end - start), start)
            if not piece:
                raise OSError("a spool file is shorter than what was received")
            start += len(piece)
            yield piece

    def digest(self, algorithm: str) -> bytes:
        """A checksum by AWS's name: kept from receiving, else computed by one pass over the
        file."""
        known = self._digests.get(algorithm)
        if known is None:
            running = hasher(algorithm)
            for piece in self.chunks():
                running.update(piece)
            known = self._digests[algorithm] = running.digest()
        return known

    def keep(self) -> str:
        """Hand the file to the blob store without a copy; returns its digest. Reading goes on
        working."""
        if not self._kept:
            self._blobs.adopt(self._spool.path, self.sha256)
            self._kept = True
        return self.sha256

    def close(self) -> None:
        """Forget the payload."""
        os.close(self._file)
        self._spool.close()


class Receiver:
    """Collects a payload. Not bound to a thread: a large body is written and hashed off the event
    loop."""

    __slots__ = ("_algorithms", "_blobs", "_hashers", "_parts", "_spool", "size")

    def __init__(self, blobs: Blobs | None, algorithms: Iterable[str] = ()) -> None:
        self.size = 0
        self._blobs = blobs
        self._algorithms = {"MD5", *algorithms} - {"SHA256"}  # the spool hashes that itself
        self._parts: list[bytes] = []
        self._hashers: dict[str, Hasher] = {}
        self._spool: Spool | None = None

    def write(self, data: bytes) -> None:
        """Take more of the payload. Raises OSError when the disk is full."""
        self.size += len(data)
        if self._spool is None:
            self._parts.append(data)
            if self.size <= IN_MEMORY or self._blobs is None:
                return
            self._spool = self._blobs.spool()
            self._hashers = {name: hasher(name) for name in self._algorithms}
            data = b"".join(self._parts)
            self._parts.clear()
        self._spool.write(data)
        for running in self._hashers.values():
            running.update(data)

    def finish(self) -> MemoryBody | FileBody:
        """The payload, whole."""
        if self._spool is None or self._blobs is None:
            return MemoryBody(b"".join(self._parts), self._blobs)
        spool, self._spool = self._spool, None
        spool.flush()
        digests = {name: running.digest() for name, running in self._hashers.items()}
        digests["SHA256"] = bytes.fromhex(spool.digest)
        return FileBody(spool, self.size, digests, self._blobs)

    def discard(self) -> None:
        """The client went away or sent rubbish: leave nothing behind."""
        self._parts.clear()
        if self._spool is not None:
            self._spool.close()
            self._spool = None


def announced(headers: Headers) -> set[str]:
    """The checksum algorithms a request names in its headers or announces as a trailer."""
    names = {name for name, _ in headers.items if name.startswith("x-amz-checksum-")}
    names.update(trailer_names(headers))
    found = {name.removeprefix("x-amz-checksum-").upper() for name in names}
    found.add((headers.get("x-amz-sdk-checksum-algorithm") or "").upper())
    return found & set(ALGORITHMS)


def trailer_names(headers: Headers) -> frozenset[str]:
    """The names in `x-amz-trailer`, in lower case."""
    text = ",".join(headers.all("x-amz-trailer")).lower()
    return frozenset(name.strip() for name in text.split(",") if name.strip())
