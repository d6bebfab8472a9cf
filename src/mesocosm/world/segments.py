"""Segments: append-only data in bulk (log events, metric data) under the journal.

What is appended is a chunk: the bytes of many items, with their first and last instant. It is a row
of an ordered table, so it is journaled once, rewound, forked and compared like any row. When a key
has gathered enough of them, its chunks are *sealed*: they become one compressed piece of a blob,
and one small row takes the place of theirs, in a transaction of its own. What is in memory is
bounded therefore, however much was appended; and a rewind needs nothing special, since the blob of
an abandoned line is only a blob that nobody refers to.
"""

from __future__ import annotations

import logging
import math
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import msgspec

from mesocosm.world.blobs import Blobs
from mesocosm.world.clock import Clock
from mesocosm.world.errors import StorageFailed
from mesocosm.world.table import CellName, Change, Rows, Table
from mesocosm.world.transaction import Changes, Transaction

if TYPE_CHECKING:
    from zstandard import ZstdCompressor, ZstdDecompressor

log = logging.getLogger(__name__)

SEAL = 1 << 19
"""Bytes a key gathers before its chunks are sealed: about 2 ms of work, once in so many bytes."""

OPEN = 16 << 20
"""Bytes of memory that the open chunks of a world may take; beyond it the oldest are sealed."""

CACHE = 8 << 20
"""Bytes of unpacked pieces that a world keeps for the next read."""

_ROW = 400  # what a row takes besides its data
_SMALL = 256  # not worth compressing by itself
_HEADER = struct.Struct("<qddII")  # sequence, start, end, count, length of the payload

Key = tuple[str, int]


class Segment(msgspec.Struct, frozen=True, gc=False):
    """An open chunk (`data`), or a sealed piece: many chunks, at a place in a blob."""

    start: float
    end: float
    count: int
    size: int
    data: bytes = b""
    packed: bool = False
    blob: str = ""
    offset: int = 0
    length: int = 0


class Segments(Table[Key, Segment]):
    """Declares segments, as a table is declared: `events = Segments("logs.events")`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Segment, key=tuple[str, int], ordered=True)


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """What was appended at once. `sequence` grows with each append to a key and names the chunk."""

    sequence: int
    start: float
    end: float
    count: int
    payload: bytes


class Figures(msgspec.Struct, frozen=True, gc=False):
    """How much a key holds: items, bytes appended, bytes they take; first and last instant."""

    count: int = 0
    size: int = 0
    stored: int = 0
    start: float = math.inf
    end: float = -math.inf


Where = Callable[[bytes], bool]
"""Whether bytes may hold what is looked for. Asked of many chunks joined, then of each."""


class Span:
    """A stretch of a key's chunks that lie together. Its bytes are read by `chunks` only."""

    __slots__ = ("_segment", "_sequence", "_store", "count", "end", "size", "start")

    def __init__(self, store: Sealer, sequence: int, segment: Segment) -> None:
        self.start, self.end = segment.start, segment.end
        self.count, self.size = segment.count, segment.size
        self._store, self._sequence, self._segment = store, sequence, segment

    def chunks(self, where: Where | None = None) -> Iterator[Chunk]:
        """The chunks, as they were appended; with `where` only those it is true of."""
        segment = self._segment
        data = self._store.read(segment)
        if where is not None and not where(data):
            return
        if not segment.blob:
            yield Chunk(self._sequence, segment.start, segment.end, segment.count, data)
            return
        offset = 0
        while offset < len(data):
            sequence, start, end, count, length = _HEADER.unpack_from(data, offset)
            offset += _HEADER.size + length
            payload = data[offset - length : offset]
            if where is None or where(payload):
                yield Chunk(sequence, start, end, count, payload)


