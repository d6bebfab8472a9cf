"""The bucket a trail writes to: every write is a call of S3, made and judged as CloudTrail's."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from mesocosm.api import s3
from mesocosm.call.identity import service_principal
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KMS_ERRORS = {
    "KMS.NotFoundException": "KmsKeyNotFoundException",
    "KMS.DisabledException": "KmsKeyDisabledException",
}
OWNER_CONTROL = "bucket-owner-full-control"


def conditions(arn: str) -> dict[str, str]:
    """The condition keys of a write for a trail (CloudTrail user guide, "Amazon S3 bucket policy
    for CloudTrail"): the objects are wholly the bucket owner's.
    """
    return {
        "aws:SourceArn": arn,
        "aws:SourceAccount": names.parse_arn(arn)[0],
        "s3:x-amz-acl": OWNER_CONTROL,
    }


def write(
    call: Call,
    trail: rows.Trail,
    key: str,
    body: bytes,
    metadata: dict[str, str] | None = None,
    *,
    sealed: bool = False,
) -> None:
    """Put an object into the trail's bucket, `sealed` under the trail's KMS key if it has one.
    Raises what S3 answers.
    """
    under_kms = sealed and bool(trail.kms_key)
    context = json.dumps({"aws:cloudtrail:arn": trail.arn}).encode()
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{trail.bucket}")
    request = s3.PutObjectRequest(
        bucket=trail.bucket,
        key=key,
        body=MemoryBody(body, call.world.blobs),
        content_type="application/json",
        content_encoding="gzip" if body else None,
        metadata=metadata,
        server_side_encryption="aws:kms" if under_kms else None,
        ssekms_key_id=trail.kms_key if under_kms else None,
        ssekms_encryption_context=base64.b64encode(context).decode() if under_kms else None,
    )
    call.invoke(
        "s3",
        "PutObject",
        request,
        principal=service_principal(cloudtrail.source),
        account=target.account,
        region=target.region or trail.region,
        conditions=conditions(trail.arn),
    )


def check(call: Call, trail: rows.Trail, accounts: list[str]) -> None:
    """Whether CloudTrail may write to the bucket: it looks at the ACL, and writes the folder.

    Raises S3BucketDoesNotExistException, InsufficientS3BucketPolicyException, and for the KMS key
    InsufficientEncryptionPolicyException, KmsKeyNotFoundException, KmsKeyDisabledException.
    """
    target = call.cloud.gate.target(call, f"arn:aws:s3:::{trail.bucket}")
    try:
        call.invoke(
            "s3",
            "GetBucketAcl",
            s3.GetBucketAclRequest(bucket=trail.bucket),
            principal=service_principal(cloudtrail.source),
            account=target.account,
            region=target.region or trail.region,
            conditions=conditions(trail.arn),
        )
        for account in accounts:
            start = names.folder(trail.prefix, trail.organization, account, "CloudTrail")
            write(call, trail, start, b"", sealed=True)
    except AwsError as error:
        if error.code.startswith("KMS."):
            raise AwsError(KMS_ERRORS.get(error.code, "KmsException"), error.message) from None
        if error.code.startswith("AccessDenied") and "kms:" in error.message:
            raise AwsError(
                "InsufficientEncryptionPolicyException",
                f"Insufficient permissions to access S3 bucket {trail.bucket} or KMS key "
                f"{trail.kms_key}.",
            ) from None
        if error.code == "NoSuchBucket":
            raise AwsError(
                "S3BucketDoesNotExistException", f"S3 bucket {trail.bucket} does not exist!"
            ) from None
        if error.code.startswith("AccessDenied"):
            raise AwsError(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket}",
            ) from None
        raise
