"""Streams as rows, the records they gather as segments, and what waits to be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.call.authority import Metric
from mesocosm.call.encryption import Sealed
from mesocosm.call.service import Target
from mesocosm.services.firehose import firehose
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table, World
from mesocosm.world.segments import Segments

if TYPE_CHECKING:
    from mesocosm.call.call import Call

CREATING, ACTIVE, DELETING = "CREATING", "ACTIVE", "DELETING"
DELETING_FAILED = "DELETING_FAILED"


class Encryption(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Server-side encryption. `grant`: of the customer's key to Firehose; `former`: keys and grants
    of before, needed until what was sealed under them is delivered.
    """

    status: str = "DISABLED"
    type: str = ""
    key: str = ""
    grant: str = ""
    former: tuple[tuple[str, str], ...] = ()


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream. `id` tells it from an earlier or later one of its name; `destination` is the
    ExtendedS3DestinationConfiguration with AWS's names and every default.
    """

    name: str
    id: str
    created: float
    destination: dict[str, Any]
    updated: float = 0.0
    version: int = 1
    status: str = CREATING
    throughput: int = 0
    tags: dict[str, str] = {}
    encryption: Encryption = Encryption()


class Buffer(msgspec.Struct, frozen=True):
    """What a stream gathers: the number of its batch, bytes and records, when the first came."""

    batch: int = 1
    size: int = 0
    records: int = 0
    since: float = 0.0


class Batch(msgspec.Struct, frozen=True):
    """A batch that is to be delivered. `version`: of the destination it is for."""

    since: float
    attempts: int = 0


class Gathered(msgspec.Struct, frozen=True):
    """The payload of a chunk: records, or under a customer's key what they are sealed in."""

    records: tuple[bytes, ...] = ()
    sealed: Sealed | None = None


streams: Table[str, Stream] = Table("firehose.streams", Stream)
buffers: Table[str, Buffer] = Table("firehose.buffers", Buffer)
"""By id of the stream."""
batches = Table("firehose.batches", Batch, key=tuple[str, int])
"""By name of the stream and number of the batch."""
records = Segments("firehose.records")
"""By `gathered`: the records of a batch."""


def gathered(stream: Stream, batch: int) -> str:
    """The key of a batch's records."""
    return f"{stream.id}/{batch}"


NAMESPACE = "AWS/Firehose"
incoming_bytes = Metric(NAMESPACE, "IncomingBytes", "Bytes")
incoming_records = Metric(NAMESPACE, "IncomingRecords", "Count")
incoming_requests = Metric(NAMESPACE, "IncomingPutRequests", "Count")
delivered_bytes = Metric(NAMESPACE, "DeliveryToS3.Bytes", "Bytes")
delivered_records = Metric(NAMESPACE, "DeliveryToS3.Records", "Count")
delivered_success = Metric(NAMESPACE, "DeliveryToS3.Success", "Count")
delivered_freshness = Metric(NAMESPACE, "DeliveryToS3.DataFreshness", "Seconds")


def arn_of(region: str, account: str, name: str) -> str:
    """The ARN of a stream."""
    return f"arn:aws:firehose:{region}:{account}:deliverystream/{name}"


def no_such_stream(call: Call, name: str) -> AwsError:
    """AWS's error of a stream that is not there."""
    return AwsError(
        "ResourceNotFoundException", f"Firehose {name} under account {call.account} not found."
    )


@firehose.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a stream: its tags."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("deliverystream/"):
        return None
    row = world.rows(streams, parts[4], parts[3]).get(parts[5].partition("/")[2])
    return Target(arn, parts[4], row.tags, region=parts[3]) if row is not None else None
