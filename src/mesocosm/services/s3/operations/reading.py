"""GetObject and HeadObject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.shared import (
    check_owner,
    http_date,
    object_arn,
    object_keys,
    open_bucket,
    open_object,
    quoted,
    versioned,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.expiry import expiration_header
from mesocosm.services.s3.rules import attributes, checksums, reading
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

OVERRIDES = (
    ("response_cache_control", "cache_control"),
    ("response_content_disposition", "content_disposition"),
    ("response_content_encoding", "content_encoding"),
    ("response_content_language", "content_language"),
    ("response_content_type", "content_type"),
)
"""Query parameters of signed requests that replace a header of the answer."""

_get = versioned("s3:GetObject", "s3:GetObjectVersion")


@s3.operation(
    "GetObject",
    action=_get,
    resource=object_arn,
    conditions=object_keys,
    category="data",
    hide=("Body",),
)
def get_object(call: Call, request: api.GetObjectRequest) -> api.GetObjectOutput:
    """An object's bytes, or a range of them, with what is known of it."""
    answer: api.GetObjectOutput
    answer, row, key, start, stop = _read(call, request, api.GetObjectOutput)
    if row.storage_class in attributes.ARCHIVED and not restored(call, row):
        raise invalid_state(row)
    secret = storing.secret(call, row, key)
    answer.body = storing.content(call.world, row, secret, start, stop) if stop > start else b""
    return answer


@s3.operation(
    "HeadObject", action=_get, resource=object_arn, conditions=object_keys, category="data"
)
def head_object(call: Call, request: api.HeadObjectRequest) -> api.HeadObjectOutput:
    """What GetObject would answer, without the bytes."""
    answer: api.HeadObjectOutput = _read(call, request, api.HeadObjectOutput)[0]
    return answer


def _read(call: Call, request: Any, make: Any) -> tuple[Any, rows.Object, Any, int, int]:
    """The answer without its body; the version, the customer's key, and the bytes that are asked
    for.
    """
    bucket = open_bucket(call, request)
    _, row = open_object(call, bucket, request.key, request.version_id)
    check_owner(call, bucket, row, "READ")
    key = storing.customer_key(call, request)
    storing.check_key(row, key)
    _check_conditions(call, bucket, request, row)
    start, stop, partial = _span(request, row)
    answer = make(
        accept_ranges="bytes",
        last_modified=row.modified,
        content_length=stop - start,
        e_tag=quoted(row.etag),
        content_type=row.content_type,
    )
    if partial:
        answer.content_range = f"bytes {start}-{stop - 1}/{row.size}"
        call.answer_status = 206
    if row.headers:
        for name, value in row.headers.items():
            setattr(answer, name, value)
    if row.metadata:
        answer.metadata = row.metadata
    if bucket.versioning:
        answer.version_id = row.version
    _describe(call, bucket, request, row, answer)
    if call.http is not None and "response-" in call.http.query:
        _override(call, request, answer)
    if request.checksum_mode is not None and row.algorithm:
        _show_checksum(request, row, answer, partial)
    return answer, row, key, start, stop


def _check_conditions(call: Call, bucket: rows.Bucket, request: Any, row: rows.Object) -> None:
    """The If-* headers. Raises PreconditionFailed, and NotModified as an answer without a body."""
    if (
        request.if_match is None
        and request.if_none_match is None
        and request.if_modified_since is None
        and request.if_unmodified_since is None
    ):
        return
    sent = reading.check_read(
        row.etag,
        row.modified,
        request.if_match,
        request.if_none_match,
        request.if_modified_since,
        request.if_unmodified_since,
    )
    if not sent:
        headers = {"etag": quoted(row.etag), "last-modified": http_date(row.modified)}
        if bucket.versioning:
            headers["x-amz-version-id"] = row.version
        if "cache_control" in row.headers:
            headers["cache-control"] = row.headers["cache_control"]
        raise AwsError("NotModified", "Not Modified", status=304, headers=headers)


