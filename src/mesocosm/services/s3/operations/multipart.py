"""Multipart uploads: create, upload parts, list, complete, abort."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    object_arn,
    open_bucket,
    quoted,
    request_keys,
    write_keys,
)
from mesocosm.services.s3.operations.writing import (
    check_condition,
    check_length,
    created,
    new_object,
    stated_checksum,
    write,
    write_needs,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.expiry import abort_headers, expiration_header
from mesocosm.services.s3.resources.pending import Order
from mesocosm.services.s3.rules import attributes, checksums, multipart, names, paging
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

UploadKey = tuple[str, str, str]


def open_upload(call: Call, bucket: rows.Bucket, request: Any) -> tuple[UploadKey, rows.Upload]:
    """The upload a request names. Raises NoSuchUpload."""
    key = (bucket.name, request.key, request.upload_id)
    upload = call.rows(rows.uploads, bucket.account, bucket.region).get(key)
    if upload is None:
        raise AwsError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload "
            "may have been aborted "
            "or completed.",
            status=404,
            UploadId=request.upload_id,
        )
    return key, upload


def part_rows(call: Call, bucket: rows.Bucket) -> Any:
    """The parts in the bucket's cell."""
    return call.rows(rows.parts, bucket.account, bucket.region)


@s3.operation(
    "CreateMultipartUpload",
    action="s3:PutObject",
    resource=object_arn,
    conditions=write_keys,
    needs=write_needs,
    category="data",
)
def create_multipart_upload(
    call: Call, request: api.CreateMultipartUploadRequest
) -> api.CreateMultipartUploadOutput:
    """Begin an upload in parts; everything but the bytes is decided here."""
    bucket = open_bucket(call, request)
    names.check_key(request.key)
    algorithm, kind = request.checksum_algorithm, request.checksum_type
    if algorithm is not None:
        algorithm = checksums.check_algorithm(algorithm)
        kind = checksums.check_type(algorithm, kind)
    elif kind is not None:
        raise AwsError(
            "InvalidRequest",
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
            "header.",
            status=400,
        )
    key = storing.customer_key(call, request)
    made, _ = new_object(call, bucket, request, key)
    upload_id = multipart.upload_id(call.world.derived(Order).next(), call.ids.alphanumeric(110))
    upload = rows.Upload(
        initiated=call.now,
        initiator=call.principal.arn,
        owner=made["owner"],
        object=rows.Object(**made),
        algorithm=algorithm or "",
        checksum_type=kind or "",
    )
    call.rows(rows.uploads, bucket.account, bucket.region)[bucket.name, request.key, upload_id] = (
        upload
    )
    answer = api.CreateMultipartUploadOutput(
        bucket=bucket.name,
        key=request.key,
        upload_id=upload_id,
        checksum_algorithm=algorithm,
        checksum_type=kind,
    )
    answer.abort_date, answer.abort_rule_id = abort_headers(
        call.world, bucket, request.key, call.now
    )
    storing.show_encryption(answer, upload.object.encryption)
    return answer


@s3.operation(
    "UploadPart",
    action="s3:PutObject",
    resource=object_arn,
    conditions=request_keys,
    category="data",
    hide=("Body",),
)
def upload_part(call: Call, request: api.UploadPartRequest) -> api.UploadPartOutput:
    """Keep one part; a part of the same number is replaced."""
    bucket = open_bucket(call, request)
    key, upload = open_upload(call, bucket, request)
    multipart.check_number(request.part_number)
    body = storing.body_of(call, request.body)
    if call.http is not None:
        check_length(call)
    if request.content_md5 is not None:
        checksums.verify_md5(request.content_md5, body)
    algorithm, value = stated_checksum(call, request)
    if upload.algorithm and algorithm and algorithm != upload.algorithm:
        raise AwsError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
            f"actual checksum Type: {algorithm.lower()}",
            status=400,
        )
    if upload.algorithm and not algorithm and upload.checksum_type == checksums.COMPOSITE:
        raise AwsError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
            "actual checksum Type: null",
            status=400,
        )
    stated = algorithm
    if algorithm:
        value = checksums.verify(algorithm, value, body)
    kept = upload.algorithm or checksums.DEFAULT
    if kept != algorithm:
        value = checksums.compute(kept, body)
    given = storing.customer_key(call, request)
    storing.check_key(upload.object, given)
    secret = storing.secret(call, upload.object, given)
    piece = storing.keep(call.world, body, secret)
    etag = body.digest("MD5").hex() if secret is None else call.ids.hex(32)
    part = rows.Part(
        replace(piece, number=request.part_number, etag=etag, checksum=value), call.now
    )
    part_rows(call, bucket)[key[2], request.part_number] = part
    answer = api.UploadPartOutput(e_tag=quoted(etag))
    if upload.algorithm:
        checksums.show(answer, upload.algorithm, value)
    elif stated == kept:
        checksums.show(answer, stated, value)
    elif stated:
        checksums.show(answer, stated, checksums.compute(stated, body))
    storing.show_encryption(answer, upload.object.encryption)
    return answer


