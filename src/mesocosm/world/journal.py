"""The journal: frames appended to segment files.

A branch's journal is a directory of segments `<first position>.journal`. A segment is a magic line
followed by frames; a frame is a header (little endian) and a payload:

    length u32 | crc32 u32 | position u64 | gap u32 | unacknowledged u32 | payload

`crc32` covers all that follows it. `position - gap` is the position of the frame before, so a frame
that is missing shows. `position - unacknowledged` is what had been acknowledged when the frame was
made: a bad frame at or before it is damage, a bad frame after it is a write that a crash tore.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from mesocosm.world.errors import JournalDamaged
from mesocosm.world.files import Files, sync_path, write_all

MAGIC = b"mesocosm journal 1\n"
SUFFIX = ".journal"

_LENGTH_AND_CRC = struct.Struct("<II")
_TAIL = struct.Struct("<QII")
_HEADER = struct.Struct("<IIQII")
_TIMES = struct.Struct(">xxdxd")  # array of 4, float64, float64: how a payload begins

Payload = tuple[float, float, msgspec.Raw, list[tuple[str, str, str, Any, msgspec.Raw]]]
"""Virtual time, real time, record or nil, changes (table, account, Region, key, row or nil)."""

encode_payload = msgspec.msgpack.Encoder().encode
decode_payload = msgspec.msgpack.Decoder(Payload).decode
NIL = b"\xc0"


class Frame(NamedTuple):
    position: int
    previous: int
    payload: bytes

    def times(self) -> tuple[float, float]:
        """Virtual and real time, without decoding the rest."""
        virtual, real = _TIMES.unpack_from(self.payload)
        return virtual, real


class Segment(NamedTuple):
    first: int
    path: Path


class Tail(NamedTuple):
    """Where the good part of a branch's last segment ends."""

    path: Path
    good: int
    size: int


def segments(directory: Path) -> list[Segment]:
    """The segments of a branch, oldest first."""
    found = [Segment(int(path.stem), path) for path in directory.glob(f"*{SUFFIX}")]
    return sorted(found)


Marks = dict[Path, list[tuple[int, int]]]
"""Where some frames of each segment begin (position, offset), so that reading can begin there."""

MARK_BYTES = 1 << 16


class Reader:
    """Reads the frames of one branch; afterwards `last` and `tail` say where its journal ends.

    With `marks` it begins at the nearest frame it knows; what lies before is not checked again.
    """

    def __init__(self, directory: Path, after: int, marks: Marks | None = None) -> None:
        self.last = after
        self.tail: Tail | None = None
        self._directory = directory
        self._after = after
        self._marks = marks

    def frames(self, until: int | None = None) -> Iterator[Frame]:
        """The frames after `after`, up to and with `until`. Raises `JournalDamaged`.

        Whatever lies after `until` is neither read nor checked. A torn tail ends the frames.
        """
        found = segments(self._directory)
        newer = [segment.first for segment in found[1:]]
        for number, segment in enumerate(found):
            if number < len(newer) and newer[number] <= self._after + 1:
                continue
            if until is not None and segment.first > until:
                break
            final = number == len(newer)
            for frame in self._segment(segment, final):
                if until is not None and frame.position > until:
                    break
                if frame.position > self._after:
                    self.last = frame.position
                    yield frame
        if until is not None and self.last < until:
            raise self.short(until)

    def short(self, until: int) -> JournalDamaged:
        """The error to raise when the branch ends too early."""
        path, good = (self.tail.path, self.tail.good) if self.tail else (self._directory, 0)
        return JournalDamaged(path, good, _ends(self.last, until))

    def _segment(self, segment: Segment, final: bool) -> Iterator[Frame]:
        path, before = segment.path, segment.first - 1
        start, data = self._opened(path)
        offset = 0 if start else len(MAGIC)
        previous: int | None = None
        if not start and data[:offset] != MAGIC:
            torn = final and self._after <= before
            if not torn or (len(data) >= offset and not _torn(data, 0, before)):
                raise JournalDamaged(path, 0, "it does not begin as a journal does")
            self.tail = Tail(path, 0, len(data))
            return
        marks = self._marks.setdefault(path, []) if self._marks is not None else None
        marked = marks[-1][1] if marks else 0
        while offset < len(data):
            frame = _parse(data, offset)
            if frame is None:
                self._bad(path, start, data, offset, before, final)
                break
            if frame.previous != previous and (previous is not None or frame.previous > self.last):
                raise JournalDamaged(
                    path, start + offset, f"frames before {frame.position} are missing"
                )
            if marks is not None and start + offset >= marked + MARK_BYTES:
                marked = start + offset
                marks.append((frame.position, marked))
            previous = before = frame.position
            offset += _HEADER.size + len(frame.payload)
            yield frame
        self.tail = Tail(path, start + offset, start + len(data))
        if final and before < self._after and segment.first <= self._after:
            raise JournalDamaged(path, start + offset, _ends(before, self._after))

    def _opened(self, path: Path) -> tuple[int, bytes]:
        """A segment from the last mark at or before what is wanted, and where that lies."""
        marks = self._marks.get(path) if self._marks is not None else None
        number = bisect_right(marks, (self._after + 1, 1 << 62)) if marks else 0
        with path.open("rb") as file:
            if marks and number:
                position, start = marks[number - 1]
                file.seek(start)
                data = file.read()
                frame = _parse(data, 0)
                if frame is not None and frame.position == position:
                    return start, data
                marks.clear()  # another file of that name
                file.seek(0)
            return 0, file.read()

    def _bad(
        self, path: Path, start: int, data: bytes, offset: int, before: int, final: bool
    ) -> None:
        """Refuse a bad frame that follows position `before`, unless a crash tore it."""
        if not final or before < self._after:
            raise JournalDamaged(path, start + offset, "a frame's checksum is wrong")
        if not _torn(data, offset, before):
            raise JournalDamaged(
                path, start + offset, "a frame's checksum is wrong, good frames follow it"
            )


