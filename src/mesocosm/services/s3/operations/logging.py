"""Server access logging: where the log of a bucket goes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import access_log, acls
from mesocosm.services.s3.rules.attributes import malformed_xml
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "logging"


@s3.operation("PutBucketLogging", resource=bucket_arn, conditions=request_keys)
def put_bucket_logging(call: Call, request: api.PutBucketLoggingRequest) -> None:
    """Log the requests to a bucket into another one, or (an empty document) no longer."""
    bucket = open_bucket(call, request)
    verify_document(call)
    wellformed(request.bucket_logging_status)
    target = request.bucket_logging_status.logging_enabled
    if target is None:
        configurations.delete(call.world, bucket, KIND)
        return
    form = target.target_object_key_format
    if form is not None and (form.simple_prefix is None) == (form.partitioned_prefix is None):
        raise malformed_xml()
    _check_target(call, bucket, rows.bucket_row(call.world, target.target_bucket))
    if target.target_grants:
        _check_grants(call, target)
    configurations.put(call.world, bucket, KIND, target)


def _check_target(call: Call, bucket: rows.Bucket, target: rows.Bucket | None) -> None:
    """Raises InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted."""
    if target is None:
        raise _invalid("The target bucket for logging does not exist")
    if target.account != bucket.account:
        raise _invalid(
            "The owner for the bucket to be logged and the target bucket must be the same."
        )
    if target.region != bucket.region:
        raise AwsError(
            "CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed.", status=403
        )
    if target.requester_pays:
        raise _invalid("The target bucket for logging can't be a Requester Pays bucket.")
    document = configurations.get(call.world, target, "object-lock")
    if document is not None and document.rule is not None:
        raise _invalid("The target bucket for logging can't have a default retention period.")


def _check_grants(call: Call, target: api.LoggingEnabled) -> None:
    """Raises InvalidBucketAclWithObjectOwnership, InvalidArgument, MalformedXML."""
    bucket = rows.bucket_row(call.world, target.target_bucket)
    if bucket is not None and not bucket.acls:
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            status=400,
        )
    for grant in target.target_grants or ():
        if grant.grantee is None or grant.permission not in ("FULL_CONTROL", "READ", "WRITE"):
            raise malformed_xml()
    acls.header_grants(SimpleNamespace(**access_log.grant_headers(target.target_grants, "")))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidTargetBucketForLogging", message, status=400)


@s3.operation("GetBucketLogging", resource=bucket_arn, conditions=request_keys)
def get_bucket_logging(
    call: Call, request: api.GetBucketLoggingRequest
) -> api.GetBucketLoggingOutput:
    """Where the log goes; nothing for a bucket that is not logged."""
    document = configurations.get(call.world, open_bucket(call, request), KIND)
    return api.GetBucketLoggingOutput(logging_enabled=document)
