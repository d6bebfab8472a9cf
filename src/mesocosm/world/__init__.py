"""Floor 1: tables, journal, checkpoints, branches, blobs, clock, timers, ids.

Durable state as a journal of changed rows: what was acknowledged survives, and every moment within
the history window can be returned to. See "World" in docs/ARCHITECTURE.md.
"""

from mesocosm.world.blobs import Blobs, Spool
from mesocosm.world.branch import Branch, Moment, Place, Snapshot, parse_time
from mesocosm.world.clock import Clock
from mesocosm.world.errors import (
    BeyondHistory,
    ClockBackwards,
    DirectoryInUse,
    JournalDamaged,
    NameTaken,
    OutsideTransaction,
    StorageFailed,
    StorageFull,
    TransactionOpen,
    UnknownMoment,
    WorldError,
)
from mesocosm.world.files import Files
from mesocosm.world.fold import HistoryWindow
from mesocosm.world.ids import Ids
from mesocosm.world.segments import Chunk, Figures, Log, Segments, Span
from mesocosm.world.table import Change, Index, Rows, Table, table_named
from mesocosm.world.timers import Timer, Timers
from mesocosm.world.trail import Entry
from mesocosm.world.transaction import Changes, Transaction
from mesocosm.world.world import World

__all__ = [
    "BeyondHistory",
    "Blobs",
    "Branch",
    "Change",
    "Changes",
    "Chunk",
    "Clock",
    "ClockBackwards",
    "DirectoryInUse",
    "Entry",
    "Figures",
    "Files",
    "HistoryWindow",
    "Ids",
    "Index",
    "JournalDamaged",
    "Log",
    "Moment",
    "NameTaken",
    "OutsideTransaction",
    "Place",
    "Rows",
    "Segments",
    "Snapshot",
    "Span",
    "Spool",
    "StorageFailed",
    "StorageFull",
    "Table",
    "Timer",
    "Timers",
    "Transaction",
    "TransactionOpen",
    "UnknownMoment",
    "World",
    "WorldError",
    "parse_time",
    "table_named",
]