class Log:
    """The segments of one cell: `world.segments(events, account, region)`."""

    __slots__ = ("_store", "rows")

    def __init__(self, store: Sealer, rows: Rows[Key, Segment]) -> None:
        self._store = store
        self.rows = rows

    def append(self, key: str, start: float, end: float, count: int, payload: bytes) -> int:
        """Append a chunk of `count` items; returns its sequence. Belongs in a transaction.

        `start`, `end`: the first and last instant of the items, in a unit of the caller's.
        """
        last = next(self.rows.range((key, 0), _after(key), reverse=True), None)
        # By the clock, so that a key which was emptied never gives a sequence a second time.
        sequence = max(int(self._store.now() * 1e6), 0 if last is None else last[1] + 1)
        packed = len(payload) >= _SMALL
        data = self._store.pack(payload) if packed else payload
        segment = Segment(start, end, count, len(payload), data, packed)
        self.rows[key, sequence] = segment
        return sequence

    def spans(self, key: str, since: float = -math.inf, until: float = math.inf) -> list[Span]:
        """What may hold items at or after `since` and before `until`, in the order of appending."""
        rows = self.rows
        return [
            Span(self._store, at[1], segment)
            for at in rows.range((key, 0), _after(key))
            if (segment := rows[at]).start < until and segment.end >= since
        ]

    def scan(
        self,
        key: str,
        since: float = -math.inf,
        until: float = math.inf,
        where: Where | None = None,
    ) -> Iterator[Chunk]:
        """The chunks with items at or after `since` and before `until`, in the order of appending.

        Lazily: one span at a time is in memory.
        """
        for span in self.spans(key, since, until):
            for chunk in span.chunks(where):
                if chunk.start < until and chunk.end >= since:
                    yield chunk

    def chunk(self, key: str, sequence: int) -> Chunk | None:
        """One chunk by its sequence; None when it was dropped."""
        at = next(self.rows.range((key, sequence), _after(key)), None)
        if at is None:
            return None
        span = Span(self._store, at[1], self.rows[at])
        return next((chunk for chunk in span.chunks() if chunk.sequence == sequence), None)

    def after(self, key: str, sequence: int) -> Iterator[Chunk]:
        """The chunks that were appended after one."""
        for at in list(self.rows.range((key, sequence + 1), _after(key))):
            for chunk in Span(self._store, at[1], self.rows[at]).chunks():
                if chunk.sequence > sequence:
                    yield chunk

    def drop(self, key: str, before: float | None = None) -> int:
        """Drop what lies wholly before an instant, or everything; returns how many items went.

        A span with some items before and some after stays. Belongs in a transaction.
        """
        rows = self.rows
        gone = [
            at
            for at in rows.range((key, 0), _after(key))
            if before is None or rows[at].end < before
        ]
        return sum(rows.pop(at).count for at in gone)

    def first_end(self, key: str) -> float:
        """The earliest instant at which a span of the key ends: before it nothing can be dropped.
        Infinity when there is nothing."""
        rows = self.rows
        return min((rows[at].end for at in rows.range((key, 0), _after(key))), default=math.inf)

    def figures(self, key: str) -> Figures:
        """How much the key holds."""
        rows = self.rows
        total = Figures()
        for at in rows.range((key, 0), _after(key)):
            segment = rows[at]
            total = Figures(
                total.count + segment.count,
                total.size + segment.size,
                total.stored + (segment.length or len(segment.data)),
                min(total.start, segment.start),
                max(total.end, segment.end),
            )
        return total


def _after(key: str) -> Key:
    return (key + "\0", 0)


class SealerWorld(Protocol):
    """What a sealer needs of its world."""

    blobs: Blobs
    changes: Changes
    clock: Clock

    def transaction(self) -> Transaction: ...

    def rows(
        self, table: Table[Key, Segment], account: str = "", region: str = ""
    ) -> Rows[Key, Segment]: ...


