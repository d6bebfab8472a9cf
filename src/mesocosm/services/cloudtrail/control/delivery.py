"""Log files: about every five minutes the new events of a trail go to its bucket.

A trail remembers the position in the journal up to which it has delivered, in the transaction that
writes the files: nothing is delivered twice, nothing is lost, and a rewind takes both back.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.call.record import CallRecord, decode
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import storage
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import digests as digest_rules
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
"""Events delivered in one go; a trail with more goes on at once, and calls go between."""

Cell = tuple[str, str]


class Batch:
    """The events of one account and Region that go into one file."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.newest = 0.0
        self.oldest = float("inf")

    def add(self, event: dict[str, Any], time: float) -> None:
        """Take an event that happened at `time`."""
        self.events.append(event)
        self.newest = max(self.newest, time)
        self.oldest = min(self.oldest, time)


class Seen:
    """The newest call each trail has looked at: while none follows, the journal is not read."""

    def __init__(self, world: World) -> None:
        self.newest: dict[str, CallRecord] = {}


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
    seen = call.world.derived(Seen).newest
    newest = call.cloud.calls.newest
    owes = progress.held or progress.draining
    quiet = not owes and nothing_since(call, trail, seen.get(trail.arn))
    if newest is not None:
        seen[trail.arn] = newest
    if quiet:
        arm(call, trail, EVERY_SECONDS)
        return
    progress, more = run(call, trail, progress)
    if more:
        seen.pop(trail.arn, None)
        arm(call, trail, 0.0)
    elif progress.held:
        arm(call, trail, RETRY_SECONDS)
    elif trail.logging:
        arm(call, trail, EVERY_SECONDS)
    else:
        from mesocosm.services.cloudtrail.control.digests import finish

        finish(call, trail)


def nothing_since(call: Call, trail: rows.Trail, seen: CallRecord | None) -> bool:
    """Whether no call after one that was seen is for the trail, as far as the newest calls tell."""
    if seen is None:
        return False
    origins = Origins(call.cloud.catalogue)
    accounts = covered(call, trail)
    for record in reversed(call.cloud.calls):
        if record.request_id == seen.request_id:
            return True
        if takers(trail, accounts, origins.of(record.service), record):
            return False
    return False


def run(
    call: Call, trail: rows.Trail, progress: rows.Progress, limit: int = AT_ONCE
) -> tuple[rows.Progress, bool]:
    """Deliver the events after the trail's position; returns how far it has come, and whether
    there is more.
    """
    batches, until, more = gather(call, trail, progress, limit)
    held: dict[str, int] = {}
    error, delivered = "", progress.delivered
    for cell, batch in batches.items():
        try:
            _write(call, trail, cell, batch)
            delivered = call.now
        except AwsError as refused:
            error = refused.code
            name = "/".join(cell)
            held[name] = progress.held.get(name, progress.position)
    row = msgspec.structs.replace(
        progress,
        position=until,
        held=held,
        delivered=delivered,
        attempted=call.now if batches else progress.attempted,
        error=error if batches else progress.error,
    )
    store(call, trail, row)
    return row, more


def gather(
    call: Call, trail: rows.Trail, progress: rows.Progress, limit: int
) -> tuple[dict[Cell, Batch], int, bool]:
    """The events to deliver by account and Region, the position reached, and whether more follow.

    What waits after a failure is taken whole, since its place lies before what is new.
    """
    origins = Origins(call.cloud.catalogue)
    accounts = covered(call, trail)
    batches: dict[Cell, Batch] = {}
    waiting = {tuple(name.split("/")): position for name, position in progress.held.items()}
    start = min([progress.position, *waiting.values()])
    count, until = 0, call.world.position
    before = start
    last = trail.stopped if progress.draining and trail.stopped else float("inf")
    for entry in call.world.records(after=start):
        if count >= limit and not waiting:
            return batches, before, True
        for record in decode(entry.record):
            if record.time > last:
                continue
            origin = origins.of(record.service)
            shared = len(events.recipients(record)) > 1
            for account in takers(trail, accounts, origin, record):
                cell = (account, event_region(origin, record.region))
                if entry.position > waiting.get(cell, progress.position):
                    event = events.event(record, origin, account, shared)
                    batches.setdefault(cell, Batch()).add(event, record.time)
                    count += 1
        before = entry.position
    return batches, until, False


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


def _write(call: Call, trail: rows.Trail, cell: Cell, batch: Batch) -> None:
    account, region = cell
    content = msgspec.json.encode({"Records": batch.events})
    start = names.folder(trail.prefix, trail.organization, account, "CloudTrail")
    key = names.log_key(start, account, region, call.now, call.ids.alphanumeric(16))
    storage.write(call, trail, key, digest_rules.packed(content))
    if trail.validation:
        chains = call.rows(rows.chains, trail.account, trail.region)
        place = (trail.name, account, region)
        chain = chains.get(place)
        if chain is None:
            progress = call.rows(rows.progress, trail.account, trail.region)[trail.name]
            chain = rows.Chain(start=progress.digest_start or call.now)
        file = rows.LogFile(
            trail.bucket, key, hashlib.sha256(content).hexdigest(), batch.newest, batch.oldest
        )
        chains[place] = msgspec.structs.replace(chain, files=(*chain.files, file))
