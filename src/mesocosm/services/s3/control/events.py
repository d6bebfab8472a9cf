"""Events of buckets: written down with the change they tell of, sent when it is committed, and
tried again until the queue or the topic takes them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import sns as sns_api
from mesocosm.api import sqs as sqs_api
from mesocosm.call.identity import service_principal
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources import configurations, pending, rows
from mesocosm.services.s3.rules import notifications as rules
from mesocosm.wire.errors import AwsError
from mesocosm.wire.outputs import host_id

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.iam import Principal
    from mesocosm.world import Change

SENDER = "s3.amazonaws.com"
SUBJECT = "Amazon S3 Notification"
PAUSE_MAX = 900.0
KEPT_SECONDS = 24 * 3600.0
"""How long a notification is tried before it is given up."""


def emit(
    call: Call, bucket: rows.Bucket, key: str, row: rows.Object | None, name: str, **more: Any
) -> None:
    """Tell of what happened to a version, if anyone wants to know. `name` is without `s3:`."""
    document = configurations.get(call.world, bucket, "notification")
    if document is None:
        return
    for given in rules.concerned(document, name, key):
        order = call.world.derived(pending.Order).next()
        record = _record(call, bucket, key, row, name, given.id, order) | more
        notice = pending.Notice(
            bucket=bucket.name,
            target=rules.target(given),
            body=json.dumps({"Records": [record]}, separators=(",", ":")),
            made=call.now,
        )
        call.rows(pending.notices, bucket.account, bucket.region)[f"{order:018X}"] = notice


def _record(
    call: Call,
    bucket: rows.Bucket,
    key: str,
    row: rows.Object | None,
    name: str,
    configuration: str,
    order: int,
) -> dict[str, Any]:
    what: dict[str, Any] = {"key": rules.encoded_key(key)}
    removed = name.startswith(("ObjectRemoved", "LifecycleExpiration"))
    if row is not None:
        if not row.marker and not removed:
            what |= {"size": row.size, "eTag": row.etag}
        elif row.marker:
            what["eTag"] = hashlib.md5(b"", usedforsecurity=False).hexdigest()
        if bucket.versioning:
            what["versionId"] = row.version
    what["sequencer"] = f"{order:018X}"
    return {
        "eventVersion": rules.VERSIONS.get(name.partition(":")[0], "2.3"),
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": rules.instant(call.now),
        "eventName": name,
        "userIdentity": {"principalId": principal_id(call.principal)},
        "requestParameters": {"sourceIPAddress": call.source_ip or SENDER},
        "responseElements": {
            "x-amz-request-id": call.request_id,
            "x-amz-id-2": host_id(call.request_id),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": owner_id(bucket.account)},
                "arn": bucket.arn,
            },
            "object": what,
        },
    }


def principal_id(principal: Principal) -> str:
    """Who did it, as events say it."""
    if principal.kind == "anonymous":
        return "Anonymous"
    if principal.kind == "service":
        return principal.arn
    return f"AWS:{principal.id}"


def owner_id(account: str) -> str:
    """The customer id of an account: as a canonical id, made from its number."""
    return "A" + hashlib.sha256(f"customer {account}".encode()).hexdigest()[:13].upper()


def send(call: Call, bucket: rows.Bucket, target: str, body: str) -> None:
    """Put a message into a queue, or publish it to a topic, as S3 does. Raises what they say."""
    service, region, account, name = target.split(":")[2:6]
    operation, request = (
        (
            "Publish",
            sns_api.PublishInput(topic_arn=target, subject=SUBJECT, message=body),
        )
        if service == "sns"
        else (
            "SendMessage",
            sqs_api.SendMessageRequest(
                queue_url=f"https://sqs.{region}.amazonaws.com/{account}/{name}", message_body=body
            ),
        )
    )
    call.invoke(
        service,
        operation,
        request,
        principal=service_principal(SENDER),
        account=account,
        region=region,
        conditions={"aws:SourceArn": bucket.arn, "aws:SourceAccount": bucket.account},
    )


@s3.reaction(pending.notices)
def made(call: Call, change: Change) -> None:
    """A notification was written down: send it."""
    if change.old is None:
        deliver(call, change.key)


@s3.timer("notify")
def deliver(call: Call, key: str) -> None:
    """Send a notification; on a refusal try again later, up to a day."""
    kept = call.rows(pending.notices)
    notice = kept.get(key)
    if notice is None:
        return
    bucket = rows.bucket_row(call.world, notice.bucket)
    if bucket is None or call.now - notice.made > KEPT_SECONDS:
        del kept[key]
        return
    try:
        send(call, bucket, notice.target, notice.body)
    except AwsError:
        kept[key] = replace(notice, attempts=notice.attempts + 1)
        call.at(call.now + min(2.0**notice.attempts, PAUSE_MAX), "notify", key)
    else:
        del kept[key]


@s3.start
def resume(call: Call) -> None:
    """What was written down when the cloud stopped is sent now."""
    for account, region, kept in list(call.world.cells(pending.notices)):
        for key in kept:
            if call.timers.get("s3", "notify", key, account, region) is None:
                call.timers.at(call.now, "s3", "notify", key, account, region)
