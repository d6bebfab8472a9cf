"""What the tests of the world share: two tables, a real clock to set, a disk that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec

from mesocosm.world import Files, Table, World

CELL = ("000000000000", "eu-central-1")


class Queue(msgspec.Struct, frozen=True):
    name: str
    size: int = 0
    tags: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True):
    text: str = ""


queues: Table[str, Queue] = Table("test.queues", Queue)
items: Table[tuple[str, int], Item] = Table("test.items", Item, key=tuple[str, int], ordered=True)
by_size = queues.index("size", lambda row: row.size)


class Hand:
    """A real clock that stands still until it is set."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FailingFiles(Files):
    """A disk with `room` bytes left (None: plenty), which logs what it is asked to do."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.sync_error: OSError | None = None
        self.log: list[str] = []

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room]
            self.room -= len(data)
        self.log.append("write")
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        if self.sync_error is not None:
            raise self.sync_error
        self.log.append("sync")
        super().sync(descriptor)


def put(world: World, name: str, size: int = 0, *, record: bytes | None = None) -> int:
    """One transaction that writes one queue; returns its position."""
    rows = world.rows(queues, *CELL)
    with world.transaction() as transaction:
        rows[name] = Queue(name, size)
        transaction.record = record
    return transaction.position


def contents(world: World) -> dict[str, int]:
    """Name and size of the queues."""
    return {name: row.size for name, row in world.rows(queues, *CELL).items()}


def segment_files(root: Path) -> list[Path]:
    return sorted(root.glob("branches/*/*.journal"))
