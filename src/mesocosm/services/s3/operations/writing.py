"""PutObject, and what every way of making an object shares."""

from __future__ import annotations

import binascii
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events, replication
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.shared import (
    object_arn,
    open_bucket,
    quoted,
    reachable,
    write_keys,
)
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.resources.expiry import expiration_header
from mesocosm.services.s3.resources.versions import add_version
from mesocosm.services.s3.rules import (
    acls,
    attributes,
    checksums,
    names,
    object_lock,
    reading,
)
from mesocosm.services.s3.rules.requests import FormRequest
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.wire.message import Body

LOCK_MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})


_further = attrgetter(
    "acl",
    "tagging",
    "object_lock_mode",
    "object_lock_retain_until_date",
    "object_lock_legal_hold_status",
)


def write_needs(call: Call, request: Any) -> list[Need]:
    """What takes further permissions: an ACL, tags, object lock, a condition on the present
    object.
    """
    found: list[Need] = []
    asked = _further(request)
    condition = getattr(request, "if_match", None)
    if asked.count(None) == len(asked) and condition is None and not _grants(request):
        return found
    if reachable(call, request.bucket) is None:
        return found
    arn = f"arn:aws:s3:::{request.bucket}/{request.key}"
    # What services deliver comes with its grants under s3:PutObject alone.
    if call.principal.kind != "service" and (request.acl is not None or _grants(request)):
        found.append(Need("s3:PutObjectAcl", arn, write_keys(call, request)))
    if request.tagging:
        found.append(Need("s3:PutObjectTagging", arn, write_keys(call, request)))
    if request.object_lock_mode is not None or request.object_lock_retain_until_date is not None:
        found.append(Need("s3:PutObjectRetention", arn, write_keys(call, request)))
    if request.object_lock_legal_hold_status is not None:
        found.append(Need("s3:PutObjectLegalHold", arn, write_keys(call, request)))
    if condition is not None:
        found.append(Need("s3:GetObject", arn))
    return found


_grant_headers = attrgetter("grant_full_control", "grant_read", "grant_read_acp", "grant_write_acp")


def _grants(request: Any) -> bool:
    return bool(_grant_headers(request) != (None, None, None, None))


@s3.operation(
    "PutObject",
    resource=object_arn,
    conditions=write_keys,
    needs=write_needs,
    category="data",
    hide=("Body",),
)
def put_object(call: Call, request: api.PutObjectRequest) -> api.PutObjectOutput:
    """Store an object: its bytes, its headers, its checksum, as the newest version of its key."""
    bucket = open_bucket(call, request)
    names.check_key(request.key)
    body = storing.body_of(call, request.body)
    if call.http is not None:
        check_length(call)
    if request.write_offset_bytes is not None:
        raise call.not_implemented("appending (WriteOffsetBytes)")
    if request.content_md5 is not None:
        checksums.verify_md5(request.content_md5, body)
    algorithm, value = stated_checksum(call, request)
    value = checksums.verify(algorithm, value, body) if algorithm else ""
    if not algorithm:
        algorithm, value = checksums.DEFAULT, checksums.compute(checksums.DEFAULT, body)
    key = storing.customer_key(call, request)
    made, secret = new_object(call, bucket, request, key)
    if request.object_lock_mode is not None or request.object_lock_legal_hold_status is not None:
        _check_summed(call, request)
    check_condition(call, bucket, request)
    made["algorithm"], made["checksum"] = algorithm, value
    row = finish(call, bucket, request.key, made, body, secret)
    created(call, bucket, request.key, row, "Post" if is_form(call) else "Put")
    answer = api.PutObjectOutput(
        e_tag=quoted(row.etag),
        checksum_type=checksums.FULL_OBJECT,
        expiration=expiration_header(call.world, bucket, request.key, row),
    )
    checksums.show(answer, algorithm, value)
    storing.show_encryption(answer, row.encryption)
    if bucket.versioning:
        answer.version_id = row.version
    return answer


