"""The default encryption of a bucket: SSE-S3, and whether customers may bring keys of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import wellformed

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "encryption"


@s3.operation(
    "PutBucketEncryption",
    action="s3:PutEncryptionConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_bucket_encryption(call: Call, request: api.PutBucketEncryptionRequest) -> None:
    """Set the default encryption. AWS KMS is not there yet: its algorithms are refused."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.server_side_encryption_configuration
    wellformed(document)
    if len(document.rules) != 1:
        raise malformed_xml()
    rule = document.rules[0]
    default = rule.apply_server_side_encryption_by_default
    if default is None and rule.blocked_encryption_types is None:
        raise malformed_xml()
    if default is not None and default.sse_algorithm != "AES256":
        raise call.not_implemented(f"default encryption with {default.sse_algorithm}")
    if default is not None and default.kms_master_key_id is not None:
        raise argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
            "aws:kms:dsse",
            "KMSMasterKeyID",
            default.kms_master_key_id,
        )
    configurations.put(call.world, bucket, KIND, document)


@s3.operation(
    "GetBucketEncryption",
    action="s3:GetEncryptionConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_bucket_encryption(
    call: Call, request: api.GetBucketEncryptionRequest
) -> api.GetBucketEncryptionOutput:
    """The default encryption: SSE-S3 for a bucket that has no configuration."""
    bucket = open_bucket(call, request)
    document = configurations.get(call.world, bucket, KIND)
    rule = document.rules[0] if document is not None else None
    default = rule.apply_server_side_encryption_by_default if rule is not None else None
    shown = api.ServerSideEncryptionRule(
        apply_server_side_encryption_by_default=default
        or api.ServerSideEncryptionByDefault(sse_algorithm="AES256"),
        bucket_key_enabled=bool(rule is not None and rule.bucket_key_enabled),
        blocked_encryption_types=rule.blocked_encryption_types if rule is not None else None,
    )
    return api.GetBucketEncryptionOutput(
        server_side_encryption_configuration=api.ServerSideEncryptionConfiguration(rules=[shown])
    )


@s3.operation(
    "DeleteBucketEncryption",
    action="s3:PutEncryptionConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_bucket_encryption(call: Call, request: api.DeleteBucketEncryptionRequest) -> None:
    """Go back to SSE-S3."""
    configurations.delete(call.world, open_bucket(call, request), KIND)
