"""Branches: journals with parents, the snapshots that name positions on them, and lines.

A data directory holds

    lock, HEAD, snapshots.json, blobs/, spool/
    branches/<name>/branch.json, <position>.journal, <position>.manifest, <first>-<last>.trail

A *line* is the way from the first branch to a position: what happened, in order.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from mesocosm.world.blobs import Blobs
from mesocosm.world.errors import (
    DirectoryInUse,
    JournalDamaged,
    NameTaken,
    UnknownMoment,
    WorldError,
)
from mesocosm.world.files import Files, replace_file, storage
from mesocosm.world.journal import Frame, Marks, Reader, segments

T = TypeVar("T")

FIRST = "main"
_SNAPSHOT = re.compile(r"\S(.{0,98}\S)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Moment = str | int | float
"""A snapshot's name, an ISO 8601 time or `branch@position` (str), a position (int), or virtual
epoch seconds (float)."""


class Branch(msgspec.Struct, frozen=True):
    """A branch: it continues `parent` after `position`. Times, of its beginning, in epoch seconds.

    The frames up to `folded` are gone: only checkpoints and trails are left of them.
    """

    name: str
    parent: str | None
    position: int
    virtual: float
    real: float
    folded: int = 0


class Snapshot(msgspec.Struct, frozen=True):
    """A name for a position. `virtual`: what the clock showed."""

    name: str
    branch: str
    position: int
    virtual: float
    real: float


class Place(NamedTuple):
    """A resolved moment. `virtual`: what the clock shows there, `None` for that of its frame."""

    branch: str
    position: int
    virtual: float | None = None


class Stretch(NamedTuple):
    """The part of a line that lies on one branch: the positions after `after`, up to `until`."""

    branch: str
    after: int
    until: int


class OpenWorld(Protocol):
    """What the store knows of the worlds open in it."""

    @property
    def branch(self) -> Branch: ...

    @property
    def position(self) -> int: ...

    def digests(self) -> set[str]: ...


class Store:
    """A data directory, opened by one process: what all worlds (forks) in it share."""

    def __init__(self, root: Path, files: Files, *, power: bool) -> None:
        self.root = root
        self.files = files
        self.power = power
        self.worlds: set[OpenWorld] = set()
        self.references: dict[str, frozenset[str]] = {}
        self._marks: Marks = {}
        self.branches: dict[str, Branch] = {}
        self.snapshots: dict[str, Snapshot] = {}
        with storage():
            (root / "branches").mkdir(parents=True, exist_ok=True)
            self._lock = _locked(root)
        try:
            with storage():
                self.blobs = Blobs(files, root, power=power)
            self._load()
        except BaseException:
            os.close(self._lock)
            raise

    def _load(self) -> None:
        for path in sorted((self.root / "branches").glob("*/branch.json")):
            branch = _read(path, Branch)
            self.branches[branch.name] = branch
        if (self.root / "snapshots.json").exists():
            for snapshot in _read(self.root / "snapshots.json", list[Snapshot]):
                self.snapshots[snapshot.name] = snapshot

    def enter(self, world: OpenWorld) -> None:
        """Called by each world when it opens."""
        self.worlds.add(world)

    def leave(self, world: OpenWorld | None = None) -> None:
        """Called by each world when it closes; the last one unlocks the directory."""
        self.worlds -= {world}
        if not self.worlds and self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def tips(self) -> dict[str, int]:
        """The open branches, and where they stand."""
        return {world.branch.name: world.position for world in self.worlds}

    def directory(self, branch: str) -> Path:
        return self.root / "branches" / branch

    @property
    def head(self) -> str:
        """The branch a world opens when none is named."""
        path = self.root / "HEAD"
        return path.read_text().strip() if path.exists() else FIRST

    def set_head(self, branch: str) -> None:
        with storage():
            replace_file(self.files, self.root / "HEAD", f"{branch}\n".encode(), sync=self.power)

    def create(self, branch: Branch) -> None:
        """Write a new branch down. Raises `NameTaken`."""
        self.check_name(branch.name)
        self.write_branch(branch)

    def write_branch(self, branch: Branch) -> None:
        """Write a branch down as it is now."""
        directory = self.directory(branch.name)
        with storage():
            directory.mkdir(exist_ok=True)
            data = msgspec.json.encode(branch)
            replace_file(self.files, directory / "branch.json", data, sync=self.power)
        self.branches[branch.name] = branch

    def check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a branch: {_NAME.pattern}")
        if name in self.branches:
            raise NameTaken(f"there is a branch named {name} already")

    def unused_name(self) -> str:
        number = len(self.branches) + 1
        while f"branch-{number}" in self.branches:
            number += 1
        return f"branch-{number}"

    def remove(self, branch: str) -> None:
        """Delete a branch without children, and the snapshots on it."""
        if any(other.parent == branch for other in self.branches.values()):
            raise WorldError(f"other branches come from {branch}")
        del self.branches[branch]
        gone = {name for name, each in self.snapshots.items() if each.branch == branch}
        if gone:
            kept = {name: each for name, each in self.snapshots.items() if name not in gone}
            self._write_snapshots(kept)
        shutil.rmtree(self.directory(branch))

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Name a position. Raises `NameTaken`."""
        if not _SNAPSHOT.fullmatch(snapshot.name) or not snapshot.name.isprintable():
            raise ValueError(f"{snapshot.name!r} is no name for a snapshot: 1 to 100 characters")
        if snapshot.name in self.snapshots:
            raise NameTaken(f"there is a snapshot named {snapshot.name} already")
        self._write_snapshots({**self.snapshots, snapshot.name: snapshot})

    def forget_snapshots(self, besides: OpenWorld) -> None:
        """Free the names of snapshots, but for those in the past of other open worlds."""
        others = self.worlds - {besides}
        pasts = [
            each
            for world in others
            for each in (
                Stretch(world.branch.name, world.branch.position, world.position),
                *self.line(world.branch.name, world.position),
            )
        ]
        kept = {
            name: snapshot
            for name, snapshot in self.snapshots.items()
            if any(
                branch == snapshot.branch and after <= snapshot.position <= until
                for branch, after, until in pasts
            )
        }
        if len(kept) < len(self.snapshots):
            self._write_snapshots(kept)

    def _write_snapshots(self, snapshots: dict[str, Snapshot]) -> None:
        data = msgspec.json.encode(list(snapshots.values()))
        with storage():
            replace_file(self.files, self.root / "snapshots.json", data, sync=self.power)
        self.snapshots = snapshots

    def line(self, branch: str, position: int) -> list[Stretch]:
        """The way from the beginning to a position, oldest stretch first."""
        stretches: list[Stretch] = []
        name: str | None = branch
        while name is not None:
            here = self.branches[name]
            if position > here.position or here.parent is None:
                stretches.append(Stretch(name, here.position, position))
            position = min(position, here.position)
            name = here.parent
        return stretches[::-1]

    def folded(self, line: list[Stretch]) -> bool:
        """Whether a line can no longer be followed from its very beginning."""
        return any(self.branches[each.branch].folded > each.after for each in line)

    def known_end(self, branch: str) -> int:
        """The highest position that something else says had been stored on the branch."""
        forks = [each.position for each in self.branches.values() if each.parent == branch]
        names = [each.position for each in self.snapshots.values() if each.branch == branch]
        return max([0, *forks, *names])

    def end(self, branch: str) -> int:
        """The last position of a branch that is not open."""
        here = self.branches[branch]
        found = segments(self.directory(branch))
        after = max(here.position, found[-1].first - 1) if found else here.position
        reader = Reader(self.directory(branch), after)
        for _ in reader.frames():
            pass
        checkpoints = (int(path.stem) for path in self.manifests(branch))
        return max(reader.last, here.folded, *checkpoints)

    def manifests(self, branch: str) -> list[Path]:
        """The checkpoints of a branch, oldest first."""
        return sorted(self.directory(branch).glob("*.manifest"))

    def frames(self, line: list[Stretch], after: int = 0) -> Iterator[Frame]:
        """The frames of a line after a position, oldest first. Raises `JournalDamaged`."""
        for branch, start, until in line:
            if until > after:
                reader = Reader(self.directory(branch), max(start, after), self._marks)
                yield from reader.frames(until)


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalDamaged(path, 0, str(error)) from error


def _locked(root: Path) -> int:
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise DirectoryInUse(f"{root} is in use by another process (pid {holder})") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def common_ancestor(a: list[Stretch], b: list[Stretch]) -> int:
    """The last position that two lines share."""
    shared = 0
    for ours, theirs in zip(a, b, strict=False):
        if ours.branch != theirs.branch:
            break
        shared = min(ours.until, theirs.until)
        if ours.until != theirs.until:
            break
    return shared


def parse_time(text: str) -> float:
    """Epoch seconds of an ISO 8601 time (UTC unless it says otherwise) or of a number.

    Raises `UnknownMoment`.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UnknownMoment(f"{text!r} is neither a snapshot nor an ISO 8601 time") from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return parsed.timestamp()
