"""Blobs: immutable bytes by their sha256, shared by all branches of a data directory."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mesocosm.world.files import Files, replace_file, storage, sync_path, write_all

_BUFFER_BYTES = 1 << 16
_DIGESTS = re.compile(rb"[0-9a-f]{64,}")


class Spool:
    """A temporary file to write to, and then to `adopt` as a blob; deleted when closed before."""

    def __init__(self, files: Files, directory: Path) -> None:
        self._files = files
        self._descriptor, name = tempfile.mkstemp(dir=directory)
        self.path = Path(name)
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises `StorageFull`."""
        self._hash.update(data)
        self.size += len(data)
        if self._buffer or len(data) < _BUFFER_BYTES:
            self._buffer += data
            if len(self._buffer) >= _BUFFER_BYTES:
                self.flush()
        else:
            self._store(data)

    def flush(self) -> None:
        """Give what was written to the file. Raises `StorageFull`."""
        if self._buffer:
            data, self._buffer = bytes(self._buffer), bytearray()
            self._store(data)

    def _store(self, data: bytes) -> None:
        with storage():
            write_all(self._files, self._descriptor, data)

    @property
    def digest(self) -> str:
        """The sha256 of what was written so far."""
        return self._hash.hexdigest()

    def open(self) -> BinaryIO:
        """A reader of what was written so far."""
        self.flush()
        return self.path.open("rb")

    def close(self) -> None:
        """Let go of the file, and delete it unless it was adopted."""
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
            self._descriptor = -1
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Blobs:
    """Content-addressed files `blobs/ab/cdef...`. Writing is safe against `kill -9`; with `power`
    what a transaction refers to is synced before the transaction is acknowledged."""

    def __init__(self, files: Files, root: Path, *, power: bool) -> None:
        self._files = files
        self._power = power
        self._root = root / "blobs"
        self._spool = root / "spool"
        self._unsynced: list[Path] = []
        self._sync_lock = threading.Lock()
        self._root.mkdir(exist_ok=True)
        self._spool.mkdir(exist_ok=True)
        for left in self._spool.iterdir():
            left.unlink()

    def path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Store bytes; returns their sha256 in hexadecimal. Raises `StorageFull`."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if self._touch(target):
            return digest
        part = self._spool / digest
        with storage():
            target.parent.mkdir(exist_ok=True)
            replace_file(self._files, target, data, sync=False, part=part)
        self._note(target)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes. Raises `FileNotFoundError`."""
        return self.path(digest).read_bytes()

    def open(self, digest: str) -> BinaryIO:
        """A reader of the bytes, for what is too large for memory."""
        return self.path(digest).open("rb")

    def size(self, digest: str) -> int:
        return self.path(digest).stat().st_size

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).exists()

    def spool(self) -> Spool:
        """A temporary file on the same file system, for bodies that stream."""
        with storage():
            return Spool(self._files, self._spool)

    def adopt(self, path: Path | Spool, digest: str) -> None:
        """Make a finished file a blob, without copying. The file is gone from its place after."""
        if isinstance(path, Spool):
            path.flush()
            path = path.path
        target = self.path(digest)
        with storage():
            if self._touch(target):
                path.unlink()
                return
            target.parent.mkdir(exist_ok=True)
            self._files.replace(path, target)
        self._note(target)

    def sync(self) -> None:
        """Make every blob stored so far safe against power loss. Called from a thread too."""
        with self._sync_lock:  # so that who comes second returns only when all is synced
            while self._unsynced:
                path = self._unsynced[0]
                sync_path(self._files, path)
                sync_path(self._files, path.parent)
                sync_path(self._files, self._root)
                self._unsynced.pop(0)

    def sweep(self, keep: set[str], older_than: float = 3600.0) -> int:
        """Delete the blobs not in `keep` last used more than `older_than` seconds ago; how many.

        The age spares blobs whose transaction is still to come.
        """
        limit = time.time() - older_than
        swept = 0
        for digest in self.digests():
            path = self.path(digest)
            if digest not in keep and path.stat().st_mtime <= limit:
                path.unlink()
                swept += 1
        return swept

    def digests(self) -> Iterator[str]:
        for directory in self._root.iterdir():
            for path in directory.iterdir():
                yield directory.name + path.name

    def _touch(self, target: Path) -> bool:
        try:
            os.utime(target)
        except FileNotFoundError:
            return False
        return True

    def _note(self, target: Path) -> None:
        if self._power:
            self._unsynced.append(target)


def digests_in(data: bytes) -> set[str]:
    """Everything in `data` that may be a digest.

    Rows of services that were not imported yet are bytes only, so what refers to a blob is
    found by its look. A number too many keeps a blob for longer; none is missed.
    """
    return {
        run[i : i + 64].decode() for run in _DIGESTS.findall(data) for i in range(len(run) - 63)
    }