def _check_summed(call: Call, request: Any) -> None:
    """What is locked must have come with a checksum. Raises InvalidRequest."""
    if call.http is None or request.content_md5 is not None or stated_checksum(call, request)[0]:
        return
    raise AwsError(
        "InvalidRequest",
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with "
        "Object Lock parameters",
        status=400,
    )


def check_length(call: Call) -> None:
    """S3 wants to know the length of what is sent. Raises MissingContentLength."""
    assert call.http is not None
    headers = call.http.headers
    if "content-length" not in headers and "x-amz-decoded-content-length" not in headers:
        raise AwsError(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", status=411
        )


def stated_checksum(call: Call, request: Any) -> tuple[str, str]:
    """The algorithm and the checksum the client states. Raises InvalidRequest."""
    http = call.http
    found = checksums.stated(request, http.trailers if http is not None else {})
    asked = request.checksum_algorithm
    if asked is None or http is None:
        return found
    if asked.upper() not in checksums.MEMBERS:
        raise AwsError(
            "InvalidRequest",
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
            status=400,
        )
    if not found[0]:
        raise AwsError(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers "
            "were found.",
            status=400,
        )
    if found[0] != asked.upper():
        raise AwsError(
            "InvalidRequest",
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
            status=400,
        )
    return found


def check_condition(call: Call, bucket: rows.Bucket, request: Any) -> None:
    """The conditions of a write on what is there. Raises PreconditionFailed, NoSuchKey,
    NotImplemented.
    """
    if request.if_match is None and request.if_none_match is None:
        return
    if request.if_none_match not in (None, "*") or (request.if_match and request.if_none_match):
        name = "If-None-Match" if request.if_none_match is not None else "If-Match"
        raise AwsError(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            status=501,
            Header=name,
        )
    newest = rows.version_rows(call.world, bucket).get((bucket.name, request.key, 0))
    present = newest is not None and not newest.marker
    if request.if_none_match is not None:
        if present:
            raise reading.precondition_failed("If-None-Match")
        return
    if newest is None or not present:
        raise AwsError(
            "NoSuchKey", "The specified key does not exist.", status=404, Key=request.key
        )
    if not reading.matches(request.if_match, newest.etag):
        raise reading.precondition_failed("If-Match")


def new_object(
    call: Call, bucket: rows.Bucket, request: Any, key: Any
) -> tuple[dict[str, Any], Any]:
    """The fields of a new version that its request decides, all checked: everything but the body
    and its sums; and what the body is encrypted with. `key`: the customer's.
    """
    owner = owner_of(call, bucket, request)
    made: dict[str, Any] = {
        "modified": call.now,
        "owner": owner,
        "storage_class": attributes.storage_class(request.storage_class),
    }
    acl = new_acl(call, bucket, request, owner)
    if acl is not None:
        made["acl"] = acl
    if request.content_type:
        made["content_type"] = request.content_type
    headers = attributes.content_headers(request, request.expires)
    redirect = request.website_redirect_location
    if redirect is not None:
        if not redirect.startswith(("/", "http://", "https://")):
            raise AwsError(
                "InvalidRedirectLocation",
                "The website redirect location must have a prefix of 'http://' or 'https://' or "
                "'/'.",
                status=400,
            )
        headers["website_redirect_location"] = redirect
    if headers:
        made["headers"] = headers
    if request.metadata:
        made["metadata"] = attributes.metadata(request.metadata)
    if request.tagging:
        made["tags"] = attributes.tagging_header(request.tagging)
    lock = new_lock(call, bucket, request)
    if lock is not None:
        made["lock"] = lock
    encryption, secret = storing.encryption(call, bucket, request, key)
    if encryption is not None:
        made["encryption"] = encryption
    return made, secret


def owner_of(call: Call, bucket: rows.Bucket, request: Any) -> str:
    """The account that will own a new object (S3 Object Ownership)."""
    writer = call.principal.account
    if not bucket.acls or not writer or writer == bucket.account:
        return bucket.account
    preferred = bucket.ownership == "BucketOwnerPreferred"
    return bucket.account if preferred and request.acl == "bucket-owner-full-control" else writer


