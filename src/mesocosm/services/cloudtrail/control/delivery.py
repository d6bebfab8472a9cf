"""Log files: about every five minutes the new events of a trail go to its bucket.

A trail remembers the position in the journal up to which it has delivered, in the transaction that
writes the files: nothing is delivered twice, nothing is lost, and a rewind takes both back.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from mesocosm.call.record import CallRecord, decode
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import notices, storage
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import event as events
from mesocosm.services.cloudtrail.rules import names, selectors
from mesocosm.services.cloudtrail.rules.origins import Origin, Origins, event_region
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

EVERY_SECONDS = 300.0
RETRY_SECONDS = 900.0
AT_ONCE = 2_000
"""Events delivered together; a trail with more goes on at once."""
SLICE = 24
"""Records looked at before calls go between: some 5 ms."""

GZIP = 31
"""zlib's sign for a gzip header, which it writes without a time."""

Cell = tuple[str, str]


class Pool(Protocol):
    """What takes the events of one cell."""

    def add(self, event: dict[str, Any], time: float) -> None: ...


P = TypeVar("P", bound=Pool)


class Batch:
    """The events of one account and Region that go into one file, compressed as they come."""

    def __init__(self) -> None:
        self.newest = 0.0
        self.oldest = float("inf")
        self._packing = zlib.compressobj(6, wbits=GZIP)
        self._packed = bytearray()
        self._hash = hashlib.sha256()
        self._before = b'{"Records":['

    def add(self, event: dict[str, Any], time: float) -> None:
        """Take an event that happened at `time`."""
        self._feed(self._before + msgspec.json.encode(event))
        self._before = b","
        self.newest = max(self.newest, time)
        self.oldest = min(self.oldest, time)

    def finish(self) -> tuple[bytes, str]:
        """The file, and the digest of what it holds (sha256, hexadecimal)."""
        self._feed(b"]}")
        return bytes(self._packed) + self._packing.flush(), self._hash.hexdigest()

    def _feed(self, data: bytes) -> None:
        self._packed += self._packing.compress(data)
        self._hash.update(data)


class Stretch(Protocol):
    """Which events are gathered: from where in the journal to where, at most how many, in which
    cell each belongs, and after which position those of a cell are wanted.
    """

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def limit(self) -> int: ...
    def cell(self, account: str, region: str) -> Cell: ...
    def after(self, cell: Cell) -> float: ...


class Files:
    """What goes into the bucket: what waits after a failure, whole, since its place lies before
    what is new.
    """

    def __init__(self, call: Call, progress: rows.Progress, limit: int = AT_ONCE) -> None:
        self._position = progress.position
        self._waiting = {cell_of(name): position for name, position in progress.held.items()}
        self.start = min([progress.position, *self._waiting.values()])
        self.end = call.world.position
        self.limit = sys.maxsize if self._waiting else limit

    def cell(self, account: str, region: str) -> Cell:
        """An account and Region have their files."""
        return account, region

    def after(self, cell: Cell) -> float:
        """Where the last file of the cell ended."""
        return self._waiting.get(cell, self._position)


def cell_of(name: str) -> Cell:
    """A cell by its name in `Progress.held`."""
    account, _, region = name.partition("/")
    return account, region


class Gathering(Generic[P]):
    """The events that a trail delivers next, gathered a slice at a time.

    `until`: the position reached; `more`: there are further ones. It is kept in memory only: where
    it is lost (a restart, a rewind) it begins anew at the trail's position.
    """

    def __init__(
        self,
        call: Call,
        trail: rows.Trail,
        progress: rows.Progress,
        stretch: Stretch,
        pool: Callable[[], P],
    ) -> None:
        self.trail = trail
        self.progress = progress
        self.batches: dict[Cell, P] = {}
        self.until = stretch.start
        self.more = False
        self._pool = pool
        self._looking = self._look(call, stretch)

    def advance(self, records: int | None = None) -> bool:
        """Look at so many further records (None: all of them); whether that was the last."""
        looked = sum(1 for _ in islice(self._looking, records))
        return records is None or looked < records

    def _look(self, call: Call, stretch: Stretch) -> Iterator[None]:
        trail, progress = self.trail, self.progress
        origins, accounts = Origins(call.cloud.catalogue), covered(call, trail)
        last = trail.stopped if progress.draining and trail.stopped else float("inf")
        count, before = 0, stretch.start
        for entry in call.world.records(after=stretch.start, until=stretch.end):
            if count >= stretch.limit:
                self.until, self.more = before, True
                return
            for record in decode(entry.record):
                if record.time <= last:
                    origin = origins.of(record.service)
                    shared = len(events.recipients(record)) > 1
                    for account in takers(trail, accounts, origin, record):
                        cell = stretch.cell(account, event_region(origin, record.region))
                        if entry.position > stretch.after(cell):
                            event = events.event(record, origin, account, shared)
                            pool = self.batches.get(cell)
                            if pool is None:
                                pool = self.batches[cell] = self._pool()
                            pool.add(event, record.time)
                            count += 1
            before = entry.position
            yield
        self.until = stretch.end


