"""Small settings of a bucket: versioning, tags, request payment, acceleration, ABAC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.operations.storing import body_of
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import attributes, checksums
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


def verify_document(call: Call) -> None:
    """Check the checksums that come with a document. Raises InvalidDigest, BadDigest,
    InvalidRequest.
    """
    http = call.http
    if http is None:
        return
    body = body_of(call, http.body)
    md5 = http.headers.get("content-md5")
    if md5 is not None:
        checksums.verify_md5(md5, body)
    for algorithm in checksums.MEMBERS:
        name = checksums.header(algorithm)
        value = http.headers.get(name) or http.trailers.get(name)
        if value is not None:
            checksums.check_form(algorithm, value)
            checksums.verify(algorithm, value, body)


def change(call: Call, bucket: rows.Bucket, **members: Any) -> None:
    """Write a bucket's row with some members changed."""
    rows.put_bucket(call.world, replace(bucket, **members))


# -- versioning -----------------------------------------------------------------------------------


@s3.operation("PutBucketVersioning", resource=bucket_arn, conditions=request_keys)
def put_bucket_versioning(call: Call, request: api.PutBucketVersioningRequest) -> None:
    """Enable or suspend versioning."""
    bucket = open_bucket(call, request)
    verify_document(call)
    configuration = request.versioning_configuration
    if configuration is None:
        raise attributes.malformed_xml()
    status, mfa = configuration.status, configuration.mfa_delete
    if status not in (None, "Enabled", "Suspended") or mfa not in (None, "Enabled", "Disabled"):
        raise attributes.malformed_xml()
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
            status=400,
        )
    if bucket.object_lock and status == "Suspended":
        raise AwsError(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed.",
            status=409,
        )
    if status == "Suspended" and configurations.get(call.world, bucket, "replication") is not None:
        raise AwsError(
            "InvalidBucketState",
            "A replication configuration is present on this bucket, so you cannot change the "
            "versioning state. To change the versioning state, first delete the replication "
            "configuration.",
            status=409,
        )
    if mfa == "Enabled":
        if request.mfa is None:
            raise AwsError(
                "AccessDenied", "Mfa Authentication must be used for this request", status=403
            )
        if call.principal.kind != "root":
            raise AwsError(
                "AccessDenied",
                "This operation may only be performed by the bucket owner",
                status=403,
            )
        # The API gives the root user no device (AWS: the console does), so no code could be right.
        raise call.not_implemented("MFA delete")
    change(call, bucket, versioning=status, mfa_delete=mfa or bucket.mfa_delete)


@s3.operation("GetBucketVersioning", resource=bucket_arn, conditions=request_keys)
def get_bucket_versioning(
    call: Call, request: api.GetBucketVersioningRequest
) -> api.GetBucketVersioningOutput:
    """The versioning state; nothing for a bucket that never had it."""
    bucket = open_bucket(call, request)
    return api.GetBucketVersioningOutput(
        status=bucket.versioning or None, mfa_delete=bucket.mfa_delete or None
    )


# -- tags -----------------------------------------------------------------------------------------


def _tags(request: api.PutBucketTaggingRequest) -> dict[str, str]:
    found = request.tagging.tag_set if request.tagging is not None else None
    return {tag.key or "": tag.value or "" for tag in found or ()}


@s3.operation("PutBucketTagging", resource=bucket_arn, conditions=request_keys, tags=_tags)
def put_bucket_tagging(call: Call, request: api.PutBucketTaggingRequest) -> None:
    """Replace the bucket's tags."""
    bucket = open_bucket(call, request)
    verify_document(call)
    if request.tagging is None:
        raise attributes.malformed_xml()
    change(
        call,
        bucket,
        tags=attributes.tag_set(request.tagging.tag_set, attributes.BUCKET_TAGS_MAX),
    )


