"""The log group of a trail: about every five minutes the new events go to it, one log event each.

How far a trail has come there is kept apart from how far it has come with its files: neither waits
for the other. An account whose stream refuses them is `held`, from its first event on; the others
go on, and what is held is tried again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.api import logs
from mesocosm.call.call import Call
from mesocosm.call.roles import assumed
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import delivery
from mesocosm.services.cloudtrail.control.delivery import (
    EVERY_SECONDS,
    RETRY_SECONDS,
    SLICE,
    Cell,
    Gathering,
    Seen,
    Underway,
    cell_of,
)
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.iam import Principal

SESSION = "CLOUDWATCH_LOGS_DELIVERY_SESSION"
AT_ONCE = 100
"""Events delivered together, some 5 ms; a trail with more goes on at once."""
EVENT_BYTES = 256 * 1024
"""Events that are larger are not sent (CloudTrail user guide, "Monitoring CloudTrail log files with
Amazon CloudWatch Logs")."""
BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
BATCH_MS = 86_400_000
OVERHEAD = 26
"""Limits of PutLogEvents, and the bytes it counts for each event beside its message."""


class Lines:
    """The events of one account as log events."""

    def __init__(self) -> None:
        self._events: list[tuple[int, str]] = []

    def add(self, event: dict[str, Any], time: float) -> None:
        """Take an event that happened at `time`."""
        text = msgspec.json.encode(event)
        if len(text) <= EVENT_BYTES:
            self._events.append((int(time * 1000), text.decode()))

    def batches(self) -> Iterator[list[logs.InputLogEvent]]:
        """The events in order of time, as many at once as PutLogEvents takes."""
        batch: list[logs.InputLogEvent] = []
        size, first = 0, 0
        for time, text in sorted(self._events, key=lambda one: one[0]):
            length = len(text.encode()) + OVERHEAD
            if batch and (
                size + length > BATCH_BYTES or len(batch) >= BATCH_EVENTS or time - first > BATCH_MS
            ):
                yield batch
                batch, size = [], 0
            if not batch:
                first = time
            batch.append(logs.InputLogEvent(timestamp=time, message=text))
            size += length
        if batch:
            yield batch


class Ahead:
    """What is new, of the accounts that are not held."""

    def __init__(self, call: Call, trail: rows.Trail, progress: rows.Progress, limit: int) -> None:
        self.start = progress.position
        self.end = call.world.position
        self.limit = limit
        self._home = trail.region
        self._held = {cell_of(name) for name in progress.held}

    def cell(self, account: str, region: str) -> Cell:
        """An account has one stream, whatever the Region of its events."""
        return account, self._home

    def after(self, cell: Cell) -> float:
        """Everything in the stretch, nothing of those held."""
        return float("inf") if cell in self._held else 0


class Again(Ahead):
    """What is held, up to where the others are."""

    def __init__(self, call: Call, trail: rows.Trail, progress: rows.Progress, limit: int) -> None:
        super().__init__(call, trail, progress, limit)
        self._waiting = {cell_of(name): position for name, position in progress.held.items()}
        self.start = min(self._waiting.values())
        self.end = progress.position

    def after(self, cell: Cell) -> float:
        """Where the account's stream ended."""
        return self._waiting.get(cell, float("inf"))


def begin(call: Call, trail: rows.Trail) -> None:
    """What happens from now on is delivered."""
    feeds = call.rows(rows.feeds, trail.account, trail.region)
    before = feeds.get(trail.name) or rows.Progress(position=0)
    feeds[trail.name] = msgspec.structs.replace(
        before, position=call.world.position, held={}, draining=False, error=""
    )
    _arm(call, trail, "feed", EVERY_SECONDS)


def drain(call: Call, trail: rows.Trail) -> None:
    """Logging has stopped: what has happened is still delivered."""
    feeds = call.rows(rows.feeds, trail.account, trail.region)
    row = feeds.get(trail.name)
    if row is not None:
        feeds[trail.name] = msgspec.structs.replace(row, draining=True)


def end(call: Call, trail: rows.Trail) -> None:
    """Nothing more goes to the log group."""
    call.rows(rows.feeds, trail.account, trail.region).pop(trail.name, None)
    for function in ("feed", "feed-again"):
        call.timers.cancel(cloudtrail.name, function, trail.name, trail.account, trail.region)


def _arm(call: Call, trail: rows.Trail, function: str, seconds: float) -> None:
    due = call.now + seconds
    call.timers.at(due, cloudtrail.name, function, trail.name, trail.account, trail.region)


def _owing(call: Call, name: str) -> tuple[rows.Trail, rows.Progress] | None:
    trail = call.rows(rows.trails).get(name)
    progress = call.rows(rows.feeds).get(name)
    if trail is None or progress is None or not (trail.logging or progress.draining):
        return None
    return trail, progress


@cloudtrail.timer("feed")
def feed(call: Call, name: str) -> None:
    """Deliver what is new, and see to it that it goes on."""
    found = _owing(call, name)
    if found is None:
        return
    trail, progress = found
    place, underway = f"{trail.arn} feed", call.world.derived(Underway)
    gathering = underway.of(place, trail, progress)
    if gathering is None:
        if delivery.quiet(call, trail, place, progress.draining):
            _arm(call, trail, "feed", EVERY_SECONDS)
            return
        gathering = Gathering(call, trail, progress, Ahead(call, trail, progress, AT_ONCE), Lines)
    underway.gatherings.pop(place, None)  # one that fails begins anew
    if not gathering.advance(SLICE):
        underway.gatherings[place] = gathering
        _arm(call, trail, "feed", 0.0)
        return
    row = _written(call, gathering)
    seen = call.world.derived(Seen)
    seen.note(call)
    if gathering.more:
        seen.newest.pop(place, None)
        _arm(call, trail, "feed", 0.0)
    elif trail.logging:
        _arm(call, trail, "feed", EVERY_SECONDS)
    else:
        _drained(call, trail, row)
    if row.held and not progress.held:
        _arm(call, trail, "feed-again", RETRY_SECONDS)


@cloudtrail.timer("feed-again")
def feed_again(call: Call, name: str) -> None:
    """Try what was refused again."""
    found = _owing(call, name)
    if found is None or not found[1].held:
        return
    trail, progress = found
    place, underway = f"{trail.arn} feed-again", call.world.derived(Underway)
    gathering = underway.of(place, trail, progress) or Gathering(
        call, trail, progress, Again(call, trail, progress, AT_ONCE), Lines
    )
    underway.gatherings.pop(place, None)
    if not gathering.advance(SLICE):
        underway.gatherings[place] = gathering
        _arm(call, trail, "feed-again", 0.0)
        return
    row = _written(call, gathering, again=True)
    call.world.derived(Seen).note(call)
    if row.held:
        refused = any(progress.held.get(name) == position for name, position in row.held.items())
        _arm(call, trail, "feed-again", RETRY_SECONDS if refused else 0.0)
    elif not trail.logging:
        _drained(call, trail, row)


def _drained(call: Call, trail: rows.Trail, row: rows.Progress) -> None:
    if not row.held:
        feeds = call.rows(rows.feeds, trail.account, trail.region)
        feeds[trail.name] = msgspec.structs.replace(row, draining=False)


def gather(call: Call, trail: rows.Trail) -> Gathering[Lines] | None:
    """All that the log group is still owed of what is new; a client's call waits until it is
    gathered.
    """
    row = call.rows(rows.feeds, trail.account, trail.region).get(trail.name)
    if row is None or not (trail.logging or row.draining):
        return None
    stretch = Ahead(call, trail, row, sys.maxsize)
    new = Gathering(call, trail, row, stretch, Lines)
    return delivery.gathered(call, f"{trail.arn} feed settled", new)


def settle(call: Call, trail: rows.Trail) -> None:
    """Deliver what `gather` has gathered, and then what is held; failures are let be."""
    gathering = gather(call, trail)
    call.world.derived(Underway).gatherings.pop(f"{trail.arn} feed settled", None)
    if gathering is None:
        return
    row = _written(call, gathering)
    if gathering.progress.held:
        again = Gathering(call, trail, row, Again(call, trail, row, sys.maxsize), Lines)
        again.advance()
        row = _written(call, again, again=True)
    feeds = call.rows(rows.feeds, trail.account, trail.region)
    feeds[trail.name] = msgspec.structs.replace(row, draining=False)


def _written(call: Call, gathering: Gathering[Lines], *, again: bool = False) -> rows.Progress:
    """Write what was gathered; returns how far the trail has come."""
    trail, progress, until = gathering.trail, gathering.progress, gathering.until
    refused: set[str] = set()
    error, delivered = progress.error, progress.delivered
    for cell, lines in gathering.batches.items():
        try:
            _put(call, trail, cell[0], lines)
            delivered = call.now
        except AwsError as denial:
            error = denial.code
            refused.add("/".join(cell))
    if again:
        held = {
            name: position if name in refused else until
            for name, position in progress.held.items()
            if name in refused or until < progress.position
        }
    else:
        held = {**progress.held, **dict.fromkeys(refused, progress.position)}
    row = msgspec.structs.replace(
        progress,
        position=max(progress.position, until),
        held=held,
        delivered=delivered,
        error=error if held else "",
    )
    call.rows(rows.feeds, trail.account, trail.region)[trail.name] = row
    return row


# -- as the role ----------------------------------------------------------------------------------


def _session(call: Call, trail: rows.Trail) -> Principal:
    conditions = {"aws:SourceArn": trail.arn, "aws:SourceAccount": trail.account}
    return assumed(call, trail.log_role, SESSION, conditions)


def _put(call: Call, trail: rows.Trail, account: str, lines: Lines) -> None:
    """Append an account's events to its stream, which is made when it is not there."""
    principal = _session(call, trail)
    name = names.stream_name(trail.organization, trail.account, account, trail.region)
    _, _, _, region, owner, _, group, _ = trail.log_group.split(":")
    for batch in lines.batches():
        request = logs.PutLogEventsRequest(
            log_group_name=group, log_stream_name=name, log_events=batch
        )
        put = partial(
            call.invoke,
            "logs",
            "PutLogEvents",
            request,
            principal=principal,
            account=owner,
            region=region,
        )
        try:
            put()
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            _make_stream(call, trail, principal, name)
            put()


def _make_stream(call: Call, trail: rows.Trail, principal: Principal, name: str) -> None:
    _, _, _, region, owner, _, group, _ = trail.log_group.split(":")
    request = logs.CreateLogStreamRequest(log_group_name=group, log_stream_name=name)
    try:
        call.invoke(
            "logs", "CreateLogStream", request, principal=principal, account=owner, region=region
        )
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise


def check(call: Call, trail: rows.Trail) -> None:
    """Whether CloudTrail may write to the log group: it assumes the role, makes the trail's stream,
    and asks whether events may follow.

    Raises InvalidCloudWatchLogsLogGroupArnException, InvalidCloudWatchLogsRoleArnException.
    """
    found = names.parse_group(trail.log_group)
    if found is None or found[0] not in (trail.account, call.account) or found[1] != trail.region:
        raise _no_group("CloudTrail cannot validate the specified log group ARN.")
    owner, region, _ = found
    try:
        principal = _session(call, trail)
    except (AwsError, IndexError):
        raise AwsError(
            "InvalidCloudWatchLogsRoleArnException",
            "Access denied. Check the trust relationships for your role.",
        ) from None
    name = names.stream_name(trail.organization, trail.account, trail.account, trail.region)
    try:
        _make_stream(call, trail, principal, name)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise _no_group("CloudTrail cannot validate the specified log group ARN.") from None
        raise _no_group("Access denied. Check the permissions for your role.") from None
    probe = Call(call.cloud, call.service, call.operation, principal, owner, region, "")
    stream = f"{trail.log_group.removesuffix(':*')}:log-stream:{name}"
    if not probe.allows("logs:PutLogEvents", stream):
        raise _no_group("Access denied. Check the permissions for your role.")


def _no_group(message: str) -> AwsError:
    return AwsError("InvalidCloudWatchLogsLogGroupArnException", message)
