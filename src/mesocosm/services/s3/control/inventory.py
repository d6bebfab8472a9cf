"""Inventories: lists of a bucket's objects as CSV, delivered daily or every Sunday by the world's
clock.

Source: "Amazon S3 Inventory", "Locating your inventory list", Amazon S3 User Guide.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import time
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mesocosm.api import s3 as api
from mesocosm.call.identity import service_principal
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules.notifications import instant
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

DAY = 86_400.0
SUNDAY = 6
AT_ONCE = 100
"""Versions listed before calls go between: some 5 ms."""
GZIP = 31
"""zlib's sign for a gzip header, which it writes without a time."""
SENDER = "s3.amazonaws.com"
ENCRYPTIONS = {"AES256": "SSE-S3", "aws:kms": "SSE-KMS", "aws:kms:dsse": "DSSE-KMS"}


def plan(call: Call, bucket: rows.Bucket) -> None:
    """Look at the bucket's inventories at the next midnight."""
    due = (call.now // DAY + 1) * DAY
    call.timers.at(due, "s3", "inventory", bucket.name, bucket.account, bucket.region)


@s3.timer("inventory")
def run(call: Call, name: str) -> None:
    """Deliver the inventories that are due. One that is refused is tried again next time."""
    bucket = rows.bucket_row(call.world, name)
    found = configurations.listed(call.world, bucket, "inventory") if bucket is not None else []
    if bucket is None or not found:
        return
    plan(call, bucket)
    sunday = time.gmtime(int(call.now)).tm_wday == SUNDAY
    for _, document in found:
        if document.is_enabled and (sunday or document.schedule.frequency == "Daily"):
            _part(call, bucket, f"{name}\n{document.id}")


def _part(call: Call, bucket: rows.Bucket, key: str) -> None:
    call.timers.at(call.now, "s3", "inventory-part", key, bucket.account, bucket.region)


@s3.timer("inventory-part")
def part(call: Call, key: str) -> None:
    """List some more of a bucket; deliver the list when that was all."""
    name, _, given = key.partition("\n")
    bucket = rows.bucket_row(call.world, name)
    found = configurations.listed(call.world, bucket, "inventory") if bucket is not None else []
    document = next((one for _, one in found if one.id == given), None)
    started = call.world.derived(Started).tables
    table = started.pop(key, None)
    if bucket is None or document is None:
        return
    if table is None or table.document != document:
        table = Table(document)
    if table.write(call, bucket):
        _deliver(call, bucket, table)
    else:
        started[key] = table
        _part(call, bucket, key)


class Table:
    """The list of one inventory, compressed as it is written. It is kept in memory only: where it
    is lost (a restart, a rewind) it begins anew.
    """

    def __init__(self, document: Any) -> None:
        self.document = document
        self.columns = _columns(document)
        self.packed = bytearray()
        self._packing = zlib.compressobj(wbits=GZIP)
        self._next: rows.VersionKey | None = None

    def write(self, call: Call, bucket: rows.Bucket) -> bool:
        """Write the next lines; whether those were the last."""
        document, versions = self.document, rows.version_rows(call.world, bucket)
        every = document.included_object_versions == "All"
        prefix = document.filter.prefix if document.filter is not None else ""
        start = self._next or (bucket.name, prefix, 0)
        places = list(islice(versions.range(start, (bucket.name + "\0", "", 0)), AT_ONCE))
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        done = len(places) < AT_ONCE
        for place in places:
            row = versions[place]
            if not place[1].startswith(prefix):
                done = True
                break
            if every or not (place[2] or row.marker):
                facts = _facts(call, bucket, place, row)
                writer.writerow([facts.get(column, "") for column in self.columns])
        self.packed += self._packing.compress(out.getvalue().encode())
        if done:
            self.packed += self._packing.flush()
        else:
            _, key, order = places[-1]
            self._next = (bucket.name, key, order + 1)
        return done


class Started:
    """The lists that are being written in a world, by timer."""

    def __init__(self, world: World) -> None:
        self.tables: dict[str, Table] = {}


def _deliver(call: Call, bucket: rows.Bucket, table: Table) -> None:
    document, columns, data = table.document, table.columns, bytes(table.packed)
    to = document.destination.s3_bucket_destination
    stem = f"{to.prefix}/" if to.prefix else ""
    stem += f"{bucket.name}/{document.id}"
    file = f"{stem}/data/{call.ids.uuid()}.csv.gz"
    manifest = {
        "sourceBucket": bucket.name,
        "destinationBucket": to.bucket,
        "version": "2016-11-30",
        "creationTimestamp": str(int(call.now * 1000)),
        "fileFormat": "CSV",
        "fileSchema": ", ".join(columns),
        "files": [
            {
                "key": file,
                "size": len(data),
                "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            }
        ],
    }
    text = json.dumps(manifest, indent=2).encode()
    checksum = hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
    day = time.strftime("%Y-%m-%dT%H-%MZ", time.gmtime(int(call.now)))
    try:
        for key, body in (
            (file, data),
            (f"{stem}/{day}/manifest.json", text),
            (f"{stem}/{day}/manifest.checksum", checksum),
        ):
            _put(call, bucket, to, key, body)
    except AwsError:
        return


def _put(call: Call, bucket: rows.Bucket, to: Any, key: str, body: bytes) -> None:
    target = to.bucket.rpartition(":")[2]
    kms = to.encryption.ssekms if to.encryption is not None else None
    place = rows.bucket_row(call.world, target)
    call.invoke(
        "s3",
        "PutObject",
        api.PutObjectRequest(
            bucket=target,
            key=key,
            body=MemoryBody(body, call.world.blobs),
            acl="bucket-owner-full-control",
            server_side_encryption="aws:kms" if kms is not None else None,
            ssekms_key_id=kms.key_id if kms is not None else None,
        ),
        principal=service_principal(SENDER),
        account=bucket.account,
        region=place.region if place is not None else bucket.region,
        conditions={"aws:SourceArn": bucket.arn, "aws:SourceAccount": bucket.account},
    )


def _columns(document: Any) -> list[str]:
    found = ["Bucket", "Key"]
    if document.included_object_versions == "All":
        found += ["VersionId", "IsLatest", "IsDeleteMarker"]
    return found + list(document.optional_fields or ())


def _facts(
    call: Call, bucket: rows.Bucket, place: rows.VersionKey, row: rows.Object
) -> dict[str, str]:
    """What an inventory can say of a version, by column."""
    found = {
        "Bucket": bucket.name,
        "Key": quote(place[1], safe="/"),
        "VersionId": row.version if bucket.versioning else "",
        "IsLatest": "true" if place[2] == 0 else "false",
        "IsDeleteMarker": "true" if row.marker else "false",
        "LastModifiedDate": instant(row.modified),
        "ReplicationStatus": row.replication,
        "ObjectOwner": rows.canonical_id(row.owner),
    }
    if row.marker:
        return found
    lock = row.lock or rows.Lock()
    found |= {
        "Size": str(row.size),
        "ETag": row.etag,
        "StorageClass": row.storage_class,
        "IsMultipartUploaded": "true" if row.parts else "false",
        "EncryptionStatus": "SSE-C"
        if row.encryption.customer_md5
        else ENCRYPTIONS[row.encryption.algorithm],
        "ObjectLockRetainUntilDate": instant(lock.until) if lock.mode else "",
        "ObjectLockMode": lock.mode,
        "ObjectLockLegalHoldStatus": "On" if lock.hold else "Off",
        "BucketKeyStatus": "ENABLED" if row.encryption.bucket_key else "DISABLED",
        "ChecksumAlgorithm": row.algorithm,
        "ObjectAccessControlList": _acl(row),
    }
    return found


def _acl(row: rows.Object) -> str:
    """An ACL as inventories write it: base64 of JSON."""
    owner = rows.canonical_id(row.owner)
    grants = row.acl or (rows.Grant("FULL_CONTROL", owner),)
    document = {
        "version": "2022-11-10",
        "status": "AVAILABLE",
        "grants": [
            {
                "type": "Group" if grant.group else "CanonicalUser",
                ("uri" if grant.group else "canonicalId"): grant.grantee,
                "permission": grant.permission,
            }
            for grant in grants
        ],
    }
    return base64.b64encode(json.dumps(document).encode()).decode()
