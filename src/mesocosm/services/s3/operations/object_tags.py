"""Tags of objects, and GetObjectAttributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events, replication
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import (
    object_arn,
    object_keys,
    open_bucket,
    open_object,
    reachable,
    shown_version,
    tag_keys,
    versioned,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import attributes, checksums, multipart, paging

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Conditions


def _tag_keys(call: Call, request: api.PutObjectTaggingRequest) -> Conditions:
    found = dict(object_keys(call, request))
    tags = request.tagging.tag_set if request.tagging is not None else None
    asked = {tag.key or "": tag.value or "" for tag in tags or ()}
    found |= tag_keys("s3:RequestObjectTag", asked)
    found["s3:RequestObjectTagKeys"] = list(asked)
    return found


@s3.operation(
    "PutObjectTagging",
    action=versioned("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
    resource=object_arn,
    conditions=_tag_keys,
    category="data",
)
def put_object_tagging(
    call: Call, request: api.PutObjectTaggingRequest
) -> api.PutObjectTaggingOutput:
    """Replace the tags of a version."""
    bucket = open_bucket(call, request)
    verify_document(call)
    if request.tagging is None:
        raise attributes.malformed_xml()
    tags = attributes.tag_set(request.tagging.tag_set, attributes.OBJECT_TAGS_MAX)
    place, row = open_object(call, bucket, request.key, request.version_id)
    rows.version_rows(call.world, bucket)[place] = replace(row, tags=tags)
    events.emit(call, bucket, request.key, row, "ObjectTagging:Put")
    replication.changed(call, bucket, place)
    return api.PutObjectTaggingOutput(version_id=shown_version(bucket, row))


@s3.operation(
    "GetObjectTagging",
    action=versioned("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
    resource=object_arn,
    conditions=object_keys,
    category="data",
)
def get_object_tagging(
    call: Call, request: api.GetObjectTaggingRequest
) -> api.GetObjectTaggingOutput:
    """The tags of a version."""
    bucket = open_bucket(call, request)
    _, row = open_object(call, bucket, request.key, request.version_id)
    return api.GetObjectTaggingOutput(
        version_id=shown_version(bucket, row),
        tag_set=[api.Tag(key=key, value=value) for key, value in row.tags.items()],
    )


@s3.operation(
    "DeleteObjectTagging",
    action=versioned("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
    resource=object_arn,
    conditions=object_keys,
    category="data",
)
def delete_object_tagging(
    call: Call, request: api.DeleteObjectTaggingRequest
) -> api.DeleteObjectTaggingOutput:
    """Remove the tags of a version."""
    bucket = open_bucket(call, request)
    place, row = open_object(call, bucket, request.key, request.version_id)
    rows.version_rows(call.world, bucket)[place] = replace(row, tags={})
    events.emit(call, bucket, request.key, row, "ObjectTagging:Delete")
    replication.changed(call, bucket, place)
    return api.DeleteObjectTaggingOutput(version_id=shown_version(bucket, row))


# -- attributes -----------------------------------------------------------------------------------

ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


def _attribute_needs(call: Call, request: api.GetObjectAttributesRequest) -> list[Need]:
    if reachable(call, request.bucket) is None:
        return []
    action = (
        "s3:GetObjectAttributes" if request.version_id is None else "s3:GetObjectVersionAttributes"
    )
    arn = f"arn:aws:s3:::{request.bucket}/{request.key}"
    return [Need(action, arn, object_keys(call, request))]


@s3.operation(
    "GetObjectAttributes",
    action=versioned("s3:GetObject", "s3:GetObjectVersion"),
    resource=object_arn,
    conditions=object_keys,
    needs=_attribute_needs,
    category="data",
)
def get_object_attributes(
    call: Call, request: api.GetObjectAttributesRequest
) -> api.GetObjectAttributesOutput:
    """What is known of a version, as far as asked for."""
    bucket = open_bucket(call, request)
    asked = request.object_attributes
    if not asked or not ATTRIBUTES.issuperset(asked):
        raise attributes.argument(
            "Invalid attribute name specified.", "x-amz-object-attributes", ",".join(asked or ())
        )
    _, row = open_object(call, bucket, request.key, request.version_id)
    storing.check_key(row, storing.customer_key(call, request))
    answer = api.GetObjectAttributesOutput(
        last_modified=row.modified, version_id=shown_version(bucket, row)
    )
    if "ETag" in asked:
        answer.e_tag = row.etag
    if "StorageClass" in asked:
        answer.storage_class = row.storage_class
    if "ObjectSize" in asked:
        answer.object_size = row.size
    if "Checksum" in asked and row.algorithm:
        answer.checksum = api.Checksum(checksum_type=row.checksum_type)
        checksums.show(answer.checksum, row.algorithm, row.checksum.partition("-")[0])
    if "ObjectParts" in asked and row.parts:
        answer.object_parts = _parts(request, row)
    return answer


def _parts(request: Any, row: rows.Object) -> api.GetObjectAttributesParts:
    limit = paging.limit(request.max_parts, "max-parts")
    after = multipart.marker(request.part_number_marker)
    shown = row.pieces[after : after + limit]
    answer = api.GetObjectAttributesParts(total_parts_count=row.parts)
    if row.checksum_type != checksums.COMPOSITE:
        return answer  # parts are listed for composite checksums only
    answer.part_number_marker = after
    answer.max_parts = limit
    answer.is_truncated = after + limit < row.parts
    answer.next_part_number_marker = after + len(shown)
    found = []
    for number, piece in enumerate(shown, after + 1):
        part = api.ObjectPart(part_number=number, size=piece.size)
        checksums.show(part, row.algorithm, piece.checksum)
        found.append(part)
    answer.parts = found
    return answer