class Sealer:
    """Seals the chunks of a world, right after the commit that made them too many; reads pieces.

    At that instant, and not in a thread, so that the same calls always make the same journal.
    """

    def __init__(self, world: SealerWorld) -> None:
        self._world = world
        self._watched: set[str] = set()
        self._open: dict[tuple[CellName, str], int] = {}  # bytes by key, oldest key first
        self._counted: dict[CellName, Rows[Key, Segment]] = {}
        self._weight = 0
        self._pieces: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._kept = 0
        world.changes.reset.append(self._forget)

    @cached_property
    def _compressor(self) -> ZstdCompressor:
        from zstandard import ZstdCompressor  # a start that needs none does not wait for it

        return ZstdCompressor(level=1)

    @cached_property
    def _decompressor(self) -> ZstdDecompressor:
        from zstandard import ZstdDecompressor

        return ZstdDecompressor()

    def log(self, segments: Segments, account: str, region: str) -> Log:
        """The segments of a cell."""
        rows = self._world.rows(segments, account, region)
        if rows.cell not in self._counted:
            self._count(rows)
        return Log(self, rows)

    def now(self) -> float:
        return self._world.clock.now()

    def pack(self, data: bytes) -> bytes:
        return self._compressor.compress(data)

    def read(self, segment: Segment) -> bytes:
        """The bytes of a segment, unpacked."""
        if not segment.blob:
            return self._decompressor.decompress(segment.data) if segment.packed else segment.data
        name = (segment.blob, segment.offset)
        data = self._pieces.get(name)
        if data is not None:
            self._pieces.move_to_end(name)
            return data
        with self._world.blobs.open(segment.blob) as file:
            file.seek(segment.offset)
            data = self._decompressor.decompress(file.read(segment.length))
        self._pieces[name] = data
        self._kept += len(data)
        while self._kept > CACHE and len(self._pieces) > 1:
            self._kept -= len(self._pieces.popitem(last=False)[1])
        return data

    # What is open

    def _count(self, rows: Rows[Key, Segment]) -> None:
        """Begin to watch a cell: what it holds already, and what will come."""
        if rows.table.name not in self._watched:
            self._watched.add(rows.table.name)
            self._world.changes.subscribe(rows.table, self._changed)
        self._counted[rows.cell] = rows
        for (key, _), segment in rows.items():
            self._note(rows.cell, key, segment, 1)

    def _forget(self) -> None:
        self._open.clear()
        self._counted.clear()
        self._weight = 0

    def _note(self, cell: CellName, key: str, segment: Segment, sign: int) -> None:
        if segment.blob:
            return
        gathered = self._open.get((cell, key), 0) + sign * segment.size
        self._weight += sign * (len(segment.data) + _ROW)
        if gathered > 0:
            self._open[cell, key] = gathered
        else:
            self._open.pop((cell, key), None)

    def _changed(self, change: Change) -> None:
        cell: CellName = (change.table, change.account, change.region)
        rows = self._counted.get(cell)
        if rows is None:
            return  # counted when it is asked for
        key: str = change.key[0]
        if change.old is not None:
            self._note(cell, key, change.old, -1)
        if change.new is None:
            return
        self._note(cell, key, change.new, 1)
        try:
            if self._open.get((cell, key), 0) >= SEAL:
                self._seal([(rows, key)])
            elif self._weight > OPEN:
                self._seal(self._oldest())
        except (StorageFailed, OSError):
            log.exception("chunks could not be sealed; they stay as they are for now")

    def _oldest(self) -> list[tuple[Rows[Key, Segment], str]]:
        """The keys that gathered for longest, enough of them for one blob."""
        chosen, gathered = [], 0
        for (cell, key), size in self._open.items():
            chosen.append((self._counted[cell], key))
            gathered += size
            if gathered >= SEAL:
                break
        return chosen

    # Sealing

    def _seal(self, keys: list[tuple[Rows[Key, Segment], str]]) -> None:
        runs = [(rows, run) for rows, key in keys if (run := self._run(rows, key))]
        pieces = [self.pack(self._joined(rows, run)) for rows, run in runs]
        if not pieces:
            return
        digest = self._world.blobs.put(b"".join(pieces))
        with self._world.transaction():
            offset = 0
            for (rows, run), piece in zip(runs, pieces, strict=True):
                gone = [rows.pop(at) for at in run]
                rows[run[-1]] = Segment(  # the last name, so that the next is a later one
                    min(segment.start for segment in gone),
                    max(segment.end for segment in gone),
                    sum(segment.count for segment in gone),
                    sum(segment.size for segment in gone),
                    blob=digest,
                    offset=offset,
                    length=len(piece),
                )
                offset += len(piece)

    def _run(self, rows: Rows[Key, Segment], key: str) -> list[Key]:
        """What is to be one piece: a key's open chunks, and pieces before them that are no larger
        than what follows (so that each item is packed again a few times only)."""
        run: list[Key] = []
        size = 0
        for at in rows.range((key, 0), _after(key), reverse=True):
            segment = rows[at]
            if segment.blob and (segment.size > size or segment.size + size > SEAL):
                break
            run.append(at)
            size += segment.size
        if not run or rows[run[0]].blob:
            return []  # nothing is open: what was told of has been sealed already
        run.reverse()
        return run

    def _joined(self, rows: Rows[Key, Segment], run: list[Key]) -> bytes:
        parts = []
        for at in run:
            segment = rows[at]
            data = self.read(segment)
            if not segment.blob:
                parts.append(
                    _HEADER.pack(at[1], segment.start, segment.end, segment.count, len(data))
                )
            parts.append(data)
        return b"".join(parts)
