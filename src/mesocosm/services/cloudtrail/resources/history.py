"""The index of events over the journal: where the events of an account and Region stand.

It covers the journal in blocks of positions, each indexed when it is first looked at, newest
first; so the newest events are found without reading what is old. No event is kept decoded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mesocosm.call.record import CallRecord, decode, event_id
from mesocosm.services.cloudtrail.rules import origins
from mesocosm.services.cloudtrail.rules.event import recipients
from mesocosm.services.cloudtrail.rules.identity import user_name

if TYPE_CHECKING:
    from mesocosm.services.cloudtrail.rules.origins import Origins
    from mesocosm.world import World

BLOCK = 4_096
"""Positions of one block: what a look at the newest events reads at most."""

APART = 1_024
"""Positions between two records from which on they are read in two goes."""


class Kind(NamedTuple):
    """What many events share, and LookupEvents asks for."""

    name: str
    source: str
    read_only: bool
    user: str
    access_key: str


class Place(NamedTuple):
    """Where an event stands: position in the journal, and which record of its frame."""

    position: int
    ordinal: int


class Cell:
    """The events of one account and Region within a block, oldest first, as columns."""

    __slots__ = ("ids", "kinds", "ordinals", "positions", "times")

    def __init__(self) -> None:
        self.positions = array("Q")
        self.ordinals = array("H")
        self.times = array("d")
        self.kinds = array("I")
        self.ids = array("I")


class Block:
    """What stands in the positions after `first`; read up to `upto`."""

    __slots__ = ("cells", "oldest", "upto")

    def __init__(self, first: int) -> None:
        self.upto = first
        self.oldest = float("inf")
        self.cells: dict[tuple[str, str], Cell] = {}


class History:
    """The index of one world; a rewind begins it anew (`world.derived`)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._blocks: dict[int, Block] = {}
        self._kinds: dict[Kind, int] = {}
        self._by_number: list[Kind] = []

    def newest(
        self,
        origins_: Origins,
        cell: tuple[str, str],
        start: float,
        end: float,
        before: Place | None,
        wanted: Callable[[Kind], bool],
        id_start: int | None,
    ) -> Iterator[Place]:
        """The management events of a cell between two times that are wanted, newest first.

        `before`: only those older than this one. `id_start`: the first 32 bits of the event's id.
        """
        answers: dict[int, bool] = {}
        top = (before.position if before else self._world.position) // BLOCK
        for number in range(top, -1, -1):
            block = self._block(origins_, number)
            found = block.cells.get(cell)
            if found is not None:
                yield from self._within(found, start, end, before, wanted, id_start, answers)
            if block.oldest < start:
                return

    def _within(
        self,
        cell: Cell,
        start: float,
        end: float,
        before: Place | None,
        wanted: Callable[[Kind], bool],
        id_start: int | None,
        answers: dict[int, bool],
    ) -> Iterator[Place]:
        size = len(cell.positions)
        if before is not None:
            size = bisect_left(cell.positions, before.position + 1)
        for index in range(size - 1, -1, -1):
            if not start <= cell.times[index] <= end:
                continue
            if id_start is not None and cell.ids[index] != id_start:
                continue
            kind = cell.kinds[index]
            answer = answers.get(kind)
            if answer is None:
                answer = answers[kind] = wanted(self._by_number[kind])
            place = Place(cell.positions[index], cell.ordinals[index])
            if answer and (before is None or place < before):
                yield place

    def _block(self, origins_: Origins, number: int) -> Block:
        """A block, read as far as the journal goes."""
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = Block(max(number * BLOCK - 1, 0))
        last = number * BLOCK + BLOCK - 1
        if block.upto >= min(last, self._world.position):
            return block
        end = min(last, self._world.position)
        for entry in self._world.records(after=block.upto):
            if entry.position > end:
                break
            block.oldest = min(block.oldest, entry.virtual)
            for ordinal, record in enumerate(decode(entry.record)):
                if record.category == "management":
                    self._add(origins_, block, Place(entry.position, ordinal), record)
        block.upto = end
        return block

    def _add(self, origins_: Origins, block: Block, place: Place, record: CallRecord) -> None:
        origin = origins_.of(record.service)
        region = origins.event_region(origin, record.region)
        principal = record.principal
        name = origins.event_name(record.service, record.operation)
        read_only = origins.is_read_only(origin, record)
        for account in recipients(record):
            own = account == principal.account or principal.kind == "service"
            kind = Kind(
                name,
                origin.source,
                read_only,
                user_name(principal) if own else "",
                principal.access_key_id if own else "",
            )
            number = self._kinds.get(kind)
            if number is None:
                number = self._kinds[kind] = len(self._by_number)
                self._by_number.append(kind)
            cell = block.cells.get((account, region))
            if cell is None:
                cell = block.cells[account, region] = Cell()
            cell.positions.append(place.position)
            cell.ordinals.append(place.ordinal)
            cell.times.append(record.time)
            cell.kinds.append(number)
            cell.ids.append(id_bits(event_id(record.request_id, account)))

    def read(self, places: Sequence[Place], hint: bytes = b"") -> dict[Place, CallRecord]:
        """The records at some places; with a hint, only those whose bytes hold it."""
        found: dict[Place, CallRecord] = {}
        for first, last, wanted in _runs(places):
            for entry in self._world.records(after=first - 1):
                ordinals = wanted.get(entry.position)
                if ordinals is not None and hint in entry.record:
                    records = decode(entry.record)
                    for ordinal in ordinals:
                        found[Place(entry.position, ordinal)] = records[ordinal]
                if entry.position >= last:
                    break
        return found


def _runs(places: Sequence[Place]) -> Iterator[tuple[int, int, dict[int, list[int]]]]:
    """Places gathered into stretches of positions that are read in one go."""
    wanted: dict[int, list[int]] = {}
    first = last = 0
    for place in sorted(places):
        if wanted and place.position - last > APART:
            yield first, last, wanted
            wanted = {}
        if not wanted:
            first = place.position
        last = place.position
        wanted.setdefault(place.position, []).append(place.ordinal)
    if wanted:
        yield first, last, wanted


def id_bits(event: str) -> int:
    """The first 32 bits of an event's id; no id of ours begins so: 0."""
    try:
        return int(event[:8], 16)
    except ValueError:
        return 0


__all__ = ["BLOCK", "History", "Kind", "Place", "id_bits"]
