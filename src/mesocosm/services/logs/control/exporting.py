"""Export tasks, a piece at a time: each piece is an object."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations.exports import write
from mesocosm.services.logs.operations.groups import END, visible_since
from mesocosm.services.logs.operations.masking import masker
from mesocosm.services.logs.operations.reading import loader
from mesocosm.services.logs.resources.events import Event, forward, spans_of
from mesocosm.services.logs.resources.rows import Export, events, exports, streams
from mesocosm.services.logs.resources.targets import Found, find
from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.errors import AwsError

PIECE_BYTES = 2 << 20
"""Bytes of events in one object at least, unless the stream ends: some 50 ms of work."""


@logs.timer("export")
def export(call: Call, task_id: str) -> None:
    """Write the next piece of a task."""
    rows = call.rows(exports)
    task = rows.get(task_id)
    if task is None or task.status not in ("PENDING", "RUNNING"):
        return
    try:
        found = find(call, task.group)
        task = _piece(call, found, replace(task, status="RUNNING"))
    except AwsError as error:
        task = replace(task, status="FAILED", message=error.message, completed=call.now)
    rows[task_id] = task
    if task.status == "RUNNING":
        call.at(call.now, "export", task_id)


def _piece(call: Call, found: Found, task: Export) -> Export:
    """The task after its next object; COMPLETED when there was nothing left."""
    held = call.rows(streams)
    prefix = task.streams
    first = max(prefix, task.stream)
    for key in held.range((found.group.id, first), (found.group.id, prefix + END)):
        stream = held[key]
        place = task.place if stream.name == task.stream else (-1.0, -1, -1)
        part = task.part if stream.name == task.stream else 0
        chosen = _next(call, found, task, stream.id, place)
        if not chosen:
            continue
        folder = stream.name.replace("/", "-")
        key_name = f"{task.prefix}/{task.id}/{folder}/{part:06d}.gz"
        write(call, task, key_name, _packed(call, found, chosen))
        last = chosen[-1]
        return replace(
            task,
            stream=stream.name,
            place=(float(last.timestamp), last.sequence, last.number),
            part=part + 1,
        )
    return replace(task, status="COMPLETED", message="Completed successfully", completed=call.now)


def _next(
    call: Call, found: Found, task: Export, stream: str, place: tuple[float, int, int]
) -> list[Event]:
    """The events of a stream after a place: enough for an object."""
    since = max(float(task.since), place[0], visible_since(found.group, task.created))
    until = task.until + 1.0
    stored = call.world.segments(events, call.account, call.region)
    spans = spans_of(stored, [("", stream)], since, until)
    load = loader(call, found, parse(""), since, until)
    chosen: list[Event] = []
    size = 0
    for batch, _ in forward(spans, load):
        for event in batch:
            if (event.timestamp, event.sequence, event.number) > place:
                chosen.append(event)
                size += len(event.message)
                if size >= PIECE_BYTES:
                    return chosen
    return chosen


def _packed(call: Call, found: Found, chosen: list[Event]) -> bytes:
    mask = masker(call, found)
    lines = [
        f"{_shown(event.timestamp)} {mask(event) if mask else event.message}\n" for event in chosen
    ]
    return gzip.compress("".join(lines).encode(), 1, mtime=0)


def _shown(timestamp: int) -> str:
    moment = datetime.fromtimestamp(timestamp // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp % 1000:03d}Z"
