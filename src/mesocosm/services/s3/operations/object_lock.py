"""Object Lock: the bucket's configuration, retention and legal hold of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import replication
from mesocosm.services.s3.operations.bucket_settings import change, verify_document
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    lock_keys,
    object_arn,
    object_keys,
    open_bucket,
    open_object,
    reachable,
    request_keys,
)
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import object_lock as rules
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Conditions

KIND = "object-lock"


@s3.operation(
    "PutObjectLockConfiguration",
    action="s3:PutBucketObjectLockConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_object_lock_configuration(
    call: Call, request: api.PutObjectLockConfigurationRequest
) -> api.PutObjectLockConfigurationOutput:
    """Enable Object Lock on a versioned bucket, or set the default retention of new objects."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.object_lock_configuration
    wellformed(document)
    assert document is not None
    rules.check_default(document)
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            status=409,
        )
    rule = document.rule
    default = rule.default_retention if rule is not None else None
    if default is not None and default.default_event_hold is not None:
        raise call.not_implemented("DefaultEventHold")
    change(call, bucket, object_lock=True)
    configurations.put(call.world, bucket, KIND, document)
    return api.PutObjectLockConfigurationOutput()


@s3.operation(
    "GetObjectLockConfiguration",
    action="s3:GetBucketObjectLockConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_object_lock_configuration(
    call: Call, request: api.GetObjectLockConfigurationRequest
) -> api.GetObjectLockConfigurationOutput:
    """Whether Object Lock is enabled, and the default retention."""
    bucket = open_bucket(call, request)
    if not bucket.object_lock:
        raise AwsError(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
            status=404,
            BucketName=bucket.name,
        )
    document = configurations.get(call.world, bucket, KIND)
    return api.GetObjectLockConfigurationOutput(
        object_lock_configuration=document
        or api.ObjectLockConfiguration(object_lock_enabled="Enabled")
    )


def _lockable(call: Call, request: Any) -> tuple[rows.Bucket, rows.VersionKey, rows.Object]:
    """The version a request names, in a bucket with Object Lock. Raises InvalidRequest."""
    bucket = open_bucket(call, request)
    if not bucket.object_lock:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", status=400)
    place, row = open_object(call, bucket, request.key, request.version_id)
    return bucket, place, row


def _missing() -> AwsError:
    return AwsError(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
        status=404,
    )


# -- retention --------------------------------------------------------------------------------


def _retention_keys(call: Call, request: api.PutObjectRetentionRequest) -> Conditions:
    found = dict(object_keys(call, request))
    given = request.retention
    if given is not None and given.mode is not None:
        found["s3:object-lock-mode"] = given.mode
    return found | lock_keys(call, given.retain_until_date if given is not None else None)


def _retention_needs(call: Call, request: api.PutObjectRetentionRequest) -> list[Need]:
    if not request.bypass_governance_retention or reachable(call, request.bucket) is None:
        return []
    arn = f"arn:aws:s3:::{request.bucket}/{request.key}"
    return [Need("s3:BypassGovernanceRetention", arn, object_keys(call, request))]


@s3.operation(
    "PutObjectRetention",
    resource=object_arn,
    conditions=_retention_keys,
    needs=_retention_needs,
    category="data",
)
def put_object_retention(
    call: Call, request: api.PutObjectRetentionRequest
) -> api.PutObjectRetentionOutput:
    """Set, extend or (with the permission to bypass governance) shorten or lift a retention."""
    bucket, place, row = _lockable(call, request)
    verify_document(call)
    given = request.retention
    wellformed(given)
    assert given is not None
    if given.event_hold is not None or given.event_hold_duration is not None:
        raise call.not_implemented("an event hold")
    if (given.mode is None) != (given.retain_until_date is None):
        raise malformed_xml()
    mode, until = given.mode or "", given.retain_until_date or 0.0
    if mode and until <= call.now:
        raise argument(
            "The retain until date must be in the future!",
            "x-amz-object-lock-retain-until-date",
            str(until),
        )
    lock = row.lock or rows.Lock()
    rules.check_change(lock, mode, until, call.now, bool(request.bypass_governance_retention))
    made = replace(lock, mode=mode, until=until)
    rows.version_rows(call.world, bucket)[place] = replace(row, lock=made)
    replication.changed(call, bucket, place)
    return api.PutObjectRetentionOutput()


@s3.operation("GetObjectRetention", resource=object_arn, conditions=object_keys, category="data")
def get_object_retention(
    call: Call, request: api.GetObjectRetentionRequest
) -> api.GetObjectRetentionOutput:
    """The retention of a version."""
    lock = _lockable(call, request)[2].lock
    if lock is None or not lock.mode:
        raise _missing()
    return api.GetObjectRetentionOutput(
        retention=api.ObjectLockRetention(mode=lock.mode, retain_until_date=lock.until)
    )


# -- legal hold -------------------------------------------------------------------------------


def _hold_keys(call: Call, request: api.PutObjectLegalHoldRequest) -> Conditions:
    found = dict(object_keys(call, request))
    if request.legal_hold is not None and request.legal_hold.status is not None:
        found["s3:object-lock-legal-hold"] = request.legal_hold.status
    return found


@s3.operation("PutObjectLegalHold", resource=object_arn, conditions=_hold_keys, category="data")
def put_object_legal_hold(
    call: Call, request: api.PutObjectLegalHoldRequest
) -> api.PutObjectLegalHoldOutput:
    """Hold a version, or let it go."""
    bucket, place, row = _lockable(call, request)
    verify_document(call)
    given = request.legal_hold
    wellformed(given)
    assert given is not None
    if given.status is None:
        raise malformed_xml()
    made = replace(row.lock or rows.Lock(), hold=given.status == "ON")
    rows.version_rows(call.world, bucket)[place] = replace(row, lock=made)
    replication.changed(call, bucket, place)
    return api.PutObjectLegalHoldOutput()


@s3.operation("GetObjectLegalHold", resource=object_arn, conditions=object_keys, category="data")
def get_object_legal_hold(
    call: Call, request: api.GetObjectLegalHoldRequest
) -> api.GetObjectLegalHoldOutput:
    """Whether a version is held."""
    lock = _lockable(call, request)[2].lock
    if lock is None:
        raise _missing()
    return api.GetObjectLegalHoldOutput(
        legal_hold=api.ObjectLockLegalHold(status="ON" if lock.hold else "OFF")
    )
