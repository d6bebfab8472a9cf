"""CopyObject and UploadPartCopy."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.multipart import open_upload, part_rows
from mesocosm.services.s3.operations.reading import invalid_state, restored
from mesocosm.services.s3.operations.shared import (
    base_keys,
    check_owner,
    find,
    no_such_bucket,
    no_such_key,
    no_such_version,
    object_arn,
    open_bucket,
    quoted,
    reachable,
    request_keys,
    tag_keys,
    write_keys,
)
from mesocosm.services.s3.operations.writing import (
    check_condition,
    created,
    new_object,
    write,
    write_needs,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.expiry import expiration_header
from mesocosm.services.s3.rules import attributes, checksums, multipart, names, reading
from mesocosm.wire.body import FileBody, MemoryBody, Receiver
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


class Source(NamedTuple):
    """What x-amz-copy-source names."""

    bucket: str
    key: str
    version: str | None


def source_of(text: str) -> Source:
    """Read x-amz-copy-source: `bucket/key?versionId=id`, percent-encoded. Raises
    InvalidArgument.
    """
    path, _, query = text.partition("?")
    version = None
    if query:
        name, _, value = query.partition("=")
        if name != "versionId" or not value:
            raise attributes.argument(
                "Unsupported copy source parameter.", "x-amz-copy-source", text
            )
        version = unquote(value)
    name, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not name or not key:
        raise attributes.argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            "x-amz-copy-source",
            text,
        )
    if name.startswith("arn:"):
        raise attributes.argument("Invalid copy source bucket name", "x-amz-copy-source", text)
    return Source(name, key, version)


def copy_needs(call: Call, request: Any) -> list[Need]:
    """Reading the source, and its tags when they are copied too."""
    found: list[Need] = []
    if reachable(call, request.bucket) is None:
        return found
    source = source_of(request.copy_source)
    bucket = rows.bucket_row(call.world, source.bucket)
    if bucket is not None:
        arn = f"arn:aws:s3:::{source.bucket}/{source.key}"
        keys = dict(base_keys(call))
        place = find(call, bucket, source.key, source.version)
        tags = place[1].tags if place is not None else {}
        keys |= tag_keys("s3:ExistingObjectTag", tags)
        if source.version is not None:
            keys["s3:VersionId"] = source.version
        named = source.version is not None
        found.append(Need("s3:GetObjectVersion" if named else "s3:GetObject", arn, keys))
        copies = getattr(request, "tagging_directive", "REPLACE") in (None, "COPY")
        if copies and tags:
            action = "s3:GetObjectVersionTagging" if named else "s3:GetObjectTagging"
            found.append(Need(action, arn, keys))
            target = f"arn:aws:s3:::{request.bucket}/{request.key}"
            found.append(Need("s3:PutObjectTagging", target, write_keys(call, request)))
    return found


def _object_needs(call: Call, request: api.CopyObjectRequest) -> list[Need]:
    return [*copy_needs(call, request), *write_needs(call, request)]


def open_source(call: Call, request: Any) -> tuple[rows.Bucket, Source, rows.Object, Any]:
    """The version to copy from, which the request may read; with what it is encrypted with.

    Raises NoSuchBucket, NoSuchKey, NoSuchVersion, InvalidRequest (a delete marker),
    PreconditionFailed.
    """
    source = source_of(request.copy_source)
    bucket = rows.bucket_row(call.world, source.bucket)
    if bucket is None:
        raise no_such_bucket(source.bucket)
    if request.expected_source_bucket_owner not in (None, bucket.account):
        raise AwsError("AccessDenied", "Access Denied", status=403)
    found = find(call, bucket, source.key, source.version)
    if found is None or (found[1].marker and source.version is None):
        if source.version is None:
            raise no_such_key(call, bucket, source.key)
        raise no_such_version(source.key, source.version)
    row = found[1]
    if row.marker:
        raise AwsError(
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by "
            "version id.",
            status=400,
        )
    check_owner(call, bucket, row, "READ")
    if row.storage_class in attributes.ARCHIVED and not restored(call, row):
        error = invalid_state(row)
        error.code = "ObjectNotInActiveTierError"
        error.message = "The source object of the COPY operation is not in the active tier."
        raise error
    key = storing.customer_key(call, request, "copy_source_")
    storing.check_key(row, key)
    reading.check_copy(
        row.etag,
        row.modified,
        request.copy_source_if_match,
        request.copy_source_if_none_match,
        request.copy_source_if_modified_since,
        request.copy_source_if_unmodified_since,
    )
    return bucket, source, row, storing.secret(call, row, key)


def copied_body(
    call: Call, row: rows.Object, key: Any, start: int, stop: int
) -> MemoryBody | FileBody:
    """The bytes of a source as a body of their own: in memory while small, else through a spool
    file.
    """
    if row.data and not row.nonce:
        return MemoryBody(row.data[start:stop], call.world.blobs)
    receiver = Receiver(call.world.blobs)
    try:
        for chunk in storing.read_chunks(call.world, row, key, start, stop):
            receiver.write(chunk)
        return receiver.finish()
    except BaseException:
        receiver.discard()
        raise


@s3.operation(
    "CopyObject",
    action="s3:PutObject",
    resource=object_arn,
    conditions=write_keys,
    needs=_object_needs,
    category="data",
)
def copy_object(call: Call, request: api.CopyObjectRequest) -> api.CopyObjectOutput:
    """Copy an object within S3, with its metadata and tags or with others."""
    bucket = open_bucket(call, request)
    names.check_key(request.key)
    if request.annotation_directive is not None:
        raise call.not_implemented("annotations of objects")
    for name in ("metadata_directive", "tagging_directive"):
        value = getattr(request, name)
        if value not in (None, "COPY", "REPLACE"):
            raise attributes.argument(
                f"Unknown {name.partition('_')[0]} directive.",
                f"x-amz-{name.replace('_', '-')}",
                value,
            )
    from_bucket, source, origin, origin_key = open_source(call, request)
    if origin.size > storing.PUT_MAX:
        raise AwsError(
            "InvalidRequest",
            "The specified copy source is larger than the maximum allowable size for a copy "
            "source: "
            f"{storing.PUT_MAX}",
            status=400,
        )
    replaced = request.metadata_directive == "REPLACE"
    _check_same(bucket, request, source, origin)
    key = storing.customer_key(call, request)
    made, secret = new_object(call, bucket, request, key)
    if not replaced:
        made["content_type"] = origin.content_type
        made["metadata"] = origin.metadata
        kept = {n: v for n, v in origin.headers.items() if n != "website_redirect_location"}
        redirect = made.get("headers", {}).get("website_redirect_location")
        made["headers"] = kept | ({"website_redirect_location": redirect} if redirect else {})
    if request.tagging_directive != "REPLACE":
        made["tags"] = origin.tags
    check_condition(call, bucket, request)
    row = write(call, bucket, request.key, _copied(call, request, origin, origin_key, made, secret))
    created(call, bucket, request.key, row, "Copy")
    result = api.CopyObjectResult(
        e_tag=quoted(row.etag),
        last_modified=float(int(row.modified)),
        checksum_type=row.checksum_type,
    )
    checksums.show(result, row.algorithm, row.checksum)
    answer = api.CopyObjectOutput(
        copy_object_result=result,
        copy_source_version_id=origin.version if from_bucket.versioning else None,
        version_id=row.version if bucket.versioning else None,
        expiration=expiration_header(call.world, bucket, request.key, row),
    )
    storing.show_encryption(answer, row.encryption)
    return answer


def _check_same(bucket: rows.Bucket, request: Any, source: Source, origin: rows.Object) -> None:
    """An object may be copied onto itself only if something changes. Raises InvalidRequest."""
    if (source.bucket, source.key) != (bucket.name, request.key) or source.version is not None:
        return
    changes = (
        request.metadata_directive == "REPLACE"
        or request.storage_class not in (None, origin.storage_class)
        or request.website_redirect_location is not None
        or request.server_side_encryption is not None
        or request.sse_customer_algorithm is not None
        or request.copy_source_sse_customer_algorithm is not None
    )
    if not changes:
        raise AwsError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
            status=400,
        )


def _copied(
    call: Call, request: Any, origin: rows.Object, origin_key: Any, made: dict[str, Any], key: Any
) -> rows.Object:
    """The new row. Blobs are shared unless a key makes other bytes of them."""
    algorithm = origin.algorithm or checksums.DEFAULT
    if request.checksum_algorithm is not None:
        algorithm = checksums.check_algorithm(request.checksum_algorithm)
    plain = key is None and origin_key is None
    whole = not origin.pieces
    same_sum = algorithm == origin.algorithm and origin.checksum_type == checksums.FULL_OBJECT
    if plain and whole and same_sum:
        return rows.Object(
            **made,
            etag=origin.etag,
            size=origin.size,
            data=origin.data,
            blob=origin.blob,
            algorithm=algorithm,
            checksum=origin.checksum,
        )
    with closing(copied_body(call, origin, origin_key, 0, origin.size)) as body:
        piece = storing.keep(call.world, body, key)
        return rows.Object(
            **made,
            etag=body.digest("MD5").hex() if key is None else call.ids.hex(32),
            size=piece.size,
            data=piece.data,
            blob=piece.blob,
            nonce=piece.nonce,
            algorithm=algorithm,
            checksum=checksums.compute(algorithm, body),
        )


@s3.operation(
    "UploadPartCopy",
    action="s3:PutObject",
    resource=object_arn,
    conditions=request_keys,
    needs=copy_needs,
    category="data",
)
def upload_part_copy(call: Call, request: api.UploadPartCopyRequest) -> api.UploadPartCopyOutput:
    """A part from the bytes, or a range of the bytes, of an object."""
    bucket = open_bucket(call, request)
    upload_key, upload = open_upload(call, bucket, request)
    multipart.check_number(request.part_number)
    from_bucket, _, origin, origin_key = open_source(call, request)
    start, stop = 0, origin.size
    if request.copy_source_range is not None:
        start, last = reading.copy_range(request.copy_source_range, origin.size)
        stop = last + 1
    if stop - start > storing.PUT_MAX:
        raise storing.too_large(stop - start)
    given = storing.customer_key(call, request)
    storing.check_key(upload.object, given)
    key = storing.secret(call, upload.object, given)
    algorithm = upload.algorithm or checksums.DEFAULT
    with closing(copied_body(call, origin, origin_key, start, stop)) as body:
        etag = body.digest("MD5").hex() if key is None else call.ids.hex(32)
        piece = replace(
            storing.keep(call.world, body, key),
            number=request.part_number,
            etag=etag,
            checksum=checksums.compute(algorithm, body),
        )
    part_rows(call, bucket)[upload_key[2], request.part_number] = rows.Part(piece, call.now)
    result = api.CopyPartResult(e_tag=quoted(etag), last_modified=float(int(call.now)))
    if upload.algorithm:
        checksums.show(result, upload.algorithm, piece.checksum)
    answer = api.UploadPartCopyOutput(
        copy_part_result=result,
        copy_source_version_id=origin.version if from_bucket.versioning else None,
    )
    storing.show_encryption(answer, upload.object.encryption)
    return answer