@s3.operation(
    "CompleteMultipartUpload",
    action="s3:PutObject",
    resource=object_arn,
    conditions=request_keys,
    category="data",
)
def complete_multipart_upload(
    call: Call, request: api.CompleteMultipartUploadRequest
) -> api.CompleteMultipartUploadOutput:
    """Put the parts named together as the newest version of the key."""
    bucket = open_bucket(call, request)
    key, upload = open_upload(call, bucket, request)
    if upload.object.encryption.customer_md5:
        secret = storing.customer_key(call, request)
        if secret is not None:
            storing.check_key(upload.object, secret)
    storing.secret(call, upload.object, None)  # the parts are read: KMS is asked for that
    wanted = request.multipart_upload.parts if request.multipart_upload is not None else None
    if not wanted:
        raise attributes.malformed_xml()
    parts = part_rows(call, bucket)
    pieces = multipart.chosen(wanted, key[2], upload, lambda number: parts.get((key[2], number)))
    size = sum(piece.size for piece in pieces)
    if request.mpu_object_size is not None and request.mpu_object_size != size:
        raise AwsError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {request.mpu_object_size} does not "
            "match what was "
            f"computed: {size}",
            status=400,
        )
    algorithm, value, kind = multipart.whole_checksum(upload, pieces)
    _verify_stated(call, request, algorithm, value, kind)
    check_condition(call, bucket, request)
    md5 = hashlib.md5(
        b"".join(bytes.fromhex(piece.etag) for piece in pieces), usedforsecurity=False
    )
    row = replace(
        upload.object,
        modified=call.now,
        etag=f"{md5.hexdigest()}-{len(pieces)}",
        size=size,
        pieces=pieces,
        parts=len(pieces),
        algorithm=algorithm,
        checksum=value,
        checksum_type=kind,
    )
    row = write(call, bucket, request.key, row)
    created(call, bucket, request.key, row, "CompleteMultipartUpload")
    forget(call, bucket, key)
    answer = api.CompleteMultipartUploadOutput(
        location=f"http://{bucket.name}.s3.{bucket.region}.amazonaws.com/{request.key}",
        bucket=bucket.name,
        key=request.key,
        e_tag=quoted(row.etag),
        checksum_type=kind,
        version_id=row.version if bucket.versioning else None,
        expiration=expiration_header(call.world, bucket, request.key, row),
    )
    checksums.show(answer, algorithm, value)
    storing.show_encryption(answer, row.encryption)
    return answer


def _verify_stated(call: Call, request: Any, algorithm: str, value: str, kind: str) -> None:
    """The checksum of the whole object that the client states. Raises BadDigest, InvalidRequest."""
    if request.checksum_type is not None and request.checksum_type != kind:
        raise AwsError(
            "InvalidRequest",
            f"The upload was created using the {kind} checksum mode. The complete request must "
            "use the same checksum "
            "mode.",
            status=400,
        )
    for name, member in checksums.MEMBERS.items():
        stated = getattr(request, member)
        if stated is None:
            continue
        if name != algorithm:
            raise AwsError(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.lower()}, "
                "actual checksum Type: "
                f"{name.lower()}",
                status=400,
            )
        if stated.partition("-")[0] != value.partition("-")[0]:
            raise AwsError(
                "BadDigest",
                f"The {name} you specified did not match the calculated checksum.",
                status=400,
            )


def forget(call: Call, bucket: rows.Bucket, key: UploadKey) -> None:
    """Remove an upload and its parts."""
    parts = part_rows(call, bucket)
    for part in list(parts.range((key[2], 0), (key[2], multipart.PARTS_MAX + 1))):
        del parts[part]
    del call.rows(rows.uploads, bucket.account, bucket.region)[key]


@s3.operation("AbortMultipartUpload", resource=object_arn, conditions=request_keys, category="data")
def abort_multipart_upload(
    call: Call, request: api.AbortMultipartUploadRequest
) -> api.AbortMultipartUploadOutput:
    """Give an upload up; its parts are gone."""
    bucket = open_bucket(call, request)
    key, upload = open_upload(call, bucket, request)
    if request.if_match_initiated_time is not None and int(upload.initiated) != int(
        request.if_match_initiated_time
    ):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            status=412,
            Condition="x-amz-if-match-initiated-time",
        )
    forget(call, bucket, key)
    return api.AbortMultipartUploadOutput()


