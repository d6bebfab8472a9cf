"""Sensitive data is looked for in what comes in, counted, and reported where its policy says."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.api import s3
from mesocosm.call.authority import Metric
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.services.logs import logs
from mesocosm.services.logs.control.delivering import LONGEST_PAUSE, RETRY_SECONDS
from mesocosm.services.logs.operations.auditing import DELIVERER, Protection, protections
from mesocosm.services.logs.operations.encryption import opener
from mesocosm.services.logs.resources.events import chunk_events
from mesocosm.services.logs.resources.rows import audits, events, streams
from mesocosm.services.logs.resources.targets import Found, find
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.world import Change

FINDINGS = Metric("AWS/Logs", "LogEventsWithFindings", "None")


@logs.reaction(audits)
def came(call: Call, change: Change) -> None:
    """A chunk came in: look through it, unless that was tried before."""
    if change.new is not None and change.old is None:
        _audit(call, change.key)


@logs.timer("audit")
def audit_again(call: Call, key: str) -> None:
    """Try again to report what could not be."""
    stream, _, sequence = key.partition(" ")
    _audit(call, (stream, int(sequence)))


def _audit(call: Call, key: tuple[str, int]) -> None:
    rows = call.rows(audits)
    row = rows.get(key)
    if row is None:
        return
    stored = call.world.segments(events, call.account, call.region)
    try:
        found = find(call, row.group)
        chunk = stored.chunk(row.stream_id, row.sequence)
        content = opener(call, found.at)(chunk.payload) if chunk is not None else (0, [], [])
    except AwsError:
        del rows[key]  # the group is gone, or its key is: nobody can look into it any longer
        return
    made = chunk_events(row.stream, chunk, content) if chunk is not None else []
    failed = False
    done = set(row.done)
    for protection in protections(call, found):
        name = json.dumps(protection.destination)
        if name in done or int(protection.since) > content[0]:
            continue
        reports = [
            report
            for event in made
            if (report := _report(call, found, protection, event.message)) is not None
        ]
        if row.attempts == 0:
            _count(call, found, len(reports))
        try:
            if reports:
                _deliver(call, found, protection.destination, reports)
            done.add(name)
        except AwsError:
            failed = True
    if not failed or call.now - row.since > RETRY_SECONDS:
        del rows[key]
        return
    rows[key] = replace(row, done=tuple(sorted(done)), attempts=row.attempts + 1)
    call.at(call.now + min(2.0**row.attempts, LONGEST_PAUSE), "audit", f"{key[0]} {key[1]}")


def _count(call: Call, found: Found, count: int) -> None:
    if not count:
        return
    at = found.at
    for operation in ("Audit", "Deidentify"):
        dimensions = (("DataProtectionOperation", operation), ("LogGroupName", at.name))
        call.cloud.meter.count(at.account, at.region, FINDINGS, dimensions, float(count))


def _report(
    call: Call, found: Found, protection: Protection, message: str
) -> dict[str, Any] | None:
    """The finding of one event, as AWS reports it; None when there is nothing sensitive."""
    spots = protection.finding.spots(message)
    if not spots:
        return None
    return {
        "auditTimestamp": f"{datetime.fromtimestamp(call.now, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "resourceArn": f"{found.at.arn}:*",
        "dataIdentifiers": [
            {
                "name": name,
                "count": len(places),
                "detections": [{"start": start, "end": end} for start, end in places],
            }
            for name, places in spots.items()
        ],
    }


def _deliver(
    call: Call, found: Found, destination: dict[str, Any], reports: list[dict[str, Any]]
) -> None:
    lines = [json.dumps(report) for report in reports]
    if "CloudWatchLogs" in destination:
        _to_group(call, found, destination["CloudWatchLogs"]["LogGroup"], lines)
    if "S3" in destination:
        _to_bucket(call, found, destination["S3"]["Bucket"], lines)


def _to_group(call: Call, found: Found, name: str, lines: list[str]) -> None:
    target = find(call, name)
    stream = f"data_protection{found.at.name.replace('/', '_')}"
    about = {"aws:SourceAccount": call.account, "aws:SourceArn": found.at.arn}
    deliverer = service_principal(DELIVERER, call.account)
    if (target.group.id, stream) not in call.rows(streams):
        made = api.CreateLogStreamRequest(log_group_name=name, log_stream_name=stream)
        call.invoke("logs", "CreateLogStream", made, principal=deliverer, conditions=about)
    now = int(call.now * 1000)
    request = api.PutLogEventsRequest(
        log_group_name=name,
        log_stream_name=stream,
        log_events=[api.InputLogEvent(timestamp=now, message=line) for line in lines],
    )
    call.invoke("logs", "PutLogEvents", request, principal=deliverer, conditions=about)


def _to_bucket(call: Call, found: Found, bucket: str, lines: list[str]) -> None:
    moment = datetime.fromtimestamp(call.now, UTC)
    group = found.at.name.strip("/").replace("/", "-")
    folder = f"AWSLogs/{call.account}/CloudWatchLogs/{call.region}/{moment:%Y/%m/%d/%H}"
    key = f"{folder}/{group}_{moment:%Y%m%dT%H%MZ}_{call.ids.hex(8)}.log.gz"
    body = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{bucket}")
    call.invoke(
        "s3",
        "PutObject",
        s3.PutObjectRequest(bucket=bucket, key=key, body=MemoryBody(body, call.world.blobs)),
        principal=service_principal(DELIVERER),
        account=target.account,
        region=target.region or call.region,
        conditions={
            "aws:SourceAccount": call.account,
            "aws:SourceArn": found.at.arn,
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    )
