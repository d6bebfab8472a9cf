"""Records come in: they are in the journal before the answer leaves."""

from __future__ import annotations

import msgspec

from mesocosm.api import firehose as api
from mesocosm.call.call import Call
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations import encrypting
from mesocosm.services.firehose.operations.opened import known, stream_arn
from mesocosm.services.firehose.resources import (
    ACTIVE,
    Buffer,
    Stream,
    buffers,
    gathered,
    incoming_bytes,
    incoming_records,
    incoming_requests,
    no_such_stream,
    records,
)
from mesocosm.services.firehose.rules.expressions import refused
from mesocosm.wire.errors import AwsError

BATCH_BYTES = 4 << 20
MEGABYTE = 1 << 20
LOGS = "logs.amazonaws.com"


def _add(call: Call, name: str, given: tuple[bytes, ...]) -> Stream:
    """Gather records; a full buffer, or one whose time has come, is closed by its timer."""
    row = known(call, name)
    if row.status != ACTIVE:
        raise no_such_stream(call, name)
    if call.user_agent != LOGS and _decompresses(row):
        raise AwsError(
            "InvalidSourceException",
            "Only requests from CloudWatch Logs are supported when CloudWatch Logs decompression "
            "is enabled.",
        )
    kept = encrypting.sealed(call, row, given)
    size = sum(map(len, given))
    rows = call.rows(buffers)
    before = rows.get(row.id) or Buffer()
    since = before.since if before.records else call.now
    after = Buffer(before.batch, before.size + size, before.records + len(given), since)
    rows[row.id] = after
    log = call.world.segments(records, call.account, call.region)
    payload = msgspec.msgpack.encode(kept)
    log.append(gathered(row, after.batch), call.now, call.now, len(given), payload)
    hints = row.destination["BufferingHints"]
    if after.size >= hints["SizeInMBs"] * MEGABYTE:
        call.at(call.now, "flush", name)
    elif not before.records:
        call.at(call.now + hints["IntervalInSeconds"], "flush", name)
    meter, about = call.cloud.meter, (("DeliveryStreamName", name),)
    meter.count(call.account, call.region, incoming_requests, about)
    meter.count(call.account, call.region, incoming_records, about, len(given))
    meter.count(call.account, call.region, incoming_bytes, about, size)
    return row


def _decompresses(row: Stream) -> bool:
    configured = row.destination.get("ProcessingConfiguration")
    if configured is None or not configured.get("Enabled"):
        return False
    return any(one["Type"] == "Decompression" for one in configured.get("Processors", ()))


def _encrypted(row: Stream) -> bool:
    return row.encryption.status == "ENABLED"


@firehose.operation("PutRecord", resource=stream_arn, category="data", hide=["Record"])
def put_record(call: Call, request: api.PutRecordInput) -> api.PutRecordOutput:
    """Take one record."""
    row = _add(call, request.delivery_stream_name, (request.record.data,))
    return api.PutRecordOutput(record_id=call.ids.secret(64), encrypted=_encrypted(row))


@firehose.operation("PutRecordBatch", resource=stream_arn, category="data", hide=["Records"])
def put_record_batch(call: Call, request: api.PutRecordBatchInput) -> api.PutRecordBatchOutput:
    """Take up to 500 records, together at most 4 MiB."""
    given = tuple(record.data for record in request.records)
    if sum(map(len, given)) > BATCH_BYTES:
        raise refused("Records size exceeds 4 MB limit")
    row = _add(call, request.delivery_stream_name, given)
    return api.PutRecordBatchOutput(
        failed_put_count=0,
        encrypted=_encrypted(row),
        request_responses=[
            api.PutRecordBatchResponseEntry(record_id=call.ids.secret(64)) for _ in given
        ],
    )
