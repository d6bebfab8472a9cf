"""The rows of logs. Instants are epoch seconds (float) where the world's clock gave them, and epoch
milliseconds (int) where the API says so."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from mesocosm.call.authority import Metric
from mesocosm.world import Segments, Table

Named: TypeAlias = tuple[str, str]
"""A log group's name and the name of something in it."""


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A log group. `id` tells it from an earlier one of its name. `kms_key` is the ARN of the key
    that new events are encrypted with; `sealed`: some events may be under a key."""

    name: str
    id: str
    created: float
    kind: str = "STANDARD"
    retention: int = 0
    kms_key: str = ""
    sealed: bool = False
    protected: bool = False
    data_protection: str = ""
    data_protection_set: float = 0.0
    tags: dict[str, str] = {}


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A log stream. `id` is its key in the segments. Event times are epoch milliseconds."""

    name: str
    id: str
    created: float
    first: int = -1
    last: int = -1
    ingested: float = 0.0


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric filter of one group."""

    name: str
    group: str
    pattern: str
    created: float
    metric: str
    namespace: str
    value: str
    default: float | None = None
    dimensions: dict[str, str] = {}
    unit: str = "None"


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription filter of one group."""

    name: str
    group: str
    pattern: str
    destination: str
    created: float
    role: str = ""
    distribution: str = "ByLogStream"


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A logical destination that other accounts' subscription filters name."""

    name: str
    target: str
    role: str
    created: float
    policy: str = ""
    tags: dict[str, str] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chunk of events that is to go to a group's subscribers, and those it went to already."""

    group: str
    stream: str
    stream_id: str
    sequence: int
    since: float
    done: tuple[str, ...] = ()
    attempts: int = 0


class AccountPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A policy of an account in a Region, for all groups or those it selects."""

    name: str
    kind: str
    document: str
    updated: float
    selection: str = ""


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A policy that lets services and accounts write: of the account's, or of one resource."""

    name: str
    document: str
    updated: float
    resource: str = ""
    revision: str = ""
    principals: dict[str, str] = {}


class Export(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An export task. `since`, `until`: epoch milliseconds. It has got as far as `place` (time,
    chunk, number) in `stream`, of which it has written `part` objects."""

    id: str
    group: str
    since: int
    until: int
    bucket: str
    prefix: str
    created: float
    name: str = ""
    streams: str = ""
    status: str = "PENDING"
    message: str = ""
    completed: float = 0.0
    stream: str = ""
    place: tuple[float, int, int] = (-1.0, -1, -1)
    part: int = 0


class QueryDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query that was saved."""

    id: str
    name: str
    query: str
    modified: float
    language: str = "CWLI"
    groups: tuple[str, ...] = ()


groups: Table[str, Group] = Table("logs.groups", Group, ordered=True)
streams = Table("logs.streams", Stream, key=tuple[str, str], ordered=True)
metric_filters = Table("logs.metric_filters", MetricFilter, key=tuple[str, str], ordered=True)
subscriptions = Table("logs.subscriptions", Subscription, key=tuple[str, str], ordered=True)
destinations: Table[str, Destination] = Table("logs.destinations", Destination)
deliveries = Table("logs.outbox", Delivery, key=tuple[str, int], ordered=True)
audits = Table("logs.audits", Delivery, key=tuple[str, int])
account_policies = Table("logs.account_policies", AccountPolicy, key=tuple[str, str])
resource_policies: Table[str, ResourcePolicy] = Table("logs.resource_policies", ResourcePolicy)
exports: Table[str, Export] = Table("logs.exports", Export)
query_definitions: Table[str, QueryDefinition] = Table("logs.query_definitions", QueryDefinition)
events = Segments("logs.events")
"""Chunks of events by a stream's id; instants in milliseconds. See `events.py`."""

INCOMING_EVENTS = Metric("AWS/Logs", "IncomingLogEvents", "None")
INCOMING_BYTES = Metric("AWS/Logs", "IncomingBytes", "Bytes")
FORWARDED_EVENTS = Metric("AWS/Logs", "ForwardedLogEvents", "None")
FORWARDED_BYTES = Metric("AWS/Logs", "ForwardedBytes", "Bytes")
DELIVERY_ERRORS = Metric("AWS/Logs", "DeliveryErrors", "None")
