"""Restores of archived objects: the events of their beginning, their end and their expiry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import access_log, events
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import find_version
from mesocosm.services.s3.rules.notifications import instant

if TYPE_CHECKING:
    from mesocosm.call.call import Call


def begun(call: Call, bucket: rows.Bucket, place: rows.VersionKey, row: rows.Object) -> None:
    """A restore was asked for, or a restored copy is kept for longer."""
    restore = row.restore
    assert restore is not None
    key = json.dumps([bucket.name, place[1], row.version])
    cell = (bucket.account, bucket.region)
    if call.now < restore.ready:
        events.emit(call, bucket, place[1], row, "ObjectRestore:Post")
        call.timers.at(restore.ready, "s3", "restored", key, *cell)
    call.timers.at(restore.expires, "s3", "restore-over", key, *cell)


def _found(call: Call, key: str) -> tuple[rows.Bucket, rows.VersionKey, rows.Object] | None:
    name, object_key, version = json.loads(key)
    bucket = rows.bucket_row(call.world, name)
    if bucket is None:
        return None
    found = find_version(rows.version_rows(call.world, bucket), name, object_key, version)
    return None if found is None or found[1].restore is None else (bucket, *found)


@s3.timer("restored")
def restored(call: Call, key: str) -> None:
    """A restored copy can be read now."""
    found = _found(call, key)
    if found is None:
        return
    bucket, place, row = found
    assert row.restore is not None
    events.emit(
        call,
        bucket,
        place[1],
        row,
        "ObjectRestore:Completed",
        glacierEventData={
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": instant(row.restore.expires),
                "lifecycleRestoreStorageClass": row.storage_class,
            }
        },
    )


@s3.timer("restore-over")
def over(call: Call, key: str) -> None:
    """A restored copy is gone; the archived object stays."""
    found = _found(call, key)
    if found is None:
        return
    bucket, place, row = found
    row = replace(row, restore=None)
    rows.version_rows(call.world, bucket)[place] = row
    events.emit(call, bucket, place[1], row, "ObjectRestore:Delete")
    access_log.by_itself(call, bucket, "S3.EXPIRE.OBJECT", place[1], row)
