"""A world: all state of one cloud, on one branch, as one object."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast

from mesocosm.world import travel
from mesocosm.world.branch import FIRST, Branch, Moment, Place, Snapshot, Store, common_ancestor
from mesocosm.world.cells import Cells, Stored
from mesocosm.world.checkpoint import Freeze
from mesocosm.world.clock import Clock, clocks
from mesocosm.world.commit import GroupCommit
from mesocosm.world.commit import Stored as WhenStored
from mesocosm.world.errors import TransactionOpen, WorldError
from mesocosm.world.files import Files
from mesocosm.world.fold import HistoryWindow
from mesocosm.world.history import Keeper
from mesocosm.world.ids import Ids
from mesocosm.world.journal import Journal, Reader, encode_payload
from mesocosm.world.segments import Log, Sealer, Segments
from mesocosm.world.table import CellName, Change, Ledger, Noted, Rows, Table, Tally, net
from mesocosm.world.timers import Timers
from mesocosm.world.trail import Entry, entries, oldest
from mesocosm.world.transaction import Changes, Transaction, undo

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

log = logging.getLogger(__name__)

Durability = Literal["process", "power"]

UNDO = 200_000
"""How many changes are kept with their old rows, so that near rewinds need no disk."""

UNDO_BYTES = 512
"""So many bytes in the journal count as one change more: rows that hold data in bulk are large."""


CLOSING = 1 << 20
"""Bytes of journal since the last checkpoint from which on closing makes one, to open quickly."""


class Step(NamedTuple):
    """A committed transaction, as it can be undone. Times: virtual and real, of its frame."""

    position: int
    virtual: float
    real: float
    changes: list[Noted]
    weight: int = 0


class World:
    """Made by `World.open` and `world.fork`. One thread (that of the event loop) uses a world."""

    def __init__(
        self,
        store: Store,
        branch: Branch,
        cells: Cells,
        position: int,
        *,
        ledger: Ledger,
        seed: int | str | None,
        history: HistoryWindow,
        real: Callable[[], float],
        reader: Reader | None = None,
    ) -> None:
        self.store = store
        self.branch = branch
        self.ledger = ledger
        self.changes = Changes()
        self.blobs = store.blobs
        self.ids = Ids(seed, branch.name, position)
        self.began = position
        """Where this life of the world began: at its opening, fork or last rewind."""
        self._cells = cells
        self._seed = seed
        self._history = history
        self._steps: deque[Step] = deque()
        self._kept = 0
        self._floor = Step(position, 0.0, 0.0, [])
        self._last_virtual = self._last_real = 0.0
        self._derived: dict[Callable[[World], Any], Any] = {}
        self._closed = False
        self.clock = Clock(self, real)
        self.timers = Timers(self, self.clock)
        self._sealer = Sealer(self)
        self._commits = self._journal(position, reader)
        self._keeper = Keeper(store, history)
        store.enter(self)

    @classmethod
    def open(
        cls,
        directory: str | Path,
        *,
        branch: str | None = None,
        durability: Durability = "process",
        seed: int | str | None = None,
        history: HistoryWindow | None = None,
        files: Files | None = None,
        real: Callable[[], float] = time.time,
    ) -> World:
        """Open a data directory, or make it. `branch`: another than the one last worked on.

        Raises `DirectoryInUse`, `JournalDamaged`, `StorageFull`.
        """
        store = Store(Path(directory), files or Files(), power=durability == "power")
        try:
            return cls._open(store, branch, seed, history or HistoryWindow(), real)
        except BaseException:
            store.leave()
            raise

    @classmethod
    def _open(
        cls,
        store: Store,
        name: str | None,
        seed: int | str | None,
        history: HistoryWindow,
        real: Callable[[], float],
    ) -> World:
        if not store.branches:
            now = real()
            store.create(Branch(FIRST, None, 0, now, now))
        name = name or store.head
        if name not in store.branches:
            raise WorldError(f"there is no branch {name}")
        branch = store.branches[name]
        # The end of the branch is found by reading it, from its last checkpoint on.
        manifests = store.manifests(name)
        reader = Reader(
            store.directory(name), int(manifests[-1].stem) if manifests else branch.position
        )
        for _ in reader.frames():
            pass
        if reader.last < store.known_end(name):
            raise reader.short(store.known_end(name))
        restored = travel.restore(store, store.line(name, reader.last))
        ledger = Ledger()
        cells = Cells(store.blobs, ledger)
        cells.load(restored.stored)
        world = cls(
            store,
            branch,
            cells,
            reader.last,
            ledger=ledger,
            seed=seed,
            history=history,
            real=real,
            reader=reader,
        )
        # While nobody was here, time went by at most as fast as real time.
        state = world.rows(clocks).get("clock")
        away = max(0.0, real() - restored.real) * min(state.rate if state else 1.0, 1.0)
        world._stand(reader.last, restored.virtual, restored.real, restored.virtual + away)
        if store.head != name:
            store.set_head(name)
        return world

    def _journal(self, position: int, reader: Reader | None) -> GroupCommit:
        store = self.store
        journal = Journal(
            store.files,
            store.directory(self.branch.name),
            position,
            reader.tail if reader is not None else None,
            power=store.power,
        )
        return GroupCommit(store.files, journal, store.blobs, self._lose_after, power=store.power)

    # Rows

    def rows(self, table: Table[K, V], account: str = "", region: str = "") -> Rows[K, V]:
        """The rows of a table in a cell, live."""
        # Asked ten times a call: a cell that is awake costs one look-up.
        rows = self._cells.live.get((table.name, account, region))
        return self._cells.rows(table, account, region) if rows is None else rows

    def cells(self, table: Table[K, V]) -> Iterator[tuple[str, str, Rows[K, V]]]:
        """Account, Region and rows of each cell of the table that holds rows."""
        return self._cells.of_table(table)

    def segments(self, segments: Segments, account: str = "", region: str = "") -> Log:
        """The segments of a cell: data in bulk."""
        return self._sealer.log(segments, account, region)

    def tally(self, service: str) -> Tally:
        """Counts every change of the tables whose names begin with `service.`, in all cells."""
        return self.ledger.tally(service)

    def tables_in_use(self) -> set[str]:
        """The names of the tables that hold rows, declared or not."""
        return self._cells.tables()

    def derived(self, factory: Callable[[World], T]) -> T:
        """`factory(world)`, made once for this world; made anew after a rewind."""
        made = self._derived.get(factory)
        if made is None:
            made = self._derived[factory] = factory(self)
        return cast(T, made)

    # Transactions

    def transaction(self) -> Transaction:
        """All changes, or none. See `Transaction`."""
        return Transaction(self)

    @property
    def current(self) -> Transaction | None:
        """The transaction that is open, if one is."""
        return self.ledger.transaction

    @property
    def position(self) -> int:
        """The position of the last transaction."""
        return self._commits.journal.position

    @property
    def durable(self) -> int:
        """The last position that is stored."""
        return self._commits.journal.durable

    def commit(self, transaction: Transaction) -> list[Noted]:
        """For `Transaction` only: put its frame in the commit buffer."""
        changes = net(transaction.noted) if transaction.noted else transaction.noted
        journal = self._commits.journal
        if not changes and transaction.record is None:
            transaction.position = journal.position
            return changes
        real, virtual = self.clock.real(), transaction.instant
        if virtual is None:
            virtual = self.clock.now()
        if virtual < self._last_virtual:
            virtual = self._last_virtual
        # A row that cannot be encoded raises here, before anything is committed.
        payload = encode_payload(
            (
                virtual,
                real,
                transaction.record,
                [(*rows.cell, key, new) for rows, key, _, new in changes],
            )
        )
        transaction.position = self._commits.append(payload)
        self._last_virtual, self._last_real = virtual, real
        if changes:
            self._cells.changed(changes)
        weight = len(changes) + 1 + len(payload) // UNDO_BYTES
        self._keep(Step(transaction.position, virtual, real, changes, weight))
        return changes

    def publish(self, changes: list[Noted]) -> None:
        """For `Transaction` only: tell the watchers, and see to it that the frame is written."""
        if changes:
            self.changes.publish(changes)
        self._commits.schedule()
        if self._commits.journal.segment_bytes > self._keeper.window.checkpoint:
            self._keeper.start(self)

    def committed(self, position: int) -> asyncio.Future[None]:
        """Awaited, returns when a transaction is stored. Raises `StorageFull`, `StorageFailed`:
        undone."""
        return self._commits.committed(position)

    def when_stored(self, position: int, function: WhenStored) -> None:
        """Call `function(None)` when a transaction is stored, `function(error)` when it was undone:
        as `committed`, without a future."""
        self._commits.when_stored(position, function)

    def flush(self) -> None:
        """Store everything now. Raises `StorageFull`, `StorageFailed`: undone."""
        self._commits.flush()

    def _keep(self, step: Step) -> None:
        self._steps.append(step)
        self._kept += step.weight
        while self._kept > UNDO and self._steps[0].position <= self.durable:
            self._floor = self._steps.popleft()
            self._kept -= self._floor.weight

    def _undo(self, position: int) -> list[Step]:
        """Undo the transactions after a position, newest first."""
        undone = []
        while self._steps and self._steps[-1].position > position:
            step = self._steps.pop()
            self._kept -= step.weight
            undo(step.changes)
            self._cells.changed(step.changes)
            undone.append(step)
        return undone

    def _lose_after(self, position: int) -> None:
        self.clock.hold(1.0)
        for step in self._undo(position):
            self.changes.publish(
                [(rows, key, new, old) for rows, key, old, new in reversed(step.changes)]
            )

    # Time travel

    def snapshot(self, name: str) -> Snapshot:
        """Name the present. Raises `NameTaken`."""
        self._idle()
        self.flush()
        place = Place(self.branch.name, self.position)
        snapshot = Snapshot(name, *place[:2], self.clock.running(), self.clock.real())
        self.store.add_snapshot(snapshot)
        return snapshot

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, also those on abandoned lines."""
        return list(self.store.snapshots.values())

    def branches(self) -> list[Branch]:
        """All branches, also the abandoned ones."""
        return list(self.store.branches.values())

    def resolve(self, moment: Moment) -> Place:
        """The place a moment names, along the current line. Raises `UnknownMoment`."""
        self.flush()
        now = self.clock.running()
        return travel.resolve(self.store, self.branch.name, self.position, now, moment)

    def fork(self, at: Moment | None = None, name: str | None = None) -> World:
        """Another world, of the same past: up to now, or up to a moment. Close it after use.

        Raises `UnknownMoment`, `BeyondHistory`, `NameTaken`.
        """
        self._idle()
        self.flush()
        present = Place(self.branch.name, self.position)
        place = present if at is None else self.resolve(at)
        ledger = Ledger()
        if place[:2] == present[:2]:
            cells = self._cells.share(ledger)
            virtual, real = self._last_virtual, self._last_real
            shown = self.clock.running() if place.virtual is None else place.virtual
        else:
            restored = travel.restore(self.store, self.store.line(*place[:2]))
            cells = Cells(self.blobs, ledger)
            cells.load(restored.stored)
            virtual, real = restored.virtual, restored.real
            shown = virtual if place.virtual is None else place.virtual
        branch = self._branch_off(place, name, shown)
        world = World(
            self.store,
            branch,
            cells,
            place.position,
            ledger=ledger,
            seed=self._seed,
            history=self._history,
            real=self.clock.real,
        )
        world._stand(place.position, virtual, real, shown)
        return world

    def rewind(self, to: Moment) -> Place:
        """Make this world what it was at a moment, on a new branch; the line left behind stays.

        Everyone who holds this world or its rows goes on holding them. Returns the place.
        Raises `UnknownMoment`, `BeyondHistory`.
        """
        self._idle()
        place = self.resolve(to)
        here = self.store.line(self.branch.name, self.position)
        near = (
            place.position >= self._floor.position
            and common_ancestor(here, self.store.line(*place[:2])) == place.position
        )
        if near:
            restored = None
            _, virtual, real, _, _ = self._step_at(place.position)
        else:
            restored = travel.restore(self.store, self.store.line(*place[:2]))
            _, virtual, real = restored
        shown = virtual if place.virtual is None else place.virtual
        self._leave_for(self._branch_off(place, None, shown))
        if restored is None:
            self._undo(place.position)
        else:
            self._replace_rows(restored.stored)
        self._begin_on(place.position)
        self._stand(place.position, virtual, real, shown)
        self.changes.publish_reset()
        return place

    def reset(self) -> None:
        """Make this world empty, on a new branch without a past, at real time.

        The line left behind stays, as after a rewind; the names of snapshots are free again, but
        for those that other open worlds have in their past.
        """
        self._idle()
        self.flush()
        self.store.forget_snapshots(besides=self)
        now = self.clock.real()
        branch = Branch(self.store.unused_name(), None, 0, now, now)
        self.store.create(branch)
        self._leave_for(branch)
        self._replace_rows({})
        self._begin_on(0)
        self._stand(0, 0.0, now, now)
        self.changes.publish_reset()

    def _leave_for(self, branch: Branch) -> None:
        self.store.set_head(branch.name)
        self._keeper.stop()
        self.branch = branch

    def _replace_rows(self, stored: dict[CellName, Stored]) -> None:
        self._steps.clear()
        self._kept = 0
        self._cells.load(stored)

    def _begin_on(self, position: int) -> None:
        """Go on at a position of a new branch: its journal, ids and derived objects."""
        self._commits.journal.rotate()
        self._commits = self._journal(position, None)
        self.ids.reseed(self.branch.name, position)
        self.began = position
        self._derived.clear()

    def diff(self, a: Moment, b: Moment | None = None) -> list[Change]:
        """The rows that differ between two moments (`b`: now, when `None`)."""
        before = self.resolve(a)
        after = Place(self.branch.name, self.position) if b is None else self.resolve(b)
        return travel.diff(self.store, before, after)

    def records(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """The records of the current line after a position, oldest first, through its ancestors."""
        self.flush()
        end = self.position if until is None else min(until, self.position)
        return entries(self.store, self.store.line(self.branch.name, end), after)

    def oldest(self) -> int:
        """The position of the oldest record of the current line that is kept."""
        return oldest(self.store, self.store.line(self.branch.name, self.position))

    def _branch_off(self, place: Place, name: str | None, shown: float) -> Branch:
        branch = Branch(
            name or self.store.unused_name(),
            place.branch,
            place.position,
            shown,
            self.clock.real(),
        )
        self.store.create(branch)
        return branch

    def _step_at(self, position: int) -> Step:
        """The last step at or before a position that can be undone to."""
        return next(
            (step for step in reversed(self._steps) if step.position <= position), self._floor
        )

    def _stand(self, position: int, virtual: float, real: float, shown: float) -> None:
        """Begin here: the last frame's position and times, and what the clock shows."""
        self._last_virtual, self._last_real = virtual, real
        if not self._steps:
            self._floor = Step(position, virtual, real, [])
        self.timers.rebuild()
        state = self.rows(clocks).get("clock")
        rate, resume = (state.rate, state.resume) if state else (1.0, 1.0)
        self.clock.set(shown, rate, resume)
        self.clock.arm()

    def _idle(self) -> None:
        if self.ledger.noted is not None:
            raise TransactionOpen("time travel within a transaction")

    # Storage

    def checkpoint(self) -> None:
        """Write a checkpoint now, waiting for it, and fold what lies before the history window."""
        self._idle()
        self.flush()
        self._keeper.run(self)

    def freeze(self) -> Freeze:
        """The present state, to be written as a checkpoint; everything must be stored already."""
        return Freeze(self._cells, self.position, self._last_virtual, self._last_real)

    def rotate(self) -> None:
        """Begin a new segment of the journal."""
        self._commits.rotate()

    def digests(self) -> set[str]:
        """The blobs that hold this world's cells."""
        return self._cells.digests()

    def close(self) -> None:
        """Store everything and let go of the directory. A closed world is not to be used."""
        self._close(checkpoint=self._commits.journal.segment_bytes > CLOSING)

    def _close(self, *, checkpoint: bool) -> None:
        if self._closed:
            return
        self._closed = True
        self.clock.stop()
        self._keeper.stop()
        try:
            self.flush()
            if checkpoint:
                self._last_checkpoint()
        finally:
            self._commits.journal.rotate()
            self.store.leave(self)

    def _last_checkpoint(self) -> None:
        try:
            self._keeper.run(self)
        except (WorldError, OSError):
            # The journal holds everything; opening it only takes longer.
            log.exception("the checkpoint at the end could not be written")

    def discard(self) -> None:
        """Close a fork and delete its branch, with all that happened on it."""
        self._close(checkpoint=False)
        self.store.remove(self.branch.name)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