@s3.operation("GetBucketTagging", resource=bucket_arn, conditions=request_keys)
def get_bucket_tagging(
    call: Call, request: api.GetBucketTaggingRequest
) -> api.GetBucketTaggingOutput:
    """The bucket's tags. Raises NoSuchTagSet when there are none."""
    bucket = open_bucket(call, request)
    if not bucket.tags:
        raise AwsError(
            "NoSuchTagSet", "The TagSet does not exist", status=404, BucketName=bucket.name
        )
    return api.GetBucketTaggingOutput(
        tag_set=[api.Tag(key=key, value=value) for key, value in bucket.tags.items()]
    )


@s3.operation(
    "DeleteBucketTagging",
    action="s3:PutBucketTagging",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_bucket_tagging(call: Call, request: api.DeleteBucketTaggingRequest) -> None:
    """Remove the bucket's tags."""
    change(call, open_bucket(call, request), tags={})


# -- who pays, acceleration, ABAC -----------------------------------------------------------------


@s3.operation("PutBucketRequestPayment", resource=bucket_arn, conditions=request_keys)
def put_bucket_request_payment(call: Call, request: api.PutBucketRequestPaymentRequest) -> None:
    """Who pays for requests: BucketOwner or Requester."""
    bucket = open_bucket(call, request)
    verify_document(call)
    configuration = request.request_payment_configuration
    if configuration is None or configuration.payer not in ("BucketOwner", "Requester"):
        raise attributes.malformed_xml()
    change(call, bucket, requester_pays=configuration.payer == "Requester")


@s3.operation("GetBucketRequestPayment", resource=bucket_arn, conditions=request_keys)
def get_bucket_request_payment(
    call: Call, request: api.GetBucketRequestPaymentRequest
) -> api.GetBucketRequestPaymentOutput:
    """Who pays for requests."""
    bucket = open_bucket(call, request)
    return api.GetBucketRequestPaymentOutput(
        payer="Requester" if bucket.requester_pays else "BucketOwner"
    )


@s3.operation(
    "PutBucketAccelerateConfiguration",
    action="s3:PutAccelerateConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_bucket_accelerate_configuration(
    call: Call, request: api.PutBucketAccelerateConfigurationRequest
) -> None:
    """Enable or suspend Transfer Acceleration."""
    bucket = open_bucket(call, request)
    verify_document(call)
    if "." in bucket.name:
        raise AwsError(
            "InvalidRequest",
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
            status=400,
        )
    configuration = request.accelerate_configuration
    if configuration is None or configuration.status not in ("Enabled", "Suspended"):
        raise attributes.malformed_xml()
    if configuration.status == "Suspended" and not bucket.accelerate:
        return
    change(call, bucket, accelerate=configuration.status)


@s3.operation(
    "GetBucketAccelerateConfiguration",
    action="s3:GetAccelerateConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_bucket_accelerate_configuration(
    call: Call, request: api.GetBucketAccelerateConfigurationRequest
) -> api.GetBucketAccelerateConfigurationOutput:
    """The state of Transfer Acceleration; nothing for a bucket that never had it."""
    bucket = open_bucket(call, request)
    return api.GetBucketAccelerateConfigurationOutput(status=bucket.accelerate or None)


@s3.operation("PutBucketAbac", resource=bucket_arn, conditions=request_keys)
def put_bucket_abac(call: Call, request: api.PutBucketAbacRequest) -> None:
    """Let the bucket's tags take part in decisions (aws:ResourceTag), or not."""
    bucket = open_bucket(call, request)
    verify_document(call)
    status = request.abac_status.status if request.abac_status is not None else None
    if status not in ("Enabled", "Disabled"):
        raise attributes.malformed_xml()
    change(call, bucket, abac=status == "Enabled")


@s3.operation("GetBucketAbac", resource=bucket_arn, conditions=request_keys)
def get_bucket_abac(call: Call, request: api.GetBucketAbacRequest) -> api.GetBucketAbacOutput:
    """Whether the bucket's tags take part in decisions."""
    bucket = open_bucket(call, request)
    return api.GetBucketAbacOutput(
        abac_status=api.AbacStatus(status="Enabled" if bucket.abac else "Disabled")
    )
