"""The policy texts behind decisions, kept by digest as long as a record refers to them.

A text is written down with the first record that refers to it. What is known to be there is
forgotten every `RENEWED` positions of the journal, so that a text still in use is written down as
used once more; a text goes when it was last used so long before the oldest record that is kept that
no record can refer to it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mesocosm.call.record import Document
from mesocosm.world import Change, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesocosm.world import World

documents: Table[str, Document] = Table("call.documents", Document)

PLACE = ("", "aws-global")
RENEWED = 50_000
LOOKED_EVERY = 256
"""Frames after which the journal's position is looked at."""
UNUSED = 3 * RENEWED
"""From a text's mark to the last record that may refer to it: a mark is not renewed when it is
younger than RENEWED, and what is known is known for RENEWED (and the frames between two looks).
"""
AT_ONCE = 500
"""Texts looked at in one transaction."""


class Documents:
    """The texts of one world. `renewed` is called when nothing is taken for known any longer."""

    def __init__(self, world: World, renewed: Callable[[], None]) -> None:
        self._world = world
        self._renewed = renewed
        self._pending: dict[str, str] = {}
        self._known: set[str] = set()
        self._dropped: set[str] = set()
        self._old: list[str] = []
        self._oldest = 0
        self._since = world.position
        self._countdown = LOOKED_EVERY
        world.changes.subscribe(documents, self._changed)

    def forget(self) -> None:
        """The world has been replaced: nothing is known."""
        self._known.clear()
        self._pending.clear()
        self._dropped.clear()
        self._old.clear()
        self._since = self._world.position

    def keep(self, text: str) -> str:
        """The digest of a text; it is written down with the next record."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        if digest not in self._known:
            self._pending[digest] = text
        return digest

    def write(self) -> None:
        """Write down the texts of decisions just made; runs in the transaction of the record."""
        self._countdown -= 1
        if self._countdown <= 0:
            self._countdown = LOOKED_EVERY
            self._look()
        if self._old:
            self._drop()
        if not self._pending:
            return
        rows, position = self._world.rows(documents, *PLACE), self._world.position
        for digest, text in self._pending.items():
            row = rows.get(digest)
            if row is None or row.used + RENEWED <= position:
                rows[digest] = Document(text, position)
            self._known.add(digest)
        self._pending.clear()

    def _look(self) -> None:
        position = self._world.position
        if position < self._since + RENEWED:
            return
        self._since = position
        self._known.clear()
        self._renewed()
        self._oldest = self._world.oldest()
        self._old = list(self._world.rows(documents, *PLACE))

    def _drop(self) -> None:
        rows, looked_at = self._world.rows(documents, *PLACE), self._old[-AT_ONCE:]
        del self._old[-AT_ONCE:]
        for digest in looked_at:
            row = rows.get(digest)
            if row is None or digest in self._known or digest in self._pending:
                continue
            if row.used + UNUSED < self._oldest:
                self._dropped.add(digest)
                del rows[digest]

    def _changed(self, change: Change) -> None:
        """A text whose commit was undone, as it could not be stored, waits for the next one."""
        if change.new is not None or change.old is None:
            return
        self._known.discard(change.key)
        if change.key in self._dropped:
            self._dropped.discard(change.key)
        else:
            self._pending[change.key] = change.old.text


__all__ = ["Documents", "documents"]
