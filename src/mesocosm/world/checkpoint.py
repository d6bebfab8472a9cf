"""Checkpoints: what every cell held at a position, as blobs named by a manifest.

Only cells that changed since the last checkpoint are written again. A manifest is
`<position>.manifest` in its branch's directory: a crc32, then msgpack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec

from mesocosm.world.blobs import Blobs
from mesocosm.world.cells import Cells, pack
from mesocosm.world.errors import JournalDamaged
from mesocosm.world.files import Files, replace_file, storage
from mesocosm.world.table import CellName

_CRC = struct.Struct("<I")


class SavedCell(msgspec.Struct, frozen=True, array_like=True):
    table: str
    account: str
    region: str
    digest: str


class Manifest(msgspec.Struct, frozen=True):
    """The state of a line at `position`, `virtual` and `real` being the times of its last frame."""

    position: int
    virtual: float
    real: float
    cells: list[SavedCell]


def manifest_path(directory: Path, position: int) -> Path:
    return directory / f"{position:020d}.manifest"


def write_manifest(files: Files, directory: Path, manifest: Manifest, *, sync: bool) -> None:
    """Put a manifest in place; from then on it counts."""
    data = msgspec.msgpack.encode(manifest)
    path = manifest_path(directory, manifest.position)
    with storage():
        replace_file(files, path, _CRC.pack(crc32(data)) + data, sync=sync)


def read_manifest(path: Path) -> Manifest:
    """Raises `JournalDamaged`."""
    data = path.read_bytes()
    if len(data) < _CRC.size or _CRC.unpack_from(data)[0] != crc32(data[_CRC.size :]):
        raise JournalDamaged(path, 0, "the checkpoint's checksum is wrong")
    return msgspec.msgpack.decode(data[_CRC.size :], type=Manifest)


class Freeze:
    """The state of a world at one instant, to be written while the world goes on."""

    def __init__(self, cells: Cells, position: int, virtual: float, real: float) -> None:
        self.position = position
        self._virtual = virtual
        self._real = real
        self._cells = cells
        self._digests = dict(cells.saved)
        self._dirty = {cell: cells.pairs(cell) for cell in cells.unsaved()}
        self._versions = {
            cell: cells.live[cell].version for cell in self._dirty if cell in cells.live
        }

    def write(self, blobs: Blobs) -> Iterator[None]:
        """Write the changed cells; pauses after each piece, about a millisecond of work."""
        for cell, pairs in self._dirty.items():
            if not pairs:
                continue
            with blobs.spool() as spool:
                for piece in pack(pairs):
                    spool.write(piece)
                    yield
                blobs.adopt(spool, spool.digest)
                self._digests[cell] = spool.digest

    def manifest(self) -> Manifest:
        """What was written, for `write_manifest`."""
        cells = [SavedCell(*cell, digest) for cell, digest in sorted(self._digests.items())]
        return Manifest(self.position, self._virtual, self._real, cells)

    def publish(self) -> None:
        """Tell the world which of its cells are stored now: those that did not change meanwhile."""
        for cell, version in self._versions.items():
            rows = self._cells.live.get(cell)
            if rows is not None and rows.version == version and cell in self._digests:
                self._cells.saved[cell] = self._digests[cell]


def cell_name(saved: SavedCell) -> CellName:
    return (saved.table, saved.account, saved.region)