class Underway:
    """What is being gathered for each trail of a world."""

    def __init__(self, world: World) -> None:
        self.gatherings: dict[str, Gathering[Any]] = {}

    def of(self, name: str, trail: rows.Trail, progress: rows.Progress) -> Gathering[Any] | None:
        """What is being gathered for a trail as it is now, from where it is now."""
        found = self.gatherings.get(name)
        if found is None or found.trail is not trail or found.progress is not progress:
            return None
        return found


class Seen:
    """The newest call each trail has looked at: while none follows, the journal is not read.

    `made`: the calls that deliveries consist of. They are events as any, and come with the next
    delivery; but none is made for them alone, which would make more of them, without an end.
    """

    MADE_MAX = 4_096

    def __init__(self, world: World) -> None:
        self.newest: dict[str, CallRecord] = {}
        self.made: dict[str, None] = {}

    def note(self, call: Call) -> None:
        """What a delivery has called."""
        self.made.update((record.request_id, None) for record in call.records)
        for name in list(islice(self.made, max(len(self.made) - self.MADE_MAX, 0))):
            del self.made[name]


def begin(call: Call, trail: rows.Trail) -> None:
    """Logging starts: what happens from now on is delivered."""
    position = call.world.position
    row = call.rows(rows.progress, trail.account, trail.region).get(trail.name)
    row = row or rows.Progress(position=position)
    row = msgspec.structs.replace(
        row, position=position, held={}, draining=False, error="", digest_start=call.now
    )
    store(call, trail, row)
    arm(call, trail, EVERY_SECONDS)


def arm(call: Call, trail: rows.Trail, seconds: float) -> None:
    """Deliver again in so many seconds."""
    due = call.now + seconds
    call.timers.at(due, cloudtrail.name, "deliver", trail.name, trail.account, trail.region)


def store(call: Call, trail: rows.Trail, row: rows.Progress) -> None:
    """Write how far a trail has come."""
    call.rows(rows.progress, trail.account, trail.region)[trail.name] = row


@cloudtrail.timer("deliver")
def deliver(call: Call, name: str) -> None:
    """Deliver what is new, and see to it that it goes on."""
    trail = call.rows(rows.trails).get(name)
    progress = call.rows(rows.progress).get(name)
    if trail is None or progress is None or not (trail.logging or progress.draining):
        return
    underway = call.world.derived(Underway)
    gathering = underway.of(trail.arn, trail, progress)
    if gathering is None:
        owes = bool(progress.held or progress.draining)
        if quiet(call, trail, trail.arn, owes):
            arm(call, trail, EVERY_SECONDS)
            return
        gathering = Gathering(call, trail, progress, Files(call, progress), Batch)
    underway.gatherings.pop(trail.arn, None)  # one that fails begins anew
    if not gathering.advance(SLICE):
        underway.gatherings[trail.arn] = gathering
        arm(call, trail, 0.0)
        return
    progress, more = written(call, gathering)
    seen = call.world.derived(Seen)
    seen.note(call)
    if more:
        seen.newest.pop(trail.arn, None)
        arm(call, trail, 0.0)
    elif progress.held:
        arm(call, trail, RETRY_SECONDS)
    elif trail.logging:
        arm(call, trail, EVERY_SECONDS)
    else:
        from mesocosm.services.cloudtrail.control.digests import finish

        finish(call, trail)


def quiet(call: Call, trail: rows.Trail, name: str, owes: bool) -> bool:
    """Whether nothing has happened for a trail since this was asked last under a name; what it
    `owes` from before counts, too.
    """
    newest, seen = call.cloud.calls.newest, call.world.derived(Seen).newest
    found = not owes and nothing_since(call, trail, seen.get(name))
    if newest is not None:
        seen[name] = newest
    return found


