"""LookupEvents: the management events of the last 90 days of an account and Region."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from mesocosm.api import cloudtrail as api
from mesocosm.call import paging
from mesocosm.call.record import event_id
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources.history import History, Kind, Place, id_bits
from mesocosm.services.cloudtrail.rules import event as rules
from mesocosm.services.cloudtrail.rules.identity import user_name
from mesocosm.services.cloudtrail.rules.kinds import name_of, resources_of
from mesocosm.services.cloudtrail.rules.origins import Origins
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.record import CallRecord

HISTORY_SECONDS = 90 * 86400.0
PAGE = 50
ATTRIBUTES = frozenset(
    {
        "AccessKeyId",
        "EventId",
        "EventName",
        "EventSource",
        "ReadOnly",
        "ResourceName",
        "ResourceType",
        "Username",
    }
)
READ_FIRST, READ_MOST = 64, 4_096
"""Records read in one go when each must be looked at: more and more of them."""


@cloudtrail.operation("LookupEvents")
def lookup_events(call: Call, request: api.LookupEventsRequest) -> api.LookupEventsResponse:
    """The events of a time range, newest first, of those that have an attribute if one is given."""
    key, value = _attribute(request)
    start = max(request.start_time or 0.0, call.now - HISTORY_SECONDS)
    end = call.now if request.end_time is None else request.end_time
    if request.start_time is not None and request.start_time > end:
        raise AwsError("InvalidTimeRangeException", "Start time must not be after the end time.")
    if request.event_category not in (None, "insight"):
        raise AwsError(
            "InvalidEventCategoryException",
            f"The event category {request.event_category} is not valid: use insight.",
        )
    if request.event_category == "insight":
        return api.LookupEventsResponse(events=[])
    limit = PAGE if request.max_results is None else request.max_results
    asked = hashlib.sha256(
        repr((key, value, request.start_time, request.end_time)).encode()
    ).hexdigest()[:16]
    before = _place(request.next_token, asked) if request.next_token else None
    search = _Search(call, key, value)
    found = list(islice(search.run(start, end + 0.999999, before, limit + 1), limit + 1))
    token = None
    if len(found) > limit:
        last = found[limit - 1][0]
        token = paging.encode_token(f"{last.position}.{last.ordinal}.{asked}")
    events = [_shown(call, search.origins, record) for _, record in found[:limit]]
    return api.LookupEventsResponse(events=events, next_token=token)


def _attribute(request: api.LookupEventsRequest) -> tuple[str, str]:
    given = request.lookup_attributes or []
    if len(given) > 1:
        raise AwsError(
            "InvalidLookupAttributesException",
            "You can only specify one lookup attribute.",
        )
    if not given:
        return "", ""
    key, value = given[0].attribute_key, given[0].attribute_value
    if key not in ATTRIBUTES:
        raise AwsError(
            "InvalidLookupAttributesException", f"The lookup attribute key {key} is not valid."
        )
    return key, value


def _place(token: str, asked: str) -> Place:
    """Where a page goes on. Raises InvalidNextTokenException, also for another question's token."""
    text = paging.decode_token(token, _invalid_token)
    position, _, rest = text.partition(".")
    ordinal, _, question = rest.partition(".")
    if question != asked or not position.isdigit() or not ordinal.isdigit():
        raise _invalid_token()
    return Place(int(position), int(ordinal))


def _invalid_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "Invalid token.")


class _Search:
    """One search through the history of the caller's account and Region."""

    def __init__(self, call: Call, key: str, value: str) -> None:
        self.origins = Origins(call.cloud.catalogue)
        self._history = call.world.derived(History)
        self._cell = (call.account, call.region)
        self._key = key
        self._value = value

    def run(
        self, start: float, end: float, before: Place | None, count: int
    ) -> Iterator[tuple[Place, CallRecord]]:
        """The events and where they stand, newest first; `count` are wanted."""
        bits = id_bits(self._value) if self._key == "EventId" else None
        places = self._history.newest(
            self.origins, self._cell, start, end, before, self._kind(), bits
        )
        exact = self._key not in ("EventId", "ResourceName", "ResourceType")
        hint = name_of(self._value).encode() if self._key == "ResourceName" else b""
        size = count if exact else READ_FIRST
        while chunk := list(islice(places, size)):
            records = self._history.read(chunk, hint)
            for place in chunk:
                record = records.get(place)
                if record is not None and (exact or self._fits(record)):
                    yield place, record
            size = min(size * 4, READ_MOST)

    def _kind(self) -> Callable[[Kind], bool]:
        """What the index can answer of the attribute."""
        key, value = self._key, self._value
        tests: dict[str, Callable[[Kind], bool]] = {
            "EventName": lambda kind: kind.name == value,
            "EventSource": lambda kind: kind.source == value,
            "ReadOnly": lambda kind: ("true" if kind.read_only else "false") == value.lower(),
            "Username": lambda kind: kind.user == value,
            "AccessKeyId": lambda kind: kind.access_key == value,
        }
        return tests.get(key, lambda kind: True)

    def _fits(self, record: CallRecord) -> bool:
        """What only the record itself can answer."""
        value = self._value
        if self._key == "EventId":
            return event_id(record.request_id, self._cell[0]) == value
        resources = resources_of(record.judgements)
        if self._key == "ResourceType":
            return any(one.type == value for one in resources)
        return any(value in (one.arn, name_of(one.arn)) for one in resources)


def _shown(call: Call, origins: Origins, record: CallRecord) -> api.Event:
    account = call.account
    shared = len(rules.recipients(record)) > 1
    event = rules.event(record, origins.of(record.service), account, shared)
    principal = record.principal
    own = account == principal.account or principal.kind == "service"
    return api.Event(
        event_id=event["eventID"],
        event_name=event["eventName"],
        read_only="true" if event["readOnly"] else "false",
        access_key_id=(principal.access_key_id or None) if own else None,
        event_time=float(int(record.time)),
        event_source=event["eventSource"],
        username=(user_name(principal) or None) if own else None,
        resources=[
            api.Resource(resource_type=one.type, resource_name=name_of(one.arn))
            for one in resources_of(record.judgements)
        ],
        cloud_trail_event=msgspec.json.encode(event).decode(),
    )