def _ends(last: int, acknowledged: int) -> str:
    return f"it ends at position {last}, but position {acknowledged} had been acknowledged"


def _parse(data: bytes, offset: int) -> Frame | None:
    start = offset + _HEADER.size
    if start > len(data):
        return None
    length, checksum, position, gap, _ = _HEADER.unpack_from(data, offset)
    end = start + length
    if end > len(data) or crc32(memoryview(data)[offset + 8 : end]) != checksum:
        return None
    return Frame(position, position - gap, data[start:end])


def _torn(data: bytes, offset: int, last: int) -> bool:
    """Whether nothing acknowledged was lost in what follows the bad byte at `offset`.

    True unless a good frame follows which was made when a frame after `last` had been acknowledged.
    Good frames are found by the high bytes of their positions, which change slowly.
    """
    for block in (last >> 24, (last >> 24) + 1):
        pattern = block.to_bytes(5, "little")
        found = data.find(pattern, offset)
        while found >= 0:
            header = found - 3 - 8
            if header >= offset and (frame := _parse(data, header)) is not None:
                acknowledged = frame.position - _HEADER.unpack_from(data, header)[4]
                if acknowledged > last:
                    return False
            found = data.find(pattern, found + 1)
    return True


class Journal:
    """Appends frames to a branch. `position` counts what was appended, `durable` what is safe.

    Positions are never given twice: those lost to a failed write stay unused.
    """

    def __init__(
        self, files: Files, directory: Path, position: int, tail: Tail | None, *, power: bool
    ) -> None:
        self.position = self.written = self.synced = position
        self.segment_bytes = 0
        self._next = position + 1
        self._files = files
        self._directory = directory
        self._power = power
        self._buffer: list[bytes] = []
        self._fd: int | None = None
        self._size = 0
        self._synced_size = 0
        self._torn = False
        if tail is not None:
            self._resume(tail)

    @property
    def durable(self) -> int:
        return self.synced if self._power else self.written

    @property
    def pending(self) -> bool:
        """Whether frames wait to be written."""
        return bool(self._buffer)

    def append(self, payload: bytes) -> int:
        """Put a frame in the buffer; returns its position."""
        position = self._next
        tail = _TAIL.pack(position, position - self.position, position - self.durable)
        checksum = crc32(payload, crc32(tail))
        self._buffer.append(_LENGTH_AND_CRC.pack(len(payload), checksum) + tail + payload)
        self.position = position
        self._next = position + 1
        return position

    def write(self) -> None:
        """Write the buffer, in one call. Raises `OSError`; call `drop` then."""
        if not self._buffer:
            return
        if self._fd is None:
            self._begin()
        if self._torn:
            self._cut()
        data = b"".join(self._buffer)
        if self._size == 0:
            data = MAGIC + data
        self._torn = True
        write_all(self._files, self._descriptor, data)
        self._torn = False
        self._buffer.clear()
        self._size += len(data)
        self.segment_bytes = self._size
        self.written = self.position

    def sync(self) -> None:
        """Make what was written safe against power loss, waiting for the disk. Raises `OSError`."""
        if self.synced < self.written:
            self._files.sync(self._descriptor)
            self.mark_synced(self.written, self._size)

    def begin_sync(self) -> tuple[int, int, int]:
        """A descriptor for a thread to sync and close, and what to give `mark_synced` then."""
        return os.dup(self._descriptor), self.written, self._size

    def mark_synced(self, position: int, size: int) -> None:
        if position > self.synced:
            self.synced = position
            self._synced_size = size

    def drop(self) -> tuple[int, int]:
        """Forget what is not durable, after a failure. Returns the range of positions lost."""
        lost = (self.durable + 1, self.position)
        self._buffer.clear()
        if self._power:
            self._size = self._synced_size
            self.written = self.synced
        self.position = self.durable
        self._torn = True
        if self._fd is not None:
            try:
                self._cut()
            except OSError:
                self._torn = True  # tried again before the next write
        return lost

    def rotate(self) -> None:
        """End the segment: the next frame begins a new one. All must be written (and synced)."""
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None
        self._size = self._synced_size = self.segment_bytes = 0
        self._torn = False

    @property
    def _descriptor(self) -> int:
        assert self._fd is not None
        return self._fd

    def _begin(self) -> None:
        path = self._directory / f"{self.written + 1:020d}{SUFFIX}"
        self._fd = self._files.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._size = self._synced_size = 0
        if self._power:
            sync_path(self._files, self._directory)

    def _resume(self, tail: Tail) -> None:
        """Go on in the last segment, cutting a torn tail first."""
        self._fd = self._files.open(tail.path, os.O_RDWR)
        self._size = self._synced_size = self.segment_bytes = tail.good
        self._cut()

    def _cut(self) -> None:
        self._files.truncate(self._descriptor, self._size)
        self._torn = False
