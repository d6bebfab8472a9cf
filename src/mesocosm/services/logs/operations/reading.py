"""GetLogEvents and FilterLogEvents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import decode_token, encode_token
from mesocosm.call.service import Need
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.encryption import opener
from mesocosm.services.logs.operations.groups import END, invalid_token, visible_since
from mesocosm.services.logs.operations.masking import masker
from mesocosm.services.logs.resources.events import (
    Batch,
    Event,
    Load,
    Place,
    backward,
    chunk_events,
    forward,
    spans_of,
)
from mesocosm.services.logs.resources.rows import events, streams
from mesocosm.services.logs.resources.targets import (
    Found,
    bad,
    find,
    find_stream,
    group_arn,
    one_of,
    standard_only,
    stream_arn,
)
from mesocosm.services.logs.rules.limits import EVENT_OVERHEAD, PAGE_BYTES
from mesocosm.services.logs.rules.pattern import Pattern, parse
from mesocosm.world import Span

PAGE_EVENTS = 10_000
SCAN_BYTES = 32 << 20
"""Bytes of events that one FilterLogEvents looks through, about 60 ms of work; a token goes on."""

DECODED = 8
"""How many times as long a byte takes whose message has to be looked at by itself."""

LATEST_ONLY_FROM = 1_704_067_200_000
_EVERYTHING = parse("")


def loader(
    call: Call,
    found: Found,
    pattern: Pattern,
    since: float,
    until: float,
    used: Callable[[Span, int], None] | None = None,
) -> Load:
    """Reads the matching events of spans, from `since` up to but not with `until` (ms)."""
    content_of = opener(call, found.at)
    where = None if found.group.sealed else pattern.where
    matches = None if pattern.everything else pattern.matches

    def load(stream: str, span: Span) -> list[Event]:
        if used is not None:
            used(span, span.size)
        whole = span.start >= since and span.end < until
        loaded: list[Event] = []
        for chunk in span.chunks(where):
            if not whole and (chunk.end < since or chunk.start >= until):
                continue
            content = content_of(chunk.payload)
            if matches is None:
                made = chunk_events(stream, chunk, content)
            else:
                if used is not None:
                    used(span, DECODED * len(chunk.payload))
                ingested, times, messages = content
                made = [
                    Event(times[number], stream, chunk.sequence, number, ingested, message)
                    for number, message in enumerate(messages)
                    if matches(message)
                ]
            if not whole:
                made = [event for event in made if since <= event.timestamp < until]
            loaded += made
        return loaded

    return load


def unmasking(call: Call, request: Any) -> list[Need]:
    """Who wants to see what is masked needs a permission more."""
    if not request.unmask:
        return []
    arn = stream_arn(call, request) if hasattr(request, "log_stream_name") else None
    return [Need("logs:Unmask", arn or group_arn(call, request))]


# -- GetLogEvents -----------------------------------------------------------------------------


def _token(direction: str, place: Place) -> str:
    parts = (int(place.timestamp), place.sequence + 1, place.number + 2)
    return f"{direction}/{parts[0]:014d}{parts[1]:018d}{parts[2]:024d}/s"


def _place(token: str) -> tuple[str, Place]:
    direction, _, rest = token.partition("/")
    digits = rest.removesuffix("/s")
    if direction not in ("f", "b") or len(digits) != 56 or not digits.isdecimal():
        raise invalid_token()
    sequence, number = int(digits[14:32]) - 1, int(digits[32:]) - 2
    return direction, Place(int(digits[:14]), "", sequence, number)


def _at(event: Event) -> Place:
    return Place(event.timestamp, "", event.sequence, event.number)


@logs.operation("GetLogEvents", resource=stream_arn, needs=unmasking)
def get_log_events(call: Call, request: api.GetLogEventsRequest) -> api.GetLogEventsResponse:
    """The events of a stream, forward or backward from a place."""
    found = find(call, one_of(request.log_group_name, request.log_group_identifier))
    standard_only(found, "GetLogEvents")
    stream = find_stream(call, found, request.log_stream_name)
    direction, place = ("f" if request.start_from_head else "b"), None
    if request.next_token:
        direction, place = _place(request.next_token)
    since = max(float(request.start_time or 0), visible_since(found.group, call.now))
    until = float(request.end_time) if request.end_time is not None else math.inf
    # With a token only what lies beyond its place is read.
    first, after = since, until
    if place is not None:
        first, after = (
            (max(since, place.timestamp), until)
            if direction == "f"
            else (since, min(until, place.timestamp + 1))
        )
    stored = call.world.segments(events, found.at.account, found.at.region)
    spans = spans_of(stored, [("", stream.id)], first, after)
    load = loader(call, found, _EVERYTHING, first, after)
    order = (forward if direction == "f" else backward)(spans, load)
    taken = _take(order, place, direction, request.limit or PAGE_EVENTS)
    if direction == "b":
        taken.reverse()
    mask = masker(call, found, unmask=bool(request.unmask))
    if taken:
        ahead, behind = _at(taken[-1]), _at(taken[0])
    else:
        ahead = behind = place or Place(max(first, 0.0))
        if direction == "f":
            behind = behind._replace(number=behind.number + 1)
        else:
            ahead = ahead._replace(number=max(ahead.number - 1, -2))
    return api.GetLogEventsResponse(
        events=[
            api.OutputLogEvent(
                timestamp=event.timestamp,
                message=mask(event) if mask else event.message,
                ingestion_time=event.ingested,
            )
            for event in taken
        ],
        next_forward_token=_token("f", ahead),
        next_backward_token=_token("b", behind),
    )


def _take(batches: Iterator[Batch], place: Place | None, direction: str, limit: int) -> list[Event]:
    """As many events beyond a place as an answer holds: `limit`, and a megabyte."""
    taken: list[Event] = []
    size = 0
    for batch, _ in batches:
        for event in batch:
            if place is not None:
                at = _at(event)
                if at <= place if direction == "f" else at >= place:
                    continue
            size += len(event.message) + EVENT_OVERHEAD
            if len(taken) == limit or (size > PAGE_BYTES and taken):
                return taken
            taken.append(event)
    return taken


# -- FilterLogEvents --------------------------------------------------------------------------


def _chosen(call: Call, found: Found, request: api.FilterLogEventsRequest) -> list[tuple[str, str]]:
    """Names and ids of the streams that are asked for."""
    rows = call.rows(streams, found.at.account, found.at.region)
    group = found.group.id
    prefix = request.log_stream_name_prefix
    if request.log_stream_names and prefix:
        raise bad("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    if request.log_stream_names:
        names = sorted(set(request.log_stream_names))
        return [(name, find_stream(call, found, name).id) for name in names]
    prefix = prefix or ""
    keys = rows.range((group, prefix), (group, prefix + END))
    return [(key[1], rows[key].id) for key in keys]


class _Start(NamedTuple):
    direction: str
    place: Place


def _start(request: api.FilterLogEventsRequest) -> _Start | None:
    if not request.next_token:
        return None
    parts = decode_token(request.next_token, invalid_token).split("\n")
    try:
        direction, timestamp, sequence, number, stream = parts
        return _Start(direction, Place(float(timestamp), stream, int(sequence), int(number)))
    except ValueError:
        raise invalid_token() from None


def _next(direction: str, place: Place) -> str:
    parts = (direction, repr(place.timestamp), place.sequence, place.number, place.stream)
    return encode_token("\n".join(map(str, parts)))


@logs.operation("FilterLogEvents", resource=group_arn, needs=unmasking)
def filter_log_events(
    call: Call, request: api.FilterLogEventsRequest
) -> api.FilterLogEventsResponse:
    """The events of a group's streams that match a pattern, in the order of time.

    As in AWS an answer may hold few events, or none, and a token: then there is more to look at.
    """
    found = find(call, one_of(request.log_group_name, request.log_group_identifier))
    standard_only(found, "FilterLogEvents")
    pattern = parse(request.filter_pattern or "")
    since = max(float(request.start_time or 0), visible_since(found.group, call.now))
    until = math.inf if request.end_time is None else request.end_time + 1.0
    if request.start_time is not None and until <= request.start_time:
        raise bad("Start time must be less than or equal to end time.")
    start = _start(request)
    direction = "b" if request.start_from_head is False else "f"
    if start is not None:
        direction = start.direction
    elif direction == "b" and (request.start_time or 0) < LATEST_ONLY_FROM:
        raise bad("startFromHead can be false only when startTime is on or after 2024-01-01.")
    scan = _Scan(call, found, pattern, since, until, direction, start.place if start else None)
    taken, place = scan.page(_chosen(call, found, request), request.limit or PAGE_EVENTS)
    mask = masker(call, found, unmask=bool(request.unmask))
    return api.FilterLogEventsResponse(
        events=[
            api.FilteredLogEvent(
                log_stream_name=event.stream,
                timestamp=event.timestamp,
                message=mask(event) if mask else event.message,
                ingestion_time=event.ingested,
                event_id=event.id,
            )
            for event in taken
        ],
        searched_log_streams=[],
        next_token=None if place is None else _next(direction, place),
    )


class _Scan:
    """One answer of FilterLogEvents: looks through spans until the answer or the patience ends."""

    def __init__(
        self,
        call: Call,
        found: Found,
        pattern: Pattern,
        since: float,
        until: float,
        direction: str,
        after: Place | None,
    ) -> None:
        self._call, self._found, self._pattern = call, found, pattern
        self._since, self._until = since, until
        self._ahead = direction == "f"
        self._after = after
        self._read = 0
        if after is not None and self._ahead:
            self._since = max(since, after.timestamp)
        elif after is not None:
            self._until = min(until, after.timestamp + 1)

    def page(self, chosen: list[tuple[str, str]], limit: int) -> tuple[list[Event], Place | None]:
        """Events, and the place to go on after (None: there is nothing more)."""
        at = self._found.at
        stored = self._call.world.segments(events, at.account, at.region)
        spans = spans_of(stored, chosen, self._since, self._until)
        load = loader(self._call, self._found, self._pattern, self._since, self._until, self._count)
        taken: list[Event] = []
        size = 0
        for batch, frontier in (forward if self._ahead else backward)(spans, load):
            for event in batch:
                if self._after is not None and not self._beyond(event, self._after):
                    continue
                size += len(event.message) + EVENT_OVERHEAD
                if len(taken) == limit or (size > PAGE_BYTES and taken):
                    last = taken[-1]
                    return taken, Place(last.timestamp, last.stream, last.sequence, last.number)
                taken.append(event)
            if self._read > SCAN_BYTES and self._further(frontier):
                return taken, self._edge(frontier)
        return taken, None

    def _beyond(self, event: Event, place: Place) -> bool:
        return event[:4] > place if self._ahead else event[:4] < place

    def _further(self, instant: float) -> bool:
        """Whether an instant lies beyond the one where this page begins."""
        if self._after is None or not math.isfinite(instant):
            return math.isfinite(instant)
        begin = self._after.timestamp
        return instant > begin if self._ahead else instant < begin

    def _edge(self, frontier: float) -> Place:
        """The place between what was looked at and what was not."""
        return Place(frontier) if self._ahead else Place(frontier, END)

    def _count(self, span: Span, size: int) -> None:
        # What is read again, since it reaches into this page from the last one, is not counted:
        # so that each page gets further.
        if not self._further(span.start if self._ahead else span.end):
            return
        self._read += size
