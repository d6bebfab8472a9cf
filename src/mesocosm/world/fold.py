"""Folding: what lies before the history window is dropped, but for checkpoints and records.

A line can be returned to from its *floor* on: the newest checkpoint from before the window. Nothing
but trails is kept from before the floors of all living lines. A line lives while it is open, or
was worked on within the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from mesocosm.world.blobs import digests_in
from mesocosm.world.branch import Store, Stretch
from mesocosm.world.cells import chunks
from mesocosm.world.checkpoint import read_manifest
from mesocosm.world.files import storage
from mesocosm.world.journal import Reader, segments
from mesocosm.world.trail import trails, write_trail
from mesocosm.world.travel import checkpoints, load_manifest

TRAIL_SECONDS = 90 * 86400.0
"""How long records are kept, in virtual time: as long as CloudTrail's event history."""

_SLICE = 1 << 18


class HistoryWindow(NamedTuple):
    """How far back a world can go: `hours` of real time, and `bytes` of journal, at most.

    `checkpoint`: bytes of journal after which a checkpoint is made.
    """

    hours: float = 72.0
    bytes: int = 4 << 30
    checkpoint: int = 16 << 20


class Plan(NamedTuple):
    """What folding does: branches folded up to a position; manifests and branches to delete."""

    folds: dict[str, int]
    manifests: list[Path]
    dead: list[str]


def plan(
    store: Store, tips: dict[str, int], current: str, now: float, window: HistoryWindow
) -> Plan:
    """What to fold. `tips`: the open branches and their positions; `now`: real time."""
    cutoff = _cutoff(store, store.line(current, tips[current]), now, window)
    living: list[list[Stretch]] = []
    dead: list[str] = []
    for name in store.branches:
        end = tips.get(name)
        if end is None:
            end, worked_on = _last_work(store, name)
            if worked_on < cutoff and name != store.head:
                dead.append(name)
                continue
        living.append(store.line(name, end))
    floors = [(line, _floor(store, line, cutoff)) for line in living]
    folds: dict[str, int] = {}
    manifests: list[Path] = []
    for name, branch in store.branches.items():
        needs = [
            floor
            for line, floor in floors
            for each in line
            if each.branch == name and each.until > floor
        ]
        # A branch that no living line needs is folded whole: its frames are in the trails then.
        upto = min(needs) if needs else max(_last_work(store, name)[0], branch.position)
        if upto > max(branch.folded, branch.position):
            folds[name] = upto
        manifests.extend(
            path
            for path in store.manifests(name)
            if not any(_holds(line, floor, name, int(path.stem)) for line, floor in floors)
        )
    parents = {branch.parent for name, branch in store.branches.items() if name not in dead}
    return Plan(folds, manifests, [name for name in dead if name not in parents])


def _cutoff(store: Store, line: list[Stretch], now: float, window: HistoryWindow) -> float:
    """The real time before which history is not kept."""
    cutoff = now - window.hours * 3600.0
    sizes = [
        (segment.first, segment.path.stat().st_size)
        for each in line
        for segment in segments(store.directory(each.branch))
    ]
    kept = list(checkpoints(store, line))  # newest first
    while len(kept) > 1 and sum(size for _, size in sizes) > window.bytes:
        position, branch = kept.pop()
        cutoff = max(cutoff, load_manifest(store, branch, position).real)
        sizes = [entry for entry in sizes if entry[0] > position]
    return cutoff


def _floor(store: Store, line: list[Stretch], cutoff: float) -> int:
    for position, branch in checkpoints(store, line):
        if load_manifest(store, branch, position).real <= cutoff:
            return position
    return 0


def _holds(line: list[Stretch], floor: int, branch: str, position: int) -> bool:
    """Whether a living line needs the checkpoint at a position of a branch."""
    return position >= floor and any(
        each.branch == branch and each.after <= position <= each.until for each in line
    )


def _last_work(store: Store, name: str) -> tuple[int, float]:
    """The last position of a branch that is not open, and its real time."""
    branch = store.branches[name]
    position, real = branch.position, branch.real
    for path in store.manifests(name)[-1:]:
        manifest = read_manifest(path)
        position, real = manifest.position, max(real, manifest.real)
    for frame in Reader(store.directory(name), max(position, branch.folded)).frames():
        position, real = frame.position, frame.times()[1]
    return max(position, branch.folded), real


def write_trails(store: Store, folds: dict[str, int]) -> None:
    """Write the records of what is to be folded. May run in a thread; deletes nothing."""
    for name, upto in folds.items():
        directory = store.directory(name)
        branch = store.branches[name]
        for first, last in _whole(store, name, upto):
            after = max(first - 1, branch.folded, branch.position)
            if last > after:
                with storage():
                    frames = Reader(directory, after).frames(last)
                    write_trail(store.files, directory, frames, sync=store.power)


def _whole(store: Store, name: str, upto: int) -> Iterator[tuple[int, int]]:
    """First and last position of each segment that has positions up to `upto`."""
    found = segments(store.directory(name))
    for number, segment in enumerate(found):
        if segment.first > upto:
            return
        following = found[number + 1].first - 1 if number + 1 < len(found) else upto
        yield segment.first, min(following, upto)


def apply(store: Store, planned: Plan, now: float) -> bool:
    """Drop what was planned, after `write_trails`. `now`: virtual time. True if anything went."""
    for name, upto in planned.folds.items():
        store.write_branch(msgspec.structs.replace(store.branches[name], folded=upto))
    for path in planned.manifests:
        path.unlink(missing_ok=True)
    for name in planned.dead:
        if not any(other.parent == name for other in store.branches.values()):
            store.remove(name)
    for name, branch in store.branches.items():
        directory = store.directory(name)
        found = segments(directory)
        for segment, following in pairwise(found):
            if following.first <= branch.folded + 1:
                segment.path.unlink()
        for trail in trails(directory):
            if trail.virtual < now - TRAIL_SECONDS:
                trail.path.unlink()
    return bool(planned.folds or planned.manifests or planned.dead)


def used_blobs(store: Store, known: dict[str, frozenset[str]]) -> set[str]:
    """The blobs that any row of any kept moment refers to, and those of the checkpoints.

    `known` remembers what segments (of a size) and cells refer to, from one time to the next.
    """
    existing = set(store.blobs.digests())
    used: set[str] = set()
    for name in list(store.branches):
        for path in store.manifests(name):
            for cell in read_manifest(path).cells:
                used.add(cell.digest)
                if cell.digest not in known:
                    pieces = chunks(store.blobs, cell.digest)
                    known[cell.digest] = _referred(pieces, existing)
                used |= known[cell.digest]
        for segment in segments(store.directory(name)):
            key = f"{segment.path}:{segment.path.stat().st_size}"
            if key not in known:
                known[key] = _referred(_slices(segment.path), existing)
            used |= known[key]
    return used


def _referred(pieces: Iterator[bytes], existing: set[str]) -> frozenset[str]:
    return frozenset(digest for piece in pieces for digest in digests_in(piece) & existing)


def _slices(path: Path) -> Iterator[bytes]:
    """A file in pieces that overlap by a digest, so that none is missed at a seam."""
    with path.open("rb") as file:
        before = b""
        while piece := file.read(_SLICE):
            yield before + piece
            before = piece[-63:]
