"""The seam to the file system: what tests and simulations replace to inject failures."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from mesocosm.world.errors import StorageFailed, StorageFull

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Files:
    """The system calls that durable state is made with. All errors are `OSError`."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)
        os.lseek(descriptor, size, os.SEEK_SET)

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)


def write_all(files: Files, descriptor: int, data: bytes) -> None:
    """Write every byte, going on after short writes."""
    written = files.write(descriptor, data)
    if written == len(data):
        return
    rest = memoryview(data)
    while written < len(rest):
        rest = rest[written:]
        written = files.write(descriptor, rest)


def sync_path(files: Files, path: Path) -> None:
    """Sync a file or a directory by its path."""
    descriptor = files.open(path, os.O_RDONLY)
    try:
        files.sync(descriptor)
    finally:
        files.close(descriptor)


def replace_file(
    files: Files, path: Path, data: bytes, *, sync: bool, part: Path | None = None
) -> None:
    """Put `data` at `path` in one step: readers see the old file or the new one, never a part.

    `part`: where it is written first. What could not be written takes no room.
    """
    part = part or path.with_name(path.name + ".part")
    descriptor = files.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        try:
            write_all(files, descriptor, data)
            if sync:
                files.sync(descriptor)
        finally:
            files.close(descriptor)
        files.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if sync:
        sync_path(files, path.parent)


def storage_error(error: BaseException) -> StorageFailed:
    """The error callers get for a failed write: `StorageFull` when room would help."""
    kind = StorageFull if getattr(error, "errno", None) in FULL else StorageFailed
    return kind(f"could not write: {error}")


@contextlib.contextmanager
def storage() -> Iterator[None]:
    """Turns a failed write into `StorageFull` or `StorageFailed`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error) from error
