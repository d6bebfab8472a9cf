"""Delivery: what a stream gathered becomes objects in S3, written in the stream's role.

Source: Amazon Data Firehose developer guide, "Understand data delivery in Amazon Data Firehose".
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import msgspec

from mesocosm.api import logs as logs_api
from mesocosm.api import s3 as s3_api
from mesocosm.call.call import Call
from mesocosm.iam import Principal
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.operations import encrypting
from mesocosm.services.firehose.operations.opened import acting
from mesocosm.services.firehose.resources import (
    ACTIVE,
    Batch,
    Buffer,
    Gathered,
    Stream,
    arn_of,
    batches,
    buffers,
    delivered_bytes,
    delivered_freshness,
    delivered_records,
    delivered_success,
    gathered,
    records,
    streams,
)
from mesocosm.services.firehose.rules import expressions, processing
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError

RETRIED = 86_400.0
"""Seconds for which delivery to S3 is tried."""
WAIT, WAIT_MAX = 60.0, 900.0


class Arrived(NamedTuple):
    """A record with the moment it came."""

    at: float
    data: bytes


@firehose.timer("flush")
def flush(call: Call, name: str) -> None:
    """The buffer of a stream is full, or its time has come: its batch is to be delivered."""
    row = call.rows(streams).get(name)
    if row is None or row.status != ACTIVE:
        return
    rows = call.rows(buffers)
    buffer = rows.get(row.id)
    if buffer is None or not buffer.records:
        return
    call.cancel("flush", name)
    rows[row.id] = Buffer(buffer.batch + 1)
    call.rows(batches)[name, buffer.batch] = Batch(buffer.since)
    call.at(call.now, "deliver", f"{name}\n{buffer.batch}")


@firehose.timer("deliver")
def deliver(call: Call, key: str) -> None:
    """Deliver a batch; after a failure try again, for a day."""
    name, _, number = key.partition("\n")
    row, waiting = call.rows(streams).get(name), call.rows(batches)
    batch = waiting.get((name, int(number)))
    if row is None or batch is None:
        return
    where = gathered(row, int(number))
    transaction = call.world.current
    assert transaction is not None
    savepoint = transaction.savepoint()
    meter, about = call.cloud.meter, (("DeliveryStreamName", name),)
    try:
        arrived = _arrived(call, row, where)
        count, size = _write(call, row, arrived)
    except AwsError as error:
        transaction.rollback(savepoint)
        call.undone()
        meter.count(call.account, call.region, delivered_success, about, 0.0)
        _tell(call, row, error)
        if call.now < batch.since + RETRIED:
            waiting[name, int(number)] = Batch(batch.since, batch.attempts + 1)
            call.at(call.now + min(WAIT * 2**batch.attempts, WAIT_MAX), "deliver", key)
            return
    else:
        meter.count(call.account, call.region, delivered_success, about, 1.0)
        meter.count(call.account, call.region, delivered_records, about, count)
        meter.count(call.account, call.region, delivered_bytes, about, size)
        meter.count(call.account, call.region, delivered_freshness, about, call.now - batch.since)
    call.world.segments(records, call.account, call.region).drop(where)
    del waiting[name, int(number)]
    if nothing_left(call, row):
        encrypting.settled(call, row)


def nothing_left(call: Call, row: Stream) -> bool:
    """Whether a stream has delivered everything it gathered."""
    buffer = call.rows(buffers).get(row.id)
    waiting = any(key[0] == row.name for key in call.rows(batches))
    return not waiting and (buffer is None or not buffer.records)


def _arrived(call: Call, row: Stream, where: str) -> list[Arrived]:
    found: list[Arrived] = []
    for chunk in call.world.segments(records, call.account, call.region).scan(where):
        kept = msgspec.msgpack.decode(chunk.payload, type=Gathered)
        found += [Arrived(chunk.start, data) for data in encrypting.opened(call, row, kept)]
    return found


def _write(call: Call, row: Stream, arrived: list[Arrived]) -> tuple[int, int]:
    """Write the objects of a batch; how many records and bytes were written. Raises what STS or S3
    answers.
    """
    made = row.destination
    writer = Writer(call, row, made)
    configured = made.get("ProcessingConfiguration", {})
    processors = configured.get("Processors", []) if configured.get("Enabled") else []
    plan = processing.plan(processors)
    parts: dict[tuple[tuple[str, str], ...], list[Arrived]] = {}
    failed: list[tuple[Arrived, processing.Failure]] = []
    for one in arrived:
        try:
            pieces = list(plan.records(one.data))
        except processing.Failure as failure:
            failed.append((one, failure))
            continue
        for data, keys in pieces:
            group = parts.setdefault(tuple(sorted(keys.items())), [])
            group.append(Arrived(one.at, data))
    count = size = 0
    for partition, group in parts.items():
        data = b"".join(one.data for one in group)
        count, size = count + len(group), size + len(data)
        writer.put(made.get("Prefix", ""), data, group[0].at, dict(partition))
    if failed:
        lines = "".join(_line(call, one, failure) for one, failure in failed).encode()
        prefix = made.get("ErrorOutputPrefix", "")
        writer.put(prefix, lines, failed[0][0].at, {}, "processing-failed")
    if made.get("S3BackupMode") == "Enabled":
        backup = made["S3BackupConfiguration"]
        data = b"".join(one.data for one in arrived)
        Writer(call, row, backup).put(backup.get("Prefix", ""), data, arrived[0].at, {})
    return count, size


def _line(call: Call, one: Arrived, failure: processing.Failure) -> str:
    """What is said of a record that could not be processed."""
    told = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(one.at * 1000),
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": int(call.now * 1000),
        "rawData": base64.b64encode(one.data).decode(),
    }
    return json.dumps(told) + "\n"


class Writer:
    """Writes objects to one bucket in one role."""

    def __init__(self, call: Call, row: Stream, made: dict[str, Any]) -> None:
        self.call, self.row, self.made = call, row, made
        self.bucket = made["BucketARN"].rpartition(":")[2]
        self.principal: Principal = acting(call, made["RoleARN"], row.name)

    def put(
        self, prefix: str, data: bytes, at: float, keys: dict[str, str], error: str = ""
    ) -> None:
        """Put an object whose first record came at a moment. Raises what S3 answers."""
        call, made = self.call, self.made
        form = made["CompressionFormat"]
        moment = expressions.moment(at, made.get("CustomTimeZone", ""))
        random = call.ids.uuid()
        extension = made.get("FileExtension") or expressions.EXTENSIONS[form]
        last = expressions.suffix(self.row.name, self.row.version, moment, random, extension)
        start = expressions.evaluated(
            prefix, expressions.Place(moment, call.ids.alphanumeric(11), keys, error)
        )
        body = processing.compressed(data, form, last.removesuffix(extension))
        key_arn = made["EncryptionConfiguration"].get("KMSEncryptionConfig", {}).get("AWSKMSKeyARN")
        target = call.cloud.gate.target(call, made["BucketARN"])
        call.invoke(
            "s3",
            "PutObject",
            s3_api.PutObjectRequest(
                bucket=self.bucket,
                key=start + last,
                body=MemoryBody(body, call.world.blobs),
                content_type="application/octet-stream",
                server_side_encryption="aws:kms" if key_arn else None,
                ssekms_key_id=key_arn,
            ),
            principal=self.principal,
            account=target.account,
            region=target.region or call.region,
        )


def _tell(call: Call, row: Stream, error: AwsError) -> None:
    """Write a failure to the log stream the destination names, if it does and it can be."""
    options = row.destination.get("CloudWatchLoggingOptions", {})
    if not options.get("Enabled"):
        return
    told = {
        "deliveryStreamARN": arn_of(call.region, call.account, row.name),
        "destination": row.destination["BucketARN"],
        "deliveryStreamVersionId": row.version,
        "message": error.message,
        "errorCode": f"S3.{error.code}",
    }
    event = logs_api.InputLogEvent(timestamp=int(call.now * 1000), message=json.dumps(told))
    request = logs_api.PutLogEventsRequest(
        log_group_name=options.get("LogGroupName", ""),
        log_stream_name=options.get("LogStreamName", ""),
        log_events=[event],
    )
    try:
        principal = acting(call, row.destination["RoleARN"], row.name)
        call.invoke("logs", "PutLogEvents", request, principal=principal)
    except AwsError:
        return  # what cannot be told is not told: the metric shows it
