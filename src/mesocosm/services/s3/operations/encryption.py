"""The default encryption of a bucket, and the encryption of an object that is there already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations import storing
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.deleting import check_lock
from mesocosm.services.s3.operations.kms_keys import (
    CONTEXT,
    DOUBLE,
    KEY_BYTES,
    KMS,
    KMS_ALGORITHMS,
    opened,
    wrap,
)
from mesocosm.services.s3.operations.shared import (
    bucket_arn,
    object_arn,
    object_keys,
    open_bucket,
    open_object,
    request_keys,
)
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "encryption"
KEY_ARN = re.compile(r"arn:aws[-a-z0-9]*:kms:[-a-z0-9]*:[0-9]{12}:key/.+", re.ASCII)


@s3.operation(
    "PutBucketEncryption",
    action="s3:PutEncryptionConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_bucket_encryption(call: Call, request: api.PutBucketEncryptionRequest) -> None:
    """Set the default encryption: SSE-S3, SSE-KMS or DSSE-KMS, and whether customers may bring keys
    of their own. Whether a KMS key is there, the first object will show."""
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
    algorithm = default.sse_algorithm if default is not None else "AES256"
    kms = algorithm in KMS_ALGORITHMS
    if algorithm != "AES256" and not kms:
        raise call.not_implemented(f"default encryption with {algorithm}")
    if default is not None and default.kms_master_key_id is not None and not kms:
        raise argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
            "aws:kms:dsse",
            "KMSMasterKeyID",
            default.kms_master_key_id,
        )
    configurations.put(call.world, bucket, KIND, document)
    key = (default.kms_master_key_id if default is not None else None) or ""
    shared = bool(rule.bucket_key_enabled) and algorithm == KMS
    _decide(call, bucket, rows.Encryption(algorithm, key, shared) if kms else None)


def _decide(call: Call, bucket: rows.Bucket, wanted: rows.Encryption | None) -> None:
    now = rows.bucket_row(call.world, bucket.name) or bucket
    rows.put_bucket(call.world, replace(now, encryption=wanted))


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
    bucket = open_bucket(call, request)
    configurations.delete(call.world, bucket, KIND)
    _decide(call, bucket, None)


# -- objects that are there already ---------------------------------------------------------------


@s3.operation(
    "UpdateObjectEncryption",
    resource=object_arn,
    conditions=object_keys,
    category="data",
)
def update_object_encryption(
    call: Call, request: api.UpdateObjectEncryptionRequest
) -> api.UpdateObjectEncryptionResponse:
    """Put an object under another KMS key, in place: version, ETag and dates stay.

    From SSE-S3 its bytes are encrypted now; from SSE-KMS only its key is.
    """
    bucket = open_bucket(call, request)
    place, row = open_object(call, bucket, request.key, request.version_id)
    wanted = request.object_encryption.ssekms if request.object_encryption is not None else None
    if wanted is None:
        raise _invalid(
            "Requests that modify an object encryption configuration require a valid new "
            "encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for "
            "the updated encryption type, and then try again."
        )
    if not KEY_ARN.fullmatch(wanted.kms_key_arn or ""):
        raise _invalid(
            "Requests that modify an object's encryption type to SSE-KMS require a valid Amazon "
            "Web Services KMS key Amazon Resource Name (ARN). Confirm that you have a correctly "
            "formatted KMS key ARN in your request, and then try again."
        )
    if wanted.kms_key_arn.split(":")[4] != bucket.account:
        raise AwsError(
            "AccessDenied",
            "The Amazon Web Services KMS key in the request must be owned by the same account as "
            "the bucket. Modify the request to specify a KMS key from the same account, and then "
            "try again.",
            status=403,
        )
    if row.encryption.customer_md5 or row.encryption.algorithm == DOUBLE:
        raise _invalid(
            "The UpdateObjectEncryption operation doesn't support source objects with the "
            "encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or "
            "SSE-KMS are supported."
        )
    check_lock(call, row, False)
    asked = rows.Encryption(
        KMS,
        wanted.kms_key_arn,
        bool(wanted.bucket_key_enabled),
        context={CONTEXT: f"{bucket.arn}/{request.key}"},
    )
    rows.version_rows(call.world, bucket)[place] = _encrypted(call, bucket, row, asked)
    return api.UpdateObjectEncryptionResponse()


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


def _encrypted(
    call: Call, bucket: rows.Bucket, row: rows.Object, wanted: rows.Encryption
) -> rows.Object:
    """The version under another key. What was plain is encrypted, piece by piece."""
    if row.encryption.wrapped:
        own = opened(call, row.encryption).keys[0]
        return replace(row, encryption=wrap(call, bucket, wanted, own)[0])
    kept, secret = wrap(call, bucket, wanted, call.ids.bytes(KEY_BYTES))
    return replace(storing.encrypted_again(call.world, row, None, secret), encryption=kept)
