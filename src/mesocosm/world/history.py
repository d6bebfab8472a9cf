"""History: checkpoints as the journal grows, and the window beyond which it is folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mesocosm.world.branch import Store, Stretch
from mesocosm.world.checkpoint import write_manifest
from mesocosm.world.journal import NIL, decode_payload

if TYPE_CHECKING:
    from mesocosm.world.world import World

_decode_bytes = msgspec.msgpack.Decoder(bytes).decode


class HistoryWindow(NamedTuple):
    """How far back a world can go: `hours` of real time, and `bytes` of journal, at most.

    `checkpoint`: bytes of journal after which a checkpoint is made.
    """

    hours: float = 72.0
    bytes: int = 4 << 30
    checkpoint: int = 16 << 20


class Entry(NamedTuple):
    """A record in the journal, with its position and times (epoch seconds)."""

    position: int
    virtual: float
    real: float
    record: bytes


def entries(store: Store, line: list[Stretch], after: int) -> Iterator[Entry]:
    """The records of a line after a position, oldest first."""
    for frame in store.frames(line, after):
        virtual, real, record, _ = decode_payload(frame.payload)
        if bytes(record) != NIL:
            yield Entry(frame.position, virtual, real, _decode_bytes(record))


class Checkpointer:
    def __init__(self, store: Store, window: HistoryWindow) -> None:
        self._store = store
        self._window = window

    def due(self, segment_bytes: int) -> bool:
        return False

    def start(self, world: World) -> None:
        pass

    def abandon(self) -> None:
        pass

    def run(self, world: World) -> None:
        freeze = world.freeze()
        for _ in freeze.write(world.blobs):
            pass
        write_manifest(
            self._store.files,
            self._store.directory(world.branch.name),
            freeze.manifest(),
            sync=self._store.power,
        )
        freeze.publish()