def new_acl(
    call: Call, bucket: rows.Bucket, request: Any, owner: str
) -> tuple[rows.Grant, ...] | None:
    """The ACL asked for. Raises AccessControlListNotSupported, AccessDenied (Block Public
    Access).
    """
    if request.acl is None and not _grants(request):
        return None
    if not bucket.acls:
        if request.acl == "bucket-owner-full-control" and not _grants(request):
            return None
        raise AwsError(
            "AccessControlListNotSupported", "The bucket does not allow ACLs", status=400
        )
    acl = acls.requested(
        request, rows.canonical_id(owner), rows.canonical_id(bucket.account), bucket=False
    )
    if acls.public(acl) and rows.public_access(call.world, bucket).block_acls:
        raise public_acl_blocked(call, "s3:PutObject", f"{bucket.arn}/{request.key}")
    return acl


def public_acl_blocked(call: Call, action: str, arn: str) -> AwsError:
    """Block Public Access refuses a public ACL."""
    return AwsError(
        "AccessDenied",
        f"User: {call.principal.arn} is not authorized to perform: {action} on resource: "
        f'"{arn}" because public '
        "access control lists (ACLs) are blocked by the BlockPublicAcls block public access "
        "setting.",
        status=403,
    )


def new_lock(call: Call, bucket: rows.Bucket, request: Any) -> rows.Lock | None:
    """The object lock a request asks for. Raises InvalidRequest, InvalidArgument."""
    if request.object_lock_event_hold is not None:
        raise call.not_implemented("an event hold")
    mode, until = request.object_lock_mode, request.object_lock_retain_until_date
    hold = request.object_lock_legal_hold_status
    if mode is None and until is None and hold is None and not bucket.object_lock:
        return None
    if not bucket.object_lock:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", status=400)
    if (mode is None) != (until is None):
        raise attributes.argument(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date",
            "null",
        )
    if mode is not None and mode not in LOCK_MODES:
        raise attributes.argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    if until is not None and until <= call.now:
        raise attributes.argument(
            "The retain until date must be in the future!",
            "x-amz-object-lock-retain-until-date",
            str(until),
        )
    if hold not in (None, "ON", "OFF"):
        raise attributes.argument(
            "Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold
        )
    if mode is not None:
        return rows.Lock(mode, until or 0.0, hold == "ON")
    document = configurations.get(call.world, bucket, "object-lock")
    default = object_lock.default_lock(document, call.now)
    if hold is None:
        return default
    return replace(default or rows.Lock(), hold=hold == "ON")


def finish(
    call: Call, bucket: rows.Bucket, key: str, made: dict[str, Any], body: Body, secret: Any
) -> rows.Object:
    """Keep the body and write the version; returns it as it was written."""
    piece = storing.keep(call.world, body, secret)
    etag = binascii.hexlify(body.digest("MD5")).decode()
    if secret is not None:
        etag = call.ids.hex(32)  # under SSE-C and SSE-KMS the ETag is not the MD5 of the data
    row = rows.Object(
        **made, etag=etag, size=piece.size, data=piece.data, blob=piece.blob, nonce=piece.nonce
    )
    return write(call, bucket, key, row)


def write(call: Call, bucket: rows.Bucket, key: str, row: rows.Object) -> rows.Object:
    """Make a row the newest version of its key; returns it as it was written."""
    random = call.ids.alphanumeric(23) if bucket.versioning == "Enabled" else ""
    row = replication.mark(call, bucket, key, row)
    row = add_version(rows.version_rows(call.world, bucket), bucket, key, row, random)
    replication.queue(call, bucket, key, row)
    return row


def created(call: Call, bucket: rows.Bucket, key: str, row: rows.Object, how: str) -> None:
    """Tell of a new version: Put, Post, Copy or CompleteMultipartUpload."""
    events.emit(call, bucket, key, row, f"ObjectCreated:{how}")


def is_form(call: Call) -> bool:
    """Whether the request was a browser's form."""
    return isinstance(call.http, FormRequest)