def _span(request: Any, row: rows.Object) -> tuple[int, int, bool]:
    """The bytes asked for, from and up to but not with, and whether that is a part of the object
    (206).
    """
    number = request.part_number
    if request.range is not None:
        if number is not None:
            raise AwsError(
                "InvalidRequest",
                "Cannot specify both Range header and partNumber query parameter",
                status=400,
            )
        found = reading.byte_range(request.range, row.size)
        return (0, row.size, False) if found is None else (found[0], found[1] + 1, True)
    if number is None:
        return 0, row.size, False
    if not 1 <= number <= 10_000:
        raise attributes.argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            str(number),
        )
    count = row.parts or 1
    if number > count:
        raise AwsError(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            ActualPartCount=str(count),
            PartNumberRequested=str(number),
        )
    if not row.parts:
        return 0, row.size, row.size > 0
    sizes = [piece.size for piece in row.pieces]
    start = sum(sizes[: number - 1])
    return start, start + sizes[number - 1], True


def _describe(call: Call, bucket: rows.Bucket, request: Any, row: rows.Object, answer: Any) -> None:
    """The rarer headers of a version."""
    storing.show_encryption(answer, row.encryption)
    if row.storage_class != "STANDARD":
        answer.storage_class = row.storage_class
    if row.parts and request.part_number is not None:
        answer.parts_count = row.parts
    if row.tags and call.allows("s3:GetObjectTagging", f"{bucket.arn}/{request.key}"):
        answer.tag_count = len(row.tags)
    answer.expiration = expiration_header(call.world, bucket, request.key, row)
    if row.replication:
        answer.replication_status = row.replication
    if row.restore is not None:
        answer.restore = restore_header(call, row.restore)
    if row.lock is not None:
        _show_lock(call, bucket, request, row.lock, answer)


def _show_lock(call: Call, bucket: rows.Bucket, request: Any, lock: rows.Lock, answer: Any) -> None:
    arn = f"{bucket.arn}/{request.key}"
    if lock.mode and call.allows("s3:GetObjectRetention", arn):
        answer.object_lock_mode = lock.mode
        answer.object_lock_retain_until_date = lock.until
    if call.allows("s3:GetObjectLegalHold", arn):
        answer.object_lock_legal_hold_status = "ON" if lock.hold else "OFF"


def _override(call: Call, request: Any, answer: Any) -> None:
    """Headers of the answer that the query replaces. Raises InvalidRequest for anonymous
    callers.
    """
    given = [name for name, _ in OVERRIDES if getattr(request, name) is not None]
    if not given and request.response_expires is None:
        return
    if call.principal.kind == "anonymous":
        raise AwsError(
            "InvalidRequest",
            "Request specific response headers cannot be used for anonymous GET requests.",
            status=400,
        )
    for name, member in OVERRIDES:
        value = getattr(request, name)
        if value is not None:
            setattr(answer, member, value)
    if request.response_expires is not None:
        answer.expires = http_date(request.response_expires)


def _show_checksum(request: Any, row: rows.Object, answer: Any, partial: bool) -> None:
    """The checksum of the whole object, or of the one part asked for; a range has none."""
    if request.checksum_mode != "ENABLED" or (partial and request.range is not None):
        return
    value = row.checksum
    if request.part_number is not None and row.parts:
        value = row.pieces[request.part_number - 1].checksum
        if not value:
            return
    checksums.show(answer, row.algorithm, value)
    answer.checksum_type = row.checksum_type


# -- archived objects -----------------------------------------------------------------------------


def restored(call: Call, row: rows.Object) -> bool:
    """Whether an archived object has a copy that can be read now."""
    return row.restore is not None and row.restore.ready <= call.now < row.restore.expires


def restore_header(call: Call, restore: rows.Restore) -> str:
    """The x-amz-restore header."""
    if call.now < restore.ready:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{http_date(restore.expires)}"'


def invalid_state(row: rows.Object) -> AwsError:
    """An archived object cannot be read."""
    return AwsError(
        "InvalidObjectState",
        "The operation is not valid for the object's storage class",
        status=403,
        StorageClass=row.storage_class,
    )
