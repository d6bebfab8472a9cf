"""What subscription filters send away: each chunk of events, once to each receiver.

A chunk that waits is a row; the reaction to it delivers, and when a receiver refuses a timer tries
again, ever more slowly and for a day, as AWS does.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.encryption import opener
from mesocosm.services.logs.operations.masking import masker
from mesocosm.services.logs.operations.receivers import put_record, subscribed
from mesocosm.services.logs.resources.events import chunk_events
from mesocosm.services.logs.resources.rows import (
    DELIVERY_ERRORS,
    FORWARDED_BYTES,
    FORWARDED_EVENTS,
    Delivery,
    Subscription,
    deliveries,
    events,
)
from mesocosm.services.logs.resources.targets import Found, find
from mesocosm.services.logs.rules.messages import data_messages
from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.errors import AwsError
from mesocosm.world import Change

RETRY_SECONDS = 24 * 3600.0
LONGEST_PAUSE = 900.0
ACCOUNT = "account:"


@logs.reaction(deliveries)
def waits(call: Call, change: Change) -> None:
    """A chunk waits: deliver it, unless it has waited before."""
    if change.new is not None and change.old is None:
        _deliver(call, change.key)


@logs.timer("deliver")
def deliver_again(call: Call, key: str) -> None:
    """Try again what a receiver did not take."""
    stream, _, sequence = key.partition(" ")
    _deliver(call, (stream, int(sequence)))


def _deliver(call: Call, key: tuple[str, int]) -> None:
    rows = call.rows(deliveries)
    row = rows.get(key)
    if row is None:
        return
    try:
        found = find(call, row.group)
    except AwsError:
        del rows[key]
        return
    done = set(row.done)
    waiting = [each for each in subscribed(call, found.group) if each.name not in done]
    for each in waiting:
        try:
            _send(call, found, row, each)
        except AwsError:
            call.cloud.meter.count(
                call.account, call.region, DELIVERY_ERRORS, _dimensions(each), 1.0
            )
        else:
            done.add(each.name)
    if all(each.name in done for each in waiting) or call.now - row.since > RETRY_SECONDS:
        del rows[key]
        return
    rows[key] = replace(row, done=tuple(sorted(done)), attempts=row.attempts + 1)
    call.at(call.now + min(2.0**row.attempts, LONGEST_PAUSE), "deliver", f"{key[0]} {key[1]}")


def _dimensions(row: Subscription) -> tuple[tuple[str, str], ...]:
    kind = "Firehose" if ":firehose:" in row.destination else "LogDestination"
    return (
        ("DestinationType", kind),
        ("FilterName", row.name.removeprefix(ACCOUNT)),
        ("LogGroupName", row.group),
    )


def _send(call: Call, found: Found, row: Delivery, each: Subscription) -> None:
    stored = call.world.segments(events, call.account, call.region)
    chunk = stored.chunk(row.stream_id, row.sequence)
    if chunk is None:
        return
    pattern = parse(each.pattern)
    content = opener(call, found.at)(chunk.payload)
    mask = masker(call, found)
    chosen = [
        {
            "id": event.id,
            "timestamp": event.timestamp,
            "message": mask(event) if mask else event.message,
        }
        for event in chunk_events(row.stream, chunk, content)
        if pattern.matches(event.message)
    ]
    if not chosen:
        return
    name = each.name.removeprefix(ACCOUNT)
    records = data_messages(call.account, row.group, row.stream, name, chosen)
    for record in records:
        put_record(call, each.destination, each.role, record)
    meter, dimensions = call.cloud.meter, _dimensions(each)
    meter.count(call.account, call.region, FORWARDED_EVENTS, dimensions, float(len(chosen)))
    size = float(sum(map(len, records)))
    meter.count(call.account, call.region, FORWARDED_BYTES, dimensions, size)
