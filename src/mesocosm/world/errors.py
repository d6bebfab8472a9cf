"""What can go wrong in a world, each by its own name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def shown(seconds: float) -> str:
    """Epoch seconds as ISO 8601, for messages."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        return str(seconds)


class WorldError(Exception):
    """Base of every error the world raises."""


class OutsideTransaction(WorldError):
    """Rows were changed without an open transaction."""


class TransactionOpen(WorldError):
    """A transaction was begun (or a time travel asked for) while another one is open."""


class StorageFailed(WorldError):
    """The journal could not be written; everything not yet acknowledged was undone."""


class StorageFull(StorageFailed):
    """The disk (or quota) is full; everything not yet acknowledged was undone."""


class JournalDamaged(WorldError):
    """A journal holds bytes that are not what was written. Nothing was cut or repaired."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(f"{path} is damaged at byte {offset}: {why}")
        self.path = path
        self.offset = offset
        self.why = why


class DirectoryInUse(WorldError):
    """Another process has this data directory open."""


class BeyondHistory(WorldError):
    """The moment asked for lies before what is kept. `earliest`: virtual epoch seconds."""

    def __init__(self, earliest: float, moment: str) -> None:
        super().__init__(
            f"{moment} lies before the history that is kept, which starts at {shown(earliest)}"
        )
        self.earliest = earliest


class UnknownMoment(WorldError):
    """No snapshot, time or position of that name."""


class NameTaken(WorldError):
    """A snapshot or branch of that name exists already."""


class ClockBackwards(WorldError):
    """The clock was asked to go back; only a rewind does that."""
