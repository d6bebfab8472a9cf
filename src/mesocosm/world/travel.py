"""Moments and what was so at them: resolving names and times, restoring, comparing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from mesocosm.world.branch import Moment, Place, Store, Stretch, common_ancestor, parse_time
from mesocosm.world.cells import Stored, decode_generic, hashable, overlay
from mesocosm.world.checkpoint import Manifest, cell_name, manifest_path, read_manifest
from mesocosm.world.errors import BeyondHistory, UnknownMoment, shown
from mesocosm.world.journal import NIL, decode_payload
from mesocosm.world.table import CellName, Change


class Restored(NamedTuple):
    """The state at a place. `virtual` and `real`: the times of the last frame."""

    stored: dict[CellName, Stored]
    virtual: float
    real: float


class Checkpoint(NamedTuple):
    """A checkpoint on a line, or its beginning (no manifest)."""

    position: int
    virtual: float
    real: float
    branch: str | None


def checkpoints(store: Store, line: list[Stretch]) -> Iterator[tuple[int, str]]:
    """Position and branch of the checkpoints on a line, newest first."""
    for branch, after, until in reversed(line):
        for path in reversed(store.manifests(branch)):
            position = int(path.stem)
            if after <= position <= until:
                yield position, branch


def load_manifest(store: Store, branch: str, position: int) -> Manifest:
    return read_manifest(manifest_path(store.directory(branch), position))


def earliest(store: Store, line: list[Stretch]) -> Checkpoint:
    """Where the history that is kept of a line begins."""
    first = store.branches[line[0].branch]
    if not store.folded(line):
        return Checkpoint(0, first.virtual, first.real, None)
    oldest = list(checkpoints(store, line))[-1:]
    if not oldest:  # an old abandoned line, of which only records are left
        return Checkpoint(line[-1].until + 1, math.inf, math.inf, None)
    [(position, branch)] = oldest
    manifest = load_manifest(store, branch, position)
    return Checkpoint(position, manifest.virtual, manifest.real, branch)


def base(store: Store, line: list[Stretch], position: int) -> Manifest:
    """The last checkpoint at or before a position. Raises `BeyondHistory`."""
    for at, branch in checkpoints(store, line):
        if at <= position:
            return load_manifest(store, branch, at)
    start = earliest(store, line)
    if start.position > position:
        if not math.isfinite(start.virtual):
            start = earliest(store, store.line(store.head, store.end(store.head)))
        raise BeyondHistory(start.virtual, f"position {position}")
    return Manifest(start.position, start.virtual, start.real, [])


def restore(store: Store, line: list[Stretch]) -> Restored:
    """The state at the end of a line. Raises `BeyondHistory`, `JournalDamaged`."""
    manifest = base(store, line, line[-1].until)
    stored = {cell_name(saved): Stored(saved.digest, {}) for saved in manifest.cells}
    virtual, real = manifest.virtual, manifest.real
    for frame in store.frames(line, manifest.position):
        virtual, real, _, changes = decode_payload(frame.payload)
        overlay(stored, changes)
    return Restored(stored, virtual, real)


def resolve(store: Store, branch: str, end: int, now: float, moment: Moment) -> Place:
    """The place a moment names, seen from the line that ends at (branch, end), time being `now`.

    Raises `UnknownMoment`, `BeyondHistory`.
    """
    place = _named(store, branch, end, now, moment)
    line = store.line(place.branch, place.position)
    if store.folded(line):
        base(store, line, place.position)  # raises when nothing is left to restore it from
    return place


def _named(store: Store, branch: str, end: int, now: float, moment: Moment) -> Place:
    if isinstance(moment, bool) or not isinstance(moment, str | int | float):
        raise TypeError(f"{moment!r} is no moment")
    if isinstance(moment, int):
        return _at_position(store, branch, end, moment)
    if isinstance(moment, float):
        return _at_time(store, branch, end, now, moment)
    if moment in store.snapshots:
        snapshot = store.snapshots[moment]
        return Place(snapshot.branch, snapshot.position, snapshot.virtual)
    name, at, number = moment.rpartition("@")
    if at and name in store.branches and number.isdigit():
        last = end if name == branch else store.end(name)
        return _at_position(store, name, last, int(number))
    if moment in store.branches:
        return Place(moment, end if moment == branch else store.end(moment))
    return _at_time(store, branch, end, now, parse_time(moment))


def _at_position(store: Store, branch: str, end: int, position: int) -> Place:
    if not 0 <= position <= end:
        raise UnknownMoment(f"there is no position {position} before {branch}@{end}")
    return Place(store.line(branch, position)[-1].branch, position)


def _at_time(store: Store, branch: str, end: int, now: float, virtual: float) -> Place:
    if virtual > now:
        raise UnknownMoment(f"{shown(virtual)} has not come yet: the clock shows {shown(now)}")
    line = store.line(branch, end)
    start = earliest(store, line)
    if virtual < start.virtual:
        raise BeyondHistory(start.virtual, shown(virtual))
    position = start.position
    for at, on in checkpoints(store, line):
        if load_manifest(store, on, at).virtual <= virtual:
            position = at
            break
    for frame in store.frames(line, position):
        if frame.times()[0] > virtual:
            break
        position = frame.position
    return Place(store.line(branch, position)[-1].branch, position, virtual)


Touched = dict[tuple[CellName, Any], bytes]


def diff(store: Store, a: Place, b: Place) -> list[Change]:
    """The rows that differ between two places: old as at `a`, new as at `b`; ordered by name."""
    line_a, line_b = store.line(a.branch, a.position), store.line(b.branch, b.position)
    shared = common_ancestor(line_a, line_b)
    touched_a, touched_b = _touched(store, line_a, shared), _touched(store, line_b, shared)
    names = touched_a.keys() | touched_b.keys()
    only_one = [name for name in names if name not in touched_a or name not in touched_b]
    before = _lookup(store, _until(line_a, shared), only_one) if only_one else {}
    changes = []
    for name in sorted(names, key=repr):
        old, new = (touched.get(name, before.get(name, NIL)) for touched in (touched_a, touched_b))
        if old == new:
            continue
        (table, account, region), key = name
        typed, old_row = decode_generic(table, key, None if old == NIL else old)
        _, new_row = decode_generic(table, key, None if new == NIL else new)
        if old_row != new_row:
            changes.append(Change(table, account, region, typed, old_row, new_row))
    return changes


def _until(line: list[Stretch], position: int) -> list[Stretch]:
    kept = [
        each._replace(until=min(each.until, position)) for each in line if each.after < position
    ]
    return kept or [line[0]._replace(until=position)]


def _touched(store: Store, line: list[Stretch], after: int) -> Touched:
    """The last state, after a position, of each row that changed since."""
    base(store, line, after)
    touched: Touched = {}
    for frame in store.frames(line, after):
        for table, account, region, key, row in decode_payload(frame.payload)[3]:
            touched[(table, account, region), hashable(key)] = bytes(row)
    return touched


def _lookup(store: Store, line: list[Stretch], names: Iterable[tuple[CellName, Any]]) -> Touched:
    """The rows of these names at the end of a line."""
    wanted: dict[CellName, set[Any]] = {}
    for cell, key in names:
        wanted.setdefault(cell, set()).add(key)
    stored = restore(store, line).stored
    return {
        (cell, key): row
        for cell, keys in wanted.items()
        if cell in stored
        for key, row in stored[cell].get(store.blobs, keys).items()
    }
