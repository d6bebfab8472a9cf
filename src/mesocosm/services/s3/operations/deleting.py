"""DeleteObject and DeleteObjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.shared import (
    check_version_id,
    object_arn,
    open_bucket,
    reachable,
    request_keys,
    versioned,
)
from mesocosm.services.s3.operations.writing import write
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import find_version, remove_version
from mesocosm.services.s3.rules import checksums, names, reading
from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

DELETES_MAX = 1000


class Condition(NamedTuple):
    """What the object must be for its deletion to go on."""

    etag: str | None = None
    size: int | None = None
    modified: float | None = None


ANY = Condition()


class Deletion(NamedTuple):
    """What a deletion did: the version deleted (if one was named) or the marker made."""

    version: str | None
    marker: bool
    made: bool = False


def _needs(call: Call, request: api.DeleteObjectRequest) -> list[Need]:
    if request.bypass_governance_retention and reachable(call, request.bucket) is not None:
        return [
            Need("s3:BypassGovernanceRetention", f"arn:aws:s3:::{request.bucket}/{request.key}")
        ]
    return []


@s3.operation(
    "DeleteObject",
    action=versioned("s3:DeleteObject", "s3:DeleteObjectVersion"),
    resource=object_arn,
    conditions=request_keys,
    needs=_needs,
    category="data",
)
def delete_object(call: Call, request: api.DeleteObjectRequest) -> api.DeleteObjectOutput:
    """Delete one version, or put a delete marker on top, or (unversioned) delete the object."""
    bucket = open_bucket(call, request)
    condition = Condition(
        request.if_match, request.if_match_size, request.if_match_last_modified_time
    )
    done = delete(
        call,
        bucket,
        request.key,
        request.version_id,
        condition,
        bypass=bool(request.bypass_governance_retention),
    )
    return api.DeleteObjectOutput(
        version_id=done.version, delete_marker=True if done.marker else None
    )


def delete(
    call: Call,
    bucket: rows.Bucket,
    key: str,
    version: str | None,
    condition: Condition = ANY,
    *,
    bypass: bool = False,
) -> Deletion:
    """Delete as S3 does. Raises PreconditionFailed, AccessDenied (object lock), InvalidArgument."""
    names.check_key(key)
    versions = rows.version_rows(call.world, bucket)
    place = (bucket.name, key, 0)
    if version is not None:
        found = find_version(versions, bucket.name, key, version)
        if found is None:
            check_version_id(version)
            return Deletion(version, False)
        _check(found[1], condition)
        check_lock(call, found[1], bypass)
        remove_version(versions, found[0])
        events.emit(call, bucket, key, found[1], "ObjectRemoved:Delete")
        return Deletion(version if bucket.versioning else None, found[1].marker)
    newest = versions.get(place)
    if newest is not None and not newest.marker:
        _check(newest, condition)
    if not bucket.versioning:
        if newest is not None:
            del versions[place]
        events.emit(call, bucket, key, newest, "ObjectRemoved:Delete")
        return Deletion(None, False)
    marker = write(
        call, bucket, key, rows.Object(modified=call.now, owner=bucket.account, marker=True)
    )
    events.emit(call, bucket, key, marker, "ObjectRemoved:DeleteMarkerCreated")
    return Deletion(marker.version, True, made=True)


def _check(row: rows.Object, condition: Condition) -> None:
    if condition.etag is not None and not reading.matches(condition.etag, row.etag):
        raise reading.precondition_failed("If-Match")
    if condition.size is not None and condition.size != row.size:
        raise reading.precondition_failed("x-amz-if-match-size")
    if condition.modified is not None and int(condition.modified) != int(row.modified):
        raise reading.precondition_failed("x-amz-if-match-last-modified-time")


def check_lock(call: Call, row: rows.Object, bypass: bool) -> None:
    """Object Lock: a protected version cannot be deleted. Raises AccessDenied."""
    lock = row.lock
    if lock is None:
        return
    held = lock.mode and lock.until > call.now and not (lock.mode == "GOVERNANCE" and bypass)
    if lock.hold or held:
        raise AwsError(
            "AccessDenied",
            "Access Denied because object protected by object lock.",
            status=403,
        )


def _nothing(call: Call, request: Any) -> list[str]:
    """Each key is a decision of its own, made by the operation: a refused one fails alone."""
    return []


@s3.operation(
    "DeleteObjects", action="s3:DeleteObject", resource=_nothing, category="data", read_only=False
)
def delete_objects(call: Call, request: api.DeleteObjectsRequest) -> api.DeleteObjectsOutput:
    """Delete up to 1,000 objects; each is authorised, and may fail, by itself."""
    bucket = open_bucket(call, request)
    if call.http is not None:
        _verify(call, request)
    wanted = request.delete.objects if request.delete is not None else None
    if not wanted or len(wanted) > DELETES_MAX:
        raise malformed_xml()
    quiet = bool(request.delete.quiet)
    deleted: list[api.DeletedObject] = []
    errors: list[api.Error] = []
    for item in wanted:
        if item.key is None or item.key == "":
            raise malformed_xml()
        try:
            done = _delete_one(call, bucket, request, item)
        except AwsError as error:
            errors.append(
                api.Error(
                    key=item.key,
                    version_id=item.version_id,
                    code=error.code,
                    message=error.message,
                )
            )
            continue
        if not quiet:
            deleted.append(
                api.DeletedObject(
                    key=item.key,
                    version_id=item.version_id,
                    delete_marker=True if done.marker else None,
                    delete_marker_version_id=done.version if done.marker else None,
                )
            )
    return api.DeleteObjectsOutput(deleted=deleted or None, errors=errors or None)


def _delete_one(
    call: Call, bucket: rows.Bucket, request: api.DeleteObjectsRequest, item: Any
) -> Deletion:
    arn = f"{bucket.arn}/{item.key}"
    conditions = dict(request_keys(call, request))
    if item.version_id is not None:
        conditions["s3:VersionId"] = item.version_id
    action = "s3:DeleteObject" if item.version_id is None else "s3:DeleteObjectVersion"
    call.need(Need(action, arn, conditions))
    if request.bypass_governance_retention:
        call.need(Need("s3:BypassGovernanceRetention", arn, conditions))
    modified = item.last_modified_time
    return delete(
        call,
        bucket,
        item.key,
        item.version_id,
        Condition(item.e_tag, item.size, modified),
        bypass=bool(request.bypass_governance_retention),
    )


def _verify(call: Call, request: api.DeleteObjectsRequest) -> None:
    """The document must come with a checksum that fits. Raises InvalidRequest, BadDigest."""
    assert call.http is not None
    http = call.http
    body = storing.body_of(call, http.body)
    md5 = http.headers.get("content-md5")
    stated = {name: value for name, value in http.headers if name.startswith("x-amz-checksum-")}
    stated |= http.trailers
    if md5 is not None:
        checksums.verify_md5(md5, body)
    found = [
        (a, stated[checksums.header(a)]) for a in checksums.MEMBERS if checksums.header(a) in stated
    ]
    if not found and md5 is None:
        raise AwsError(
            "InvalidRequest",
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
            status=400,
        )
    for algorithm, value in found:
        checksums.check_form(algorithm, value)
        checksums.verify(algorithm, value, body)
