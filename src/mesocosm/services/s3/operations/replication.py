"""The replication configuration of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3 as api
from mesocosm.call.service import Need
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    open_bucket,
    reachable,
    request_keys,
)
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import replication as rules
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "replication"


def _needs(call: Call, request: api.PutBucketReplicationRequest) -> list[Need]:
    """Handing the role to S3."""
    document = request.replication_configuration
    if document is None or not document.role or reachable(call, request.bucket) is None:
        return []
    return [Need("iam:PassRole", document.role, {"iam:PassedToService": "s3.amazonaws.com"})]


@s3.operation(
    "PutBucketReplication",
    action="s3:PutReplicationConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
    needs=_needs,
)
def put_bucket_replication(call: Call, request: api.PutBucketReplicationRequest) -> None:
    """Copy new versions to other buckets from now on."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.replication_configuration
    wellformed(document)
    rules.check(document)
    if bucket.versioning != "Enabled":
        raise _invalid(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        )
    for rule in document.rules:
        _refuse_missing(call, rule)
        _check_destination(call, bucket, rule)
        rule.id = rule.id or call.ids.alphanumeric(48)
    configurations.put(call.world, bucket, KIND, document)


def _refuse_missing(call: Call, rule: Any) -> None:
    """What Mesocosm does not do yet. Raises NotImplemented."""
    existing = rule.existing_object_replication
    if existing is not None and existing.status == "Enabled":
        raise call.not_implemented("ExistingObjectReplication")


def _check_destination(call: Call, bucket: rows.Bucket, rule: Any) -> None:
    name = rules.bucket_name(rule.destination.bucket)
    target = rows.bucket_row(call.world, name)
    if target is None:
        raise _invalid("Destination bucket must exist.")
    if target.name == bucket.name:
        raise _invalid("Destination bucket cannot be the same as the source bucket.")
    if target.versioning != "Enabled":
        raise _invalid("Destination bucket must have versioning enabled.")
    if bucket.object_lock and not target.object_lock:
        raise _invalid(
            "Destination bucket must have Object Lock enabled when it is enabled on the source "
            "bucket."
        )
    account = rule.destination.account
    if account is not None and account != target.account:
        raise _invalid("The account of the destination bucket is not the one given.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


@s3.operation(
    "GetBucketReplication",
    action="s3:GetReplicationConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_bucket_replication(
    call: Call, request: api.GetBucketReplicationRequest
) -> api.GetBucketReplicationOutput:
    """The replication rules. Raises ReplicationConfigurationNotFoundError."""
    bucket = open_bucket(call, request)
    document = configurations.get(call.world, bucket, KIND)
    if document is None:
        raise AwsError(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
            status=404,
            BucketName=bucket.name,
        )
    return api.GetBucketReplicationOutput(replication_configuration=document)


@s3.operation(
    "DeleteBucketReplication",
    action="s3:PutReplicationConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_bucket_replication(call: Call, request: api.DeleteBucketReplicationRequest) -> None:
    """Copy nothing any more."""
    configurations.delete(call.world, open_bucket(call, request), KIND)
