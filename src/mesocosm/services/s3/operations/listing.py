"""ListObjects, ListObjectsV2 and ListObjectVersions: range scans over the ordered table of
versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    check_version_id,
    open_bucket,
    quoted,
    request_keys,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import find_version, place_of
from mesocosm.services.s3.rules import attributes, paging

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesocosm.call.call import Call

Versions = "Rows[rows.VersionKey, rows.Object]"


@s3.operation(
    "ListObjectsV2",
    action="s3:ListBucket",
    resource=bucket_arn,
    conditions=request_keys,
    category="data",
)
def list_objects_v2(call: Call, request: api.ListObjectsV2Request) -> api.ListObjectsV2Output:
    """The keys of a bucket in UTF-8 order, a page at a time, by continuation token."""
    bucket = open_bucket(call, request)
    limit = paging.limit(request.max_keys, "max-keys")
    after = request.start_after or ""
    if request.continuation_token is not None:
        if request.continuation_token == "":
            raise attributes.argument(
                "The continuation token provided is incorrect", "continuation-token", ""
            )
        after = paging.position(request.continuation_token)
    show = paging.encoder(request.encoding_type)
    restore = "RestoreStatus" in (request.optional_object_attributes or ())
    contents, prefixes, last, more = _objects(
        call, bucket, request, after, limit, show, bool(request.fetch_owner), restore
    )
    return api.ListObjectsV2Output(
        is_truncated=more,
        contents=contents or None,
        name=bucket.name,
        prefix=show(request.prefix or ""),
        delimiter=show(request.delimiter) if request.delimiter else None,
        max_keys=limit,
        common_prefixes=prefixes or None,
        encoding_type=request.encoding_type or None,
        key_count=len(contents) + len(prefixes),
        continuation_token=request.continuation_token,
        next_continuation_token=paging.token(last) if more else None,
        start_after=show(request.start_after) if request.start_after is not None else None,
    )


@s3.operation(
    "ListObjects",
    action="s3:ListBucket",
    resource=bucket_arn,
    conditions=request_keys,
    category="data",
)
def list_objects(call: Call, request: api.ListObjectsRequest) -> api.ListObjectsOutput:
    """The keys of a bucket in UTF-8 order, a page at a time, by marker."""
    bucket = open_bucket(call, request)
    limit = paging.limit(request.max_keys, "max-keys")
    show = paging.encoder(request.encoding_type)
    restore = "RestoreStatus" in (request.optional_object_attributes or ())
    contents, prefixes, last, more = _objects(
        call, bucket, request, request.marker or "", limit, show, True, restore
    )
    return api.ListObjectsOutput(
        is_truncated=more,
        marker=show(request.marker or ""),
        next_marker=show(last) if more and request.delimiter else None,
        contents=contents or None,
        name=bucket.name,
        prefix=show(request.prefix or ""),
        delimiter=show(request.delimiter) if request.delimiter else None,
        max_keys=limit,
        common_prefixes=prefixes or None,
        encoding_type=request.encoding_type or None,
    )


def _objects(
    call: Call,
    bucket: rows.Bucket,
    request: Any,
    after: str,
    limit: int,
    show: Callable[[str], str],
    owners: bool,
    restore: bool,
) -> tuple[list[api.Object], list[api.CommonPrefix], str, bool]:
    """A page of objects and common prefixes, the last entry, and whether more follows."""
    versions = rows.version_rows(call.world, bucket)
    contents: list[api.Object] = []
    prefixes: list[api.CommonPrefix] = []
    last = ""
    if limit == 0:
        return contents, prefixes, last, False
    entries = paging.walk(
        versions.range,
        bucket.name,
        request.prefix or "",
        request.delimiter or "",
        after,
        None,
        lambda place: place[2] == 0 and not versions[place].marker,
        False,
    )
    for entry in entries:
        if len(contents) + len(prefixes) == limit:
            return contents, prefixes, last, True
        last = entry.key
        if entry.place is None:
            prefixes.append(api.CommonPrefix(prefix=show(entry.key)))
            continue
        row = versions[entry.place]
        contents.append(
            api.Object(
                key=show(entry.key),
                last_modified=float(int(row.modified)),
                e_tag=quoted(row.etag),
                checksum_algorithm=[row.algorithm] if row.algorithm else None,
                checksum_type=row.checksum_type if row.algorithm else None,
                size=row.size,
                storage_class=row.storage_class,
                owner=api.Owner(id=rows.canonical_id(row.owner)) if owners else None,
                restore_status=_restore(call, row) if restore else None,
            )
        )
    return contents, prefixes, last, False


def _restore(call: Call, row: rows.Object) -> api.RestoreStatus | None:
    if row.restore is None:
        return None
    if call.now < row.restore.ready:
        return api.RestoreStatus(is_restore_in_progress=True)
    return api.RestoreStatus(is_restore_in_progress=False, restore_expiry_date=row.restore.expires)


@s3.operation(
    "ListObjectVersions",
    action="s3:ListBucketVersions",
    resource=bucket_arn,
    conditions=request_keys,
    category="data",
)
def list_object_versions(
    call: Call, request: api.ListObjectVersionsRequest
) -> api.ListObjectVersionsOutput:
    """Every version and delete marker by key, the newest of a key first."""
    bucket = open_bucket(call, request)
    limit = paging.limit(request.max_keys, "max-keys")
    show = paging.encoder(request.encoding_type)
    versions = rows.version_rows(call.world, bucket)
    answer = api.ListObjectVersionsOutput(
        is_truncated=False,
        key_marker=show(request.key_marker or ""),
        version_id_marker=request.version_id_marker or "",
        name=bucket.name,
        prefix=show(request.prefix or ""),
        delimiter=show(request.delimiter) if request.delimiter else None,
        max_keys=limit,
        encoding_type=request.encoding_type or None,
    )
    found: list[Any] = []
    markers: list[Any] = []
    prefixes: list[api.CommonPrefix] = []
    last: paging.Entry | None = None
    for entry in _versions(request, bucket, versions) if limit else ():
        if len(found) + len(markers) + len(prefixes) == limit:
            assert last is not None
            answer.is_truncated = True
            answer.next_key_marker = show(last.key)
            if last.place is not None:
                answer.next_version_id_marker = versions[last.place].version
            break
        last = entry
        if entry.place is None:
            prefixes.append(api.CommonPrefix(prefix=show(entry.key)))
        elif versions[entry.place].marker:
            markers.append(_marker(entry, versions[entry.place], show))
        else:
            found.append(_version(entry, versions[entry.place], show))
    answer.versions = found or None
    answer.delete_markers = markers or None
    answer.common_prefixes = prefixes or None
    return answer


def _versions(request: Any, bucket: rows.Bucket, versions: Any) -> Any:
    """The entries after the markers. Raises InvalidArgument for a version marker without a key
    marker.
    """
    key, version = request.key_marker or "", request.version_id_marker
    start: rows.VersionKey | None = None
    if version is not None:
        if not key:
            raise attributes.argument(
                "A version-id marker cannot be specified without a key marker.",
                "version-id-marker",
                version,
            )
        if version == "":
            raise attributes.argument(
                "A version-id marker cannot be empty.", "version-id-marker", version
            )
        check_version_id(version)
        found = find_version(versions, bucket.name, key, version)
        if found is not None:
            start = (bucket.name, key, found[0][2] + 1)
        elif version != rows.NULL_VERSION:  # it is gone, but its place is known
            start = (bucket.name, key, place_of(version) + 1)
    return paging.walk(
        versions.range,
        bucket.name,
        request.prefix or "",
        request.delimiter or "",
        key,
        start,
        lambda place: True,
        True,
    )


def _version(
    entry: paging.Entry, row: rows.Object, show: Callable[[str], str]
) -> api.ObjectVersion:
    assert entry.place is not None
    return api.ObjectVersion(
        e_tag=quoted(row.etag),
        checksum_algorithm=[row.algorithm] if row.algorithm else None,
        checksum_type=row.checksum_type if row.algorithm else None,
        size=row.size,
        storage_class=row.storage_class,
        key=show(entry.key),
        version_id=row.version,
        is_latest=entry.place[2] == 0,
        last_modified=float(int(row.modified)),
        owner=api.Owner(id=rows.canonical_id(row.owner)),
    )


def _marker(
    entry: paging.Entry, row: rows.Object, show: Callable[[str], str]
) -> api.DeleteMarkerEntry:
    assert entry.place is not None
    return api.DeleteMarkerEntry(
        owner=api.Owner(id=rows.canonical_id(row.owner)),
        key=show(entry.key),
        version_id=row.version,
        is_latest=entry.place[2] == 0,
        last_modified=float(int(row.modified)),
    )
