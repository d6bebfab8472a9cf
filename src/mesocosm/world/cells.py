"""Cells: the rows of every table by account and Region; read from storage when first touched."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec

from mesocosm.world.blobs import Blobs
from mesocosm.world.errors import JournalDamaged
from mesocosm.world.journal import NIL
from mesocosm.world.table import CellName, Ledger, Noted, Rows, Table, table_named

CHUNK = 512
"""Rows compressed together: the longest stretch of work in writing a cell, about a millisecond."""

SWEPT_AT = 10_000
"""Live cells from which on the empty ones among them are looked for."""

_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_decode_raw = msgspec.msgpack.Decoder(list[tuple[Any, msgspec.Raw]]).decode


class Stored:
    """A cell not yet touched: a blob, and the rows changed since, as msgpack (nil: deleted)."""

    __slots__ = ("digest", "overlay")

    def __init__(self, digest: str | None, overlay: dict[Any, bytes]) -> None:
        self.digest = digest
        self.overlay = overlay

    def pairs(self, blobs: Blobs) -> list[tuple[Any, Any]]:
        """All rows, undecoded: for a checkpoint of a table whose service is not imported."""
        rows: dict[Any, Any] = {}
        for chunk in chunks(blobs, self.digest):
            rows.update((hashable(key), row) for key, row in _decode_raw(chunk))
        for key, row in self.overlay.items():
            if row == NIL:
                rows.pop(key, None)
            else:
                rows[key] = msgspec.Raw(row)
        return list(rows.items())

    def get(self, blobs: Blobs, keys: set[Any]) -> dict[Any, bytes]:
        """The rows of some keys, undecoded."""
        found: dict[Any, bytes] = {}
        for chunk in chunks(blobs, self.digest):
            for key, row in _decode_raw(chunk):
                if hashable(key) in keys:
                    found[hashable(key)] = bytes(row)
        for key in keys & self.overlay.keys():
            found[key] = self.overlay[key]
        return {key: row for key, row in found.items() if row != NIL}


def hashable(key: Any) -> Any:
    """A key as msgpack made it, usable in a dict."""
    return tuple(map(hashable, key)) if isinstance(key, list) else key


def chunks(blobs: Blobs, digest: str | None) -> Iterator[bytes]:
    """The chunks of a stored cell, each the msgpack list of (key, row)."""
    if digest is None:
        return
    data = blobs.get(digest)
    offset = 0
    while offset < len(data):
        try:
            (length,) = _LENGTH.unpack_from(data, offset)
            start = offset + _LENGTH.size
            chunk = zlib.decompress(data[start : start + length])  # checks an Adler-32
        except (struct.error, zlib.error) as error:
            raise JournalDamaged(blobs.path(digest), offset, f"a cell's rows: {error}") from error
        yield chunk
        offset = start + length


def pack(pairs: list[tuple[Any, Any]]) -> Iterator[bytes]:
    """A cell as it is stored, piece by piece."""
    for start in range(0, len(pairs), CHUNK):
        packed = zlib.compress(_encode(pairs[start : start + CHUNK]), 1)
        yield _LENGTH.pack(len(packed)) + packed


class Cells:
    """All rows of one world. `saved` holds the blob of each cell that did not change since."""

    def __init__(self, blobs: Blobs, ledger: Ledger) -> None:
        self._blobs = blobs
        self._ledger = ledger
        self.live: dict[CellName, Rows[Any, Any]] = {}
        self.stored: dict[CellName, Stored] = {}
        self.saved: dict[CellName, str] = {}
        self._by_table: dict[str, dict[CellName, None]] = {}
        self._sweep_at = SWEPT_AT

    def rows(self, table: Table[Any, Any], account: str, region: str) -> Rows[Any, Any]:
        cell = (table.name, account, region)
        rows = self.live.get(cell)
        if rows is None:
            if len(self.live) >= self._sweep_at:
                self._sweep()
            rows = Rows(table, cell, self._ledger)
            self._wake(rows)
            self.live[cell] = rows
            self._by_table.setdefault(table.name, {})[cell] = None
        return rows

    def of_table(self, table: Table[Any, Any]) -> Iterator[tuple[str, str, Rows[Any, Any]]]:
        """Account, Region and rows of each cell of the table that holds rows."""
        for _, account, region in sorted(self._by_table.get(table.name, ())):
            if rows := self.rows(table, account, region):
                yield account, region, rows

    def tables(self) -> set[str]:
        """The names of the tables that hold rows."""
        used = {cell[0] for cell in self.stored}
        return used | {cell[0] for cell, rows in self.live.items() if rows}

    def load(self, stored: dict[CellName, Stored]) -> None:
        """Hold exactly what is stored. Rows that others hold stay the same objects."""
        self.stored = stored
        self.saved = {
            cell: content.digest
            for cell, content in stored.items()
            if content.digest is not None and not content.overlay
        }
        self._by_table = {}
        for cell in [*self.live, *stored]:
            self._by_table.setdefault(cell[0], {})[cell] = None
        for rows in self.live.values():
            self._wake(rows)

    def changed(self, changes: list[Noted]) -> None:
        """What the blobs of these cells hold is no longer so."""
        for rows, _, _, _ in changes:
            self.saved.pop(rows.cell, None)

    def share(self, ledger: Ledger) -> Cells:
        """The same rows for another world; from here on the two change apart."""
        twin = Cells(self._blobs, ledger)
        for cell, rows in self.live.items():
            copy = Rows(rows.table, cell, ledger)
            copy.refill(rows)
            twin.live[cell] = copy
        twin.stored = dict(self.stored)
        twin.saved = dict(self.saved)
        twin._by_table = {table: dict(cells) for table, cells in self._by_table.items()}
        return twin

    def digests(self) -> set[str]:
        """The blobs in use."""
        stored = {content.digest for content in self.stored.values() if content.digest is not None}
        return stored | set(self.saved.values())

    def unsaved(self) -> Iterator[CellName]:
        """The cells that hold rows which no blob holds."""
        for cell in [*self.live, *self.stored]:
            if cell not in self.saved:
                yield cell

    def pairs(self, cell: CellName) -> list[tuple[Any, Any]]:
        """The rows of a cell as they are now, to be encoded later or elsewhere."""
        rows = self.live.get(cell)
        if rows is not None:
            return list(rows.items())
        content = self.stored.get(cell)
        return content.pairs(self._blobs) if content is not None else []

    def _sweep(self) -> None:
        """Let go of cells that never held a row, and that nobody holds: whoever asks for Regions
        that are not makes one at each look.
        """
        live = self.live
        alone = _holders({0: Rows(next(iter(live.values())).table, ("", "", ""), self._ledger)}, 0)
        for cell in list(live):
            # Filled once, when it was made, and never changed: made anew, it is the same.
            if not live[cell] and live[cell].version <= 1 and _holders(live, cell) == alone:
                del live[cell]
                del self._by_table[cell[0]][cell]
        self._sweep_at = max(SWEPT_AT, 2 * len(live))

    def _wake(self, rows: Rows[Any, Any]) -> None:
        content = self.stored.get(rows.cell)
        rows.refill(decoded(rows.table, content, self._blobs) if content else ())
        self.stored.pop(rows.cell, None)


def _holders(held: dict[Any, Any], key: Any) -> int:
    rows = held[key]
    return sys.getrefcount(rows)


def decoded(table: Table[Any, Any], content: Stored, blobs: Blobs) -> dict[Any, Any]:
    """The rows of a stored cell."""
    rows: dict[Any, Any] = {}
    for chunk in chunks(blobs, content.digest):
        rows.update(table.decode_pairs(chunk))
    for raw_key, row in content.overlay.items():
        key = table.decode_key(raw_key)
        if row == NIL:
            rows.pop(key, None)
        else:
            rows[key] = table.decode_row(row)
    return rows


def decode_generic(table: str, key: Any, row: bytes | None) -> tuple[Any, Any]:
    """Key and row as their table's types; as plain data while the table is not declared."""
    declared = table_named(table)
    if declared is None:
        return key, None if row is None else msgspec.msgpack.decode(row)
    return declared.decode_key(key), None if row is None else declared.decode_row(row)


def overlay(
    stored: dict[CellName, Stored], changes: Iterable[tuple[str, str, str, Any, Any]]
) -> None:
    """Lay the changes of a frame over stored cells."""
    for table, account, region, key, row in changes:
        cell = (table, account, region)
        content = stored.get(cell)
        if content is None:
            content = stored[cell] = Stored(None, {})
        content.overlay[hashable(key)] = bytes(row)


def as_cell(name: list[str]) -> CellName:
    return cast(CellName, tuple(name))
