"""StartLiveTail: the events that come in from now on, each second, over an event stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.record import encode
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.encryption import opener
from mesocosm.services.logs.operations.masking import masker
from mesocosm.services.logs.resources.events import Event, chunk_events
from mesocosm.services.logs.resources.rows import Stream, events, streams
from mesocosm.services.logs.resources.targets import (
    Found,
    bad,
    find,
    split_group,
    standard_only,
)
from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.message import Events
from mesocosm.world import Change

SESSION_SECONDS = 3 * 3600.0
EVENTS_MAX = 500
"""Events of one update; when more came in, it is a sample of them."""


def _groups(call: Call, request: api.StartLiveTailRequest) -> list[str]:
    found = [split_group(one) for one in request.log_group_identifiers]
    return [f"{one.arn}:log-stream:" if one else "*" for one in found]


@logs.operation("StartLiveTail", resource=_groups, read_only=True, hide=("responseStream",))
def start_live_tail(call: Call, request: api.StartLiveTailRequest) -> api.StartLiveTailResponse:
    """Follow the events of groups as they come in."""
    found = []
    for identifier in request.log_group_identifiers:
        if split_group(identifier) is None or identifier.endswith("*"):
            raise bad("logGroupIdentifiers must be the ARNs of log groups, without :* at the end.")
        found.append(find(call, identifier))
        standard_only(found[-1], "StartLiveTail", "InvalidOperationException")
    names, prefixes = request.log_stream_names, request.log_stream_name_prefixes
    if names and prefixes:
        raise bad("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    if (names or prefixes) and len(found) != 1:
        raise bad("Log streams can be specified only with exactly one log group.")
    parse(request.log_event_filter_pattern or "")
    session = _Session(call, request, found)
    return api.StartLiveTailResponse(response_stream=Events(session.values()))


class _Session:
    """One session: it notes which streams changed, and reads their new chunks each second."""

    def __init__(self, call: Call, request: api.StartLiveTailRequest, found: list[Found]) -> None:
        self._call, self._request = call, request
        self._found = {each.group.id: each for each in found}
        self._pattern = parse(request.log_event_filter_pattern or "")
        self._since = int(call.now * 1e6) - 1
        self._seen: dict[str, int] = {}
        self._touched: dict[tuple[str, str], Stream] = {}
        self._id = call.ids.uuid()

    async def values(self) -> AsyncIterator[Any]:
        """The messages of the session, until the client leaves or three hours are over."""
        world = self._call.world
        line, ends = world.branch.name, self._call.now + SESSION_SECONDS
        world.changes.subscribe(streams, self._changed)
        try:
            yield api.StartLiveTailResponseStream(session_start=self._start())
            while world.clock.now() < ends:
                await world.clock.sleep(1.0)
                if world.branch.name != line:
                    return  # a rewind: what was followed is on another line
                yield api.StartLiveTailResponseStream(session_update=self._update())
            message = "Your Live Tail session has timed out."
            yield api.StartLiveTailResponseStream(
                session_timeout_exception=api.SessionTimeoutException(message=message)
            )
        finally:
            world.changes.unsubscribe(streams, self._changed)

    def _start(self) -> api.LiveTailSessionStart:
        request = self._request
        return api.LiveTailSessionStart(
            request_id=self._call.request_id,
            session_id=self._id,
            log_group_identifiers=request.log_group_identifiers,
            log_stream_names=request.log_stream_names or [],
            log_stream_name_prefixes=request.log_stream_name_prefixes or [],
            log_event_filter_pattern=request.log_event_filter_pattern or "",
        )

    def _changed(self, change: Change) -> None:
        if change.new is not None and change.key[0] in self._found:
            self._touched[change.key] = change.new

    def _wanted(self, name: str) -> bool:
        names = self._request.log_stream_names
        prefixes = self._request.log_stream_name_prefixes
        if names:
            return name in names
        return not prefixes or name.startswith(tuple(prefixes))

    def _update(self) -> api.LiveTailSessionUpdate:
        touched, self._touched = self._touched, {}
        came: list[tuple[str, Event, Callable[[Event], str] | None]] = []
        if any(self._found[group].group.sealed for group, _ in touched):
            # Decrypting calls KMS, and a call is recorded.
            self._call.records.clear()
            with self._call.world.transaction() as transaction:
                self._read(touched, came)
                transaction.record = encode(self._call.records) if self._call.records else None
        else:
            self._read(touched, came)
        came.sort(key=lambda item: item[1])
        sampled = len(came) > EVENTS_MAX
        if sampled:
            came = [came[at * len(came) // EVENTS_MAX] for at in range(EVENTS_MAX)]
        return api.LiveTailSessionUpdate(
            session_metadata=api.LiveTailSessionMetadata(sampled=sampled),
            session_results=[
                api.LiveTailSessionLogEvent(
                    log_stream_name=event.stream,
                    log_group_identifier=group,
                    message=mask(event) if mask else event.message,
                    timestamp=event.timestamp,
                    ingestion_time=event.ingested,
                )
                for group, event, mask in came
            ],
        )

    def _read(
        self,
        touched: dict[tuple[str, str], Stream],
        came: list[tuple[str, Event, Callable[[Event], str] | None]],
    ) -> None:
        call, matches = self._call, self._pattern.matches
        for (group, name), stream in touched.items():
            if not self._wanted(name):
                continue
            found = self._found[group]
            at = found.at
            stored = call.world.segments(events, at.account, at.region)
            content_of, mask = opener(call, at), masker(call, found)
            for chunk in stored.after(stream.id, self._seen.get(stream.id, self._since)):
                self._seen[stream.id] = chunk.sequence
                made = chunk_events(name, chunk, content_of(chunk.payload))
                shown = f"{at.account}:{at.name}"
                came += [(shown, event, mask) for event in made if matches(event.message)]
