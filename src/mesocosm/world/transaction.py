"""Transactions: all changes of a call, or none; and telling those who watch a table."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from mesocosm.world.errors import TransactionOpen
from mesocosm.world.table import Change, Ledger, Noted, Table

log = logging.getLogger(__name__)


class Owner(Protocol):
    """What a transaction needs of its world."""

    ledger: Ledger

    def commit(self, transaction: Transaction) -> list[Noted]: ...

    def publish(self, changes: list[Noted]) -> None: ...


class Transaction:
    """`with world.transaction() as tx:`. `tx.record` rides with the changes in one frame.

    After the block `tx.position` is the position to await with `world.committed`.
    """

    __slots__ = ("_world", "instant", "noted", "position", "record")

    def __init__(self, world: Owner) -> None:
        self._world = world
        self.noted: list[Noted] = []
        self.record: bytes | None = None
        self.instant: float | None = None
        """The virtual time of its frame; that of the commit when it is not said."""
        self.position = 0

    def __enter__(self) -> Transaction:
        ledger = self._world.ledger
        if ledger.noted is not None:
            raise TransactionOpen("transactions do not nest, and hold no await")
        ledger.noted = self.noted
        ledger.transaction = self
        return self

    def savepoint(self) -> int:
        """A mark to roll back to."""
        return len(self.noted)

    def rollback(self, savepoint: int) -> None:
        """Undo what was changed since a savepoint; the transaction goes on."""
        undo(self.noted[savepoint:])
        del self.noted[savepoint:]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        world = self._world
        world.ledger.transaction = None
        if kind is not None:
            undo(self.noted)
            world.ledger.noted = None
            return
        try:
            changes = world.commit(self)
        except BaseException:
            undo(self.noted)
            raise
        finally:
            world.ledger.noted = None
        world.publish(changes)


def undo(noted: list[Noted]) -> None:
    """Put back the old rows, newest change first."""
    for rows, key, old, new in reversed(noted):
        rows.put(key, new, old)


class Changes:
    """Who is told of changed rows, and of a world that was replaced as a whole.

    `subscribe(table, function)`: `function(Change)` after each commit, in order; also, with old
    and new exchanged, when a commit that could not be stored is undone.
    `reset.append(function)`: `function()` after a rewind, when anything may have changed.
    """

    def __init__(self) -> None:
        self.reset: list[Callable[[], None]] = []
        self._watchers: dict[str, list[Callable[[Change], None]]] = {}
        self._queue: deque[Change] = deque()
        self._telling = False

    def subscribe(self, table: Table[Any, Any], function: Callable[[Change], None]) -> None:
        self._watchers.setdefault(table.name, []).append(function)

    def unsubscribe(self, table: Table[Any, Any], function: Callable[[Change], None]) -> None:
        self._watchers[table.name].remove(function)

    def publish(self, changes: list[Noted]) -> None:
        """Tell the watchers. A watcher that commits is told of its own changes after these."""
        watchers = self._watchers
        for rows, key, old, new in changes:
            if rows.cell[0] in watchers:
                self._queue.append(Change(*rows.cell, key, old, new))
        if self._telling or not self._queue:
            return
        self._telling = True
        try:
            while self._queue:
                change = self._queue.popleft()
                for function in tuple(watchers.get(change.table, ())):
                    _tell(function, change)
        finally:
            self._telling = False

    def publish_reset(self) -> None:
        self._queue.clear()
        for function in tuple(self.reset):
            try:
                function()
            except Exception:
                log.exception("a watcher of the world failed after a rewind")


def _tell(function: Callable[[Change], None], change: Change) -> None:
    # The change is committed: a watcher's failure must neither undo it nor hide it from others.
    try:
        function(change)
    except Exception:
        log.exception("a watcher of %s failed", change.table)
