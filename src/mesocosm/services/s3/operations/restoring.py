"""RestoreObject: a copy of an archived object that can be read for some days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import restores
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.reading import restored
from mesocosm.services.s3.operations.shared import (
    object_arn,
    object_keys,
    open_bucket,
    open_object,
)
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import attributes
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

DAY = 86_400.0
HOUR = 3_600.0

DURATIONS = {
    ("GLACIER", "Expedited"): 5 * 60.0,
    ("GLACIER", "Standard"): 5 * HOUR,
    ("GLACIER", "Bulk"): 12 * HOUR,
    ("DEEP_ARCHIVE", "Standard"): 12 * HOUR,
    ("DEEP_ARCHIVE", "Bulk"): 48 * HOUR,
}
"""Seconds a restore takes ("Archive retrieval options", Amazon S3 User Guide)."""


@s3.operation("RestoreObject", resource=object_arn, conditions=object_keys, category="data")
def restore_object(call: Call, request: api.RestoreObjectRequest) -> api.RestoreObjectOutput:
    """Begin a restore (202), or keep a restored copy for longer (200)."""
    bucket = open_bucket(call, request)
    verify_document(call)
    place, row = open_object(call, bucket, request.key, request.version_id)
    wanted = request.restore_request
    if wanted is None:
        raise attributes.malformed_xml()
    if wanted.type is not None or wanted.select_parameters is not None:
        raise call.not_implemented("a SELECT restore")
    if row.storage_class not in attributes.ARCHIVED:
        raise AwsError(
            "InvalidObjectState",
            "Restore is not allowed for the object's current storage class",
            status=403,
            StorageClass=row.storage_class,
        )
    days = wanted.days
    if days is None or days < 1:
        raise attributes.malformed_xml()
    parameters = wanted.glacier_job_parameters
    tier = (parameters.tier if parameters is not None else wanted.tier) or "Standard"
    duration = DURATIONS.get((row.storage_class, tier))
    if duration is None:
        raise attributes.argument(
            f"{tier} retrievals are not available for the storage class {row.storage_class}",
            "Tier",
            tier,
        )
    versions = rows.version_rows(call.world, bucket)
    if row.restore is not None and call.now < row.restore.ready:
        raise AwsError(
            "RestoreAlreadyInProgress", "Object restore is already in progress", status=409
        )
    if restored(call, row):
        assert row.restore is not None
        made = rows.Restore(row.restore.ready, _expiry(call.now, days), days)
    else:
        ready = call.now + duration
        made = rows.Restore(ready, _expiry(ready, days), days)
        call.answer_status = 202
    row = versions[place] = replace(row, restore=made)
    restores.begun(call, bucket, place, row)
    return api.RestoreObjectOutput()


def _expiry(start: float, days: int) -> float:
    """Midnight UTC after that many days."""
    return ((start + days * DAY) // DAY + 1) * DAY