def nothing_since(call: Call, trail: rows.Trail, seen: CallRecord | None) -> bool:
    """Whether no call after one that was seen is for the trail, as far as the newest calls tell."""
    if seen is None:
        return False
    origins = Origins(call.cloud.catalogue)
    accounts = covered(call, trail)
    made = call.world.derived(Seen).made
    for record in reversed(call.cloud.calls):
        if record.request_id == seen.request_id:
            return True
        if record.request_id not in made and takers(
            trail, accounts, origins.of(record.service), record
        ):
            return False
    return False


def settled(call: Call, trail: rows.Trail, progress: rows.Progress) -> None:
    """Deliver everything after the trail's position within this call: a client's waits from slice
    to slice, so that other calls go between.
    """
    name = f"{trail.arn} settled"
    stretch = Files(call, progress, sys.maxsize)
    new = Gathering(call, trail, progress, stretch, Batch)
    written(call, gathered(call, name, new))
    call.world.derived(Underway).gatherings.pop(name, None)


def gathered(call: Call, name: str, new: Gathering[P]) -> Gathering[P]:
    """The gathering under a name once it is complete, `new` if there is none; until then the call
    waits. Whoever has written it takes it out of what is underway.
    """
    underway = call.world.derived(Underway)
    gathering = underway.of(name, new.trail, new.progress) or new
    underway.gatherings[name] = gathering
    if not gathering.advance(SLICE if call.http is not None else None):
        raise call.wait(name, call.now)
    return gathering


def written(call: Call, gathering: Gathering[Batch]) -> tuple[rows.Progress, bool]:
    """Write the files of what was gathered; returns how far the trail has come, and whether there
    is more.
    """
    trail, progress, batches = gathering.trail, gathering.progress, gathering.batches
    held: dict[str, int] = {}
    error, delivered = "", progress.delivered
    keys: list[str] = []
    for cell, batch in batches.items():
        try:
            keys.append(_write(call, trail, cell, batch))
            delivered = call.now
        except AwsError as refused:
            error = refused.code
            name = "/".join(cell)
            held[name] = progress.held.get(name, progress.position)
    row = msgspec.structs.replace(
        progress,
        position=gathering.until,
        held=held,
        delivered=delivered,
        attempted=call.now if batches else progress.attempted,
        error=error if batches else progress.error,
    )
    if keys and trail.topic:
        row = notices.notify(call, trail, row, keys)
    store(call, trail, row)
    return row, gathering.more


def takers(
    trail: rows.Trail, accounts: frozenset[str], origin: Origin, record: CallRecord
) -> list[str]:
    """The accounts among those of the trail that receive an event, if the trail takes it."""
    region = event_region(origin, record.region)
    if not trail.multi_region and region != trail.region:
        return []
    if origin.is_global and not trail.include_global:
        return []
    mine = [account for account in events.recipients(record) if account in accounts]
    if not mine or _own_delivery(trail, record):
        return []
    facts = selectors.facts_of(record, origin)
    return mine if selectors.selected(facts, trail.selectors, trail.advanced) else []


def _own_delivery(trail: rows.Trail, record: CallRecord) -> bool:
    """Whether this is the delivery of log files, which a trail without recursive logging omits."""
    if trail.recursive is not False or cloudtrail.source not in record.principal.services:
        return False
    bucket = f"arn:aws:s3:::{trail.bucket}"
    return any(one.resource.partition("/")[0] == bucket for one in record.judgements)


def covered(call: Call, trail: rows.Trail) -> frozenset[str]:
    """The accounts whose events the trail takes."""
    if not trail.organization:
        return frozenset({trail.account})
    provider: Any = call.cloud.provider("organization")
    return frozenset({trail.account, *provider.members(trail.account)})


def _write(call: Call, trail: rows.Trail, cell: Cell, batch: Batch) -> str:
    """Write the file of a cell; returns its key."""
    account, region = cell
    packed, digest = batch.finish()
    start = names.folder(trail.prefix, trail.organization, account, "CloudTrail")
    key = names.log_key(start, account, region, call.now, call.ids.alphanumeric(16))
    storage.write(call, trail, key, packed, sealed=True)
    if trail.validation:
        chains = call.rows(rows.chains, trail.account, trail.region)
        place = (trail.name, account, region)
        chain = chains.get(place)
        if chain is None:
            progress = call.rows(rows.progress, trail.account, trail.region)[trail.name]
            chain = rows.Chain(start=progress.digest_start or call.now)
        file = rows.LogFile(trail.bucket, key, digest, batch.newest, batch.oldest)
        chains[place] = msgspec.structs.replace(chain, files=(*chain.files, file))
    return key
