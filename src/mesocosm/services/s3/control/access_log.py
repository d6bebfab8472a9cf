"""Server access logs: a line for every request to a bucket that is logged, delivered every hour by
the world's clock.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.call.identity import service_principal
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources import configurations, pending, rows
from mesocosm.services.s3.rules import access_log as rules
from mesocosm.services.s3.rules.requests import PageRequest
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.wire.outputs import host_id
from mesocosm.world import StorageFailed

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.steps import Passage
    from mesocosm.world import World

DELIVERER = "logging.s3.amazonaws.com"
HOUR = 3600.0
AT_ONCE = 500
"""Lines of one log object: those after them come at once, and calls go between."""
KEPT_SECONDS = 24 * HOUR
"""How long lines wait for a bucket that does not take them (delivery is best effort)."""


def note(cloud: Cloud, passage: Passage) -> None:
    """A request was answered: write its line, if its bucket is logged."""
    route = passage.route
    bucket = (
        rows.bucket_row(cloud.world, route.labels.get("Bucket", "")) if route is not None else None
    )
    if bucket is None or configurations.get(cloud.world, bucket, "logging") is None:
        return
    try:
        with cloud.world.transaction():
            _keep(cloud.world, bucket, cloud.world.clock.now(), _line(cloud, passage, bucket))
    except StorageFailed:
        return  # what was asked for is done and answered; its line is lost


def _line(cloud: Cloud, passage: Passage, bucket: rows.Bucket) -> str:
    request, response, route = passage.request, passage.response, passage.route
    page = request if isinstance(request, PageRequest) else None
    if page is not None:
        request = page.asked
    assert route is not None
    assert response is not None
    key = route.labels.get("Key", "")
    headers = {name.lower(): value for name, value in response.headers}
    sent = response.body.size if not isinstance(response.body, bytes) else len(response.body)
    row = rows.version_rows(cloud.world, bucket).get((bucket.name, key, 0)) if key else None
    call = passage.call
    now = call.now if call is not None else cloud.world.clock.now()
    millis = int((cloud.world.clock.monotonic() - passage.started) * 1000)
    copies = "x-amz-copy-source" in request.headers
    signed = "authorization" in request.headers or "X-Amz-Credential=" in request.query
    query = f"?{request.query}" if request.query else ""
    return rules.line(
        [
            rows.canonical_id(bucket.account),
            bucket.name,
            rules.moment(now),
            request.peer,
            _requester(passage),
            passage.request_id,
            f"WEBSITE.{request.method}.OBJECT"
            if page is not None
            else rules.operation_name(request.method, request.query, key, copies),
            rules.shown_key(key),
            rules.escaped(f"{request.method} {request.path}{query} HTTP/1.1"),
            page.status if page is not None and response.status == 200 else response.status,
            passage.error.code if passage.error is not None else None,
            sent or None,
            row.size if row is not None and not row.marker else None,
            millis,
            millis,
            rules.escaped(request.headers.get("referer") or ""),
            rules.escaped(request.headers.get("user-agent") or ""),
            headers.get("x-amz-version-id"),
            host_id(passage.request_id),
            "SigV4" if signed else None,
            None,
            ("AuthHeader" if "authorization" in request.headers else "QueryString")
            if signed
            else None,
            request.host,
            None,
            None,
            None,
            None,
        ]
    )


def _requester(passage: Passage) -> str | None:
    principal = passage.principal
    if principal is None or principal.kind == "anonymous":
        return None
    return rows.canonical_id(principal.account) if principal.kind == "root" else principal.arn


def by_itself(
    call: Call, bucket: rows.Bucket, name: str, key: str, row: rows.Object | None
) -> None:
    """Write the line of something S3 did by itself, such as `S3.EXPIRE.OBJECT`."""
    if configurations.get(call.world, bucket, "logging") is None:
        return
    text = rules.line(
        [
            rows.canonical_id(bucket.account),
            bucket.name,
            rules.moment(call.now),
            None,
            "AmazonS3",
            call.request_id,
            name,
            rules.shown_key(key),
            '"-"',
            *(None,) * 2,
            None,
            row.size if row is not None and not row.marker else None,
            *(None,) * 2,
            '"-"',
            '"-"',
            row.version if row is not None and bucket.versioning else None,
            host_id(call.request_id),
            *(None,) * 8,
        ]
    )
    _keep(call.world, bucket, call.now, text)


def _keep(world: World, bucket: rows.Bucket, now: float, text: str) -> None:
    lines = world.rows(pending.log_lines, bucket.account, bucket.region)
    lines[bucket.name, world.derived(pending.Order).next()] = pending.LogLine(now, text)
    place = (bucket.account, bucket.region)
    if world.timers.get("s3", "deliver-logs", bucket.name, *place) is None:
        due = (now // HOUR + 1) * HOUR
        world.timers.at(due, "s3", "deliver-logs", bucket.name, *place)


@s3.timer("deliver-logs")
def deliver(call: Call, name: str) -> None:
    """Put the lines of a bucket into an object of the target bucket; the next ones into another."""
    bucket = rows.bucket_row(call.world, name)
    lines = call.rows(pending.log_lines)
    keys = list(islice(lines.range((name, 0), (name + "\0", 0)), AT_ONCE))
    more = len(keys) == AT_ONCE
    target = configurations.get(call.world, bucket, "logging") if bucket is not None else None
    if bucket is None or target is None or not keys:
        for key in keys:
            del lines[key]
        if more:
            call.at(call.now, "deliver-logs", name)
        return
    body = "".join(lines[key].text + "\n" for key in keys).encode()
    form = target.target_object_key_format
    dated = form.partitioned_prefix if form is not None else None
    log_key = rules.object_key(
        target.target_prefix or "",
        bucket.name,
        bucket.account,
        bucket.region,
        (dated.partition_date_source or "DeliveryTime") if dated is not None else None,
        lines[keys[0]].at
        if dated is not None and dated.partition_date_source == "EventTime"
        else call.now,
        call.ids.upper(16),
    )
    request = api.PutObjectRequest(
        bucket=target.target_bucket,
        key=log_key,
        body=MemoryBody(body, call.world.blobs),
        content_type="text/plain",
    )
    grants = rules.grant_headers(target.target_grants, rows.canonical_id(bucket.account))
    for member, text in grants.items():
        setattr(request, member, text)
    try:
        call.invoke(
            "s3",
            "PutObject",
            request,
            principal=service_principal(DELIVERER),
            account=bucket.account,
            region=bucket.region,
            conditions={"aws:SourceArn": bucket.arn, "aws:SourceAccount": bucket.account},
        )
    except AwsError:
        keys = [key for key in keys if call.now - lines[key].at > KEPT_SECONDS]
        call.at(call.now + (0 if more and keys else HOUR), "deliver-logs", name)
    else:
        if more:
            call.at(call.now, "deliver-logs", name)
    for line in keys:
        del lines[line]