@s3.operation(
    "ListParts",
    action="s3:ListMultipartUploadParts",
    resource=object_arn,
    conditions=request_keys,
    category="data",
)
def list_parts(call: Call, request: api.ListPartsRequest) -> api.ListPartsOutput:
    """The parts of an upload by number."""
    bucket = open_bucket(call, request)
    key, upload = open_upload(call, bucket, request)
    limit = paging.limit(request.max_parts, "max-parts")
    after = multipart.marker(request.part_number_marker)
    parts = part_rows(call, bucket)
    answer = api.ListPartsOutput(
        bucket=bucket.name,
        key=request.key,
        upload_id=key[2],
        part_number_marker=after,
        max_parts=limit,
        is_truncated=False,
        initiator=_initiator(upload),
        owner=api.Owner(id=rows.canonical_id(upload.owner)),
        storage_class=upload.object.storage_class,
        checksum_algorithm=upload.algorithm or None,
        checksum_type=upload.checksum_type or None,
    )
    answer.abort_date, answer.abort_rule_id = abort_headers(
        call.world, bucket, request.key, upload.initiated
    )
    found: list[api.Part] = []
    for place in parts.range((key[2], after + 1), (key[2], multipart.PARTS_MAX + 1)):
        if len(found) == limit:
            answer.is_truncated = True
            break
        part = parts[place]
        shown = api.Part(
            part_number=place[1],
            last_modified=float(int(part.modified)),
            e_tag=quoted(part.piece.etag),
            size=part.piece.size,
        )
        if upload.algorithm:
            checksums.show(shown, upload.algorithm, part.piece.checksum)
        found.append(shown)
    answer.next_part_number_marker = found[-1].part_number if found else 0
    answer.parts = found or None
    return answer


def _initiator(upload: rows.Upload) -> api.Initiator:
    arn = upload.initiator
    name = arn.rpartition("/")[2] if "/" in arn else ""
    return api.Initiator(id=arn, display_name=name or None)


@s3.operation(
    "ListMultipartUploads",
    action="s3:ListBucketMultipartUploads",
    resource=bucket_arn,
    conditions=request_keys,
    category="data",
)
def list_multipart_uploads(
    call: Call, request: api.ListMultipartUploadsRequest
) -> api.ListMultipartUploadsOutput:
    """The uploads that go on in a bucket, by key and then by the time they began."""
    bucket = open_bucket(call, request)
    limit = paging.limit(request.max_uploads, "max-uploads")
    show = paging.encoder(request.encoding_type)
    uploads = call.rows(rows.uploads, bucket.account, bucket.region)
    answer = api.ListMultipartUploadsOutput(
        bucket=bucket.name,
        key_marker=show(request.key_marker or ""),
        upload_id_marker=request.upload_id_marker or "",
        prefix=show(request.prefix) if request.prefix else None,
        delimiter=show(request.delimiter) if request.delimiter else None,
        max_uploads=limit,
        is_truncated=False,
        encoding_type=request.encoding_type or None,
    )
    found: list[api.MultipartUpload] = []
    prefixes: list[api.CommonPrefix] = []
    entries = multipart.walk(
        uploads.range,
        bucket.name,
        request.prefix or "",
        request.delimiter or "",
        request.key_marker or "",
        request.upload_id_marker,
    )
    last: tuple[str, str] = ("", "")
    for key, upload_id in entries if limit else ():
        if len(found) + len(prefixes) == limit:
            answer.is_truncated = True
            answer.next_key_marker, answer.next_upload_id_marker = show(last[0]), last[1]
            break
        last = (key, upload_id)
        if not upload_id:
            prefixes.append(api.CommonPrefix(prefix=show(key)))
            continue
        upload = uploads[bucket.name, key, upload_id]
        found.append(
            api.MultipartUpload(
                upload_id=upload_id,
                key=show(key),
                initiated=float(int(upload.initiated)),
                storage_class=upload.object.storage_class,
                owner=api.Owner(id=rows.canonical_id(upload.owner)),
                initiator=_initiator(upload),
                checksum_algorithm=upload.algorithm or None,
                checksum_type=upload.checksum_type or None,
            )
        )
    answer.uploads = found or None
    answer.common_prefixes = prefixes or None
    return answer
