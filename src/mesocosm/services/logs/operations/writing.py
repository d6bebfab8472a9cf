"""PutLogEvents."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations import measuring
from mesocosm.services.logs.operations.auditing import announce_audit
from mesocosm.services.logs.operations.encryption import sealed
from mesocosm.services.logs.operations.groups import expire_later
from mesocosm.services.logs.operations.receivers import announce
from mesocosm.services.logs.operations.streams import sequence_token
from mesocosm.services.logs.resources.events import encode
from mesocosm.services.logs.resources.rows import Group, events, streams
from mesocosm.services.logs.resources.targets import bad, find, find_stream, stream_arn
from mesocosm.services.logs.rules.limits import (
    BATCH_BYTES,
    DAY_MS,
    EVENT_OVERHEAD,
    TOO_NEW_MS,
    TOO_OLD_MS,
)


@logs.operation(
    "PutLogEvents", resource=stream_arn, category="data", read_only=False, hide=("logEvents",)
)
def put_log_events(call: Call, request: api.PutLogEventsRequest) -> api.PutLogEventsResponse:
    """Append a batch of events to a stream."""
    found = find(call, request.log_group_name)
    stream = find_stream(call, found, request.log_stream_name)
    times = [event.timestamp for event in request.log_events]
    messages = [event.message for event in request.log_events]
    size = _checked(times, messages)
    now = int(call.now * 1000)
    start, stop, rejected = _accepted(found.group, times, now)
    if rejected is not None:
        times, messages = times[start:stop], messages[start:stop]
        size = _bytes(messages)
    if times:
        payload = encode((now, times, messages))
        if found.group.kms_key:
            payload = sealed(call, found, payload)
        stored = call.world.segments(events, call.account, call.region)
        sequence = stored.append(stream.id, times[0], times[-1], len(times), payload)
        stream = replace(
            stream,
            first=times[0] if stream.first < 0 else min(stream.first, times[0]),
            last=max(stream.last, times[-1]),
            ingested=call.now,
        )
        call.rows(streams)[found.group.id, stream.name] = stream
        announce(call, found.group, stream, sequence)
        announce_audit(call, found, stream, sequence)
        if found.group.retention:
            expire_later(call, found.group, times[0])
        measuring.ingested(call, found, times, messages, size)
    return api.PutLogEventsResponse(
        next_sequence_token=sequence_token(stream), rejected_log_events_info=rejected
    )


def _bytes(messages: list[str]) -> int:
    joined = "".join(messages)
    length = len(joined) if joined.isascii() else len(joined.encode("utf-8", "surrogatepass"))
    return length + EVENT_OVERHEAD * len(messages)


def _checked(times: list[int], messages: list[str]) -> int:
    """The bytes of a batch. Raises what AWS says of one that is too large or in disorder."""
    size = _bytes(messages)
    if size > BATCH_BYTES:
        largest = max(_bytes([message]) for message in messages)
        if largest > BATCH_BYTES:
            raise bad(f"Log event too large: {largest} bytes exceeds limit of {BATCH_BYTES}")
        raise bad(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES}")
    if sorted(times) != times:
        raise bad("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > DAY_MS:
        raise bad(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )
    return size


def _accepted(
    group: Group, times: list[int], now: int
) -> tuple[int, int, api.RejectedLogEventsInfo | None]:
    """The first event that is taken, the first after it that is not, and what AWS says of the
    others."""
    expired = now - group.retention * DAY_MS if group.retention else 0
    oldest, newest = now - TOO_OLD_MS, now + TOO_NEW_MS
    if times[0] >= max(oldest, expired) and times[-1] <= newest:
        return 0, len(times), None
    too_new = bisect_right(times, newest)
    too_old = bisect_left(times, oldest)
    gone = bisect_left(times, expired) if expired > oldest else 0
    return (
        max(too_old, gone),
        too_new,
        api.RejectedLogEventsInfo(
            too_new_log_event_start_index=too_new if too_new < len(times) else None,
            too_old_log_event_end_index=too_old or None,
            expired_log_event_end_index=gone or None,
        ),
    )
