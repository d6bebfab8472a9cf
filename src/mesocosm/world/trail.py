"""Trails: the records of folded segments, compressed; and the records of a line, wherever they lie.

`<first>-<last>-<virtual>.trail` in a branch's directory holds the records of the positions `first`
to `last`, the last of them made at `virtual` (whole epoch seconds): a crc32, then deflated msgpack.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from mesocosm.world.branch import Store, Stretch
from mesocosm.world.errors import JournalDamaged
from mesocosm.world.files import Files, replace_file
from mesocosm.world.journal import NIL, Frame, decode_payload

_CRC = struct.Struct("<I")
_decode_bytes = msgspec.msgpack.Decoder(bytes).decode


class Entry(NamedTuple):
    """A record in the journal, with its position and times (epoch seconds)."""

    position: int
    virtual: float
    real: float
    record: bytes


class Trail(NamedTuple):
    first: int
    last: int
    virtual: int
    path: Path


def trails(directory: Path) -> list[Trail]:
    """The trails of a branch, oldest first."""
    found = []
    for path in directory.glob("*.trail"):
        first, last, virtual = path.stem.split("-")
        found.append(Trail(int(first), int(last), int(virtual), path))
    return sorted(found)


def write_trail(files: Files, directory: Path, frames: Iterator[Frame], *, sync: bool) -> None:
    """Write the records of some frames as a trail. Writing it again changes nothing."""
    kept: list[Entry] = []
    first = last = 0
    virtual = 0.0
    for frame in frames:
        first, last = first or frame.position, frame.position
        virtual = frame.times()[0]
        entry = _entry(frame)
        if entry is not None:
            kept.append(entry)
    if kept:
        data = zlib.compress(msgspec.msgpack.encode(kept), 6)
        path = directory / f"{first:020d}-{last:020d}-{int(virtual)}.trail"
        replace_file(files, path, _CRC.pack(zlib.crc32(data)) + data, sync=sync)


def entries(store: Store, line: list[Stretch], after: int) -> Iterator[Entry]:
    """The records of a line after a position, oldest first, folded or not."""
    for stretch in line:
        if stretch.until <= after:
            continue
        start = max(stretch.after, after)
        folded = store.branches[stretch.branch].folded
        for trail in trails(store.directory(stretch.branch)):
            if trail.last > start and trail.first <= min(folded, stretch.until):
                for entry in _read(trail.path):
                    # Two trails overlap when a crash came between writing one and folding.
                    if start < entry.position <= min(folded, stretch.until):
                        start = entry.position
                        yield entry
        for frame in store.frames([stretch], max(start, folded)):
            found = _entry(frame)
            if found is not None:
                yield found


def oldest(store: Store, line: list[Stretch]) -> int:
    """The first position of a line of which something is kept."""
    for stretch in line:
        folded = store.branches[stretch.branch].folded
        for trail in trails(store.directory(stretch.branch)):
            if trail.last > stretch.after and trail.first <= min(folded, stretch.until):
                return max(trail.first, stretch.after + 1)
        if stretch.until > folded:
            return max(stretch.after, folded) + 1
    return line[-1].until + 1


def _entry(frame: Frame) -> Entry | None:
    virtual, real, record, _ = decode_payload(frame.payload)
    if bytes(record) == NIL:
        return None
    return Entry(frame.position, virtual, real, _decode_bytes(record))


def _read(path: Path) -> list[Entry]:
    data = path.read_bytes()
    if len(data) < _CRC.size or _CRC.unpack_from(data)[0] != zlib.crc32(data[_CRC.size :]):
        raise JournalDamaged(path, 0, "the trail's checksum is wrong")
    return msgspec.msgpack.decode(zlib.decompress(data[_CRC.size :]), type=list[Entry])
