"""S3 Control, as far as it is about buckets: an account's Block Public Access, tags by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import s3control as api
from mesocosm.services.s3 import s3control
from mesocosm.services.s3.operations.bucket_settings import change
from mesocosm.services.s3.operations.shared import no_such_bucket
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.rules import attributes
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

BUCKET_ARN = "arn:aws:s3:::"


def _own(call: Call, request: Any) -> None:
    """The account a request names is the caller's. Raises AccessDenied."""
    if request.account_id != call.account:
        raise AwsError("AccessDenied", "Access Denied", status=403)


@s3control.operation("GetPublicAccessBlock", action="s3:GetAccountPublicAccessBlock")
def get_public_access_block(
    call: Call, request: api.GetPublicAccessBlockRequest
) -> api.GetPublicAccessBlockOutput:
    """The account's Block Public Access configuration."""
    _own(call, request)
    kept = call.rows(rows.account_access, call.account, "aws-global").get("")
    if kept is None:
        raise AwsError(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            status=404,
            AccountId=call.account,
        )
    return api.GetPublicAccessBlockOutput(
        public_access_block_configuration=api.PublicAccessBlockConfiguration(
            block_public_acls=kept.block_acls,
            ignore_public_acls=kept.ignore_acls,
            block_public_policy=kept.block_policy,
            restrict_public_buckets=kept.restrict_buckets,
        )
    )


@s3control.operation("PutPublicAccessBlock", action="s3:PutAccountPublicAccessBlock")
def put_public_access_block(call: Call, request: api.PutPublicAccessBlockRequest) -> None:
    """Replace the account's Block Public Access configuration; it holds for all its buckets."""
    _own(call, request)
    given = request.public_access_block_configuration
    if given is None:
        raise attributes.malformed_xml()
    call.rows(rows.account_access, call.account, "aws-global")[""] = rows.PublicAccess(
        bool(given.block_public_acls),
        bool(given.ignore_public_acls),
        bool(given.block_public_policy),
        bool(given.restrict_public_buckets),
    )


@s3control.operation("DeletePublicAccessBlock", action="s3:PutAccountPublicAccessBlock")
def delete_public_access_block(call: Call, request: api.DeletePublicAccessBlockRequest) -> None:
    """Remove the account's Block Public Access configuration."""
    _own(call, request)
    call.rows(rows.account_access, call.account, "aws-global").pop("", None)


# -- tags by ARN -----------------------------------------------------------------------------------


def _arn(call: Call, request: Any) -> str:
    arn: str = request.resource_arn
    return arn


def _bucket(call: Call, request: Any) -> rows.Bucket:
    name = request.resource_arn.removeprefix(BUCKET_ARN)
    if not request.resource_arn.startswith(BUCKET_ARN) or "/" in name:
        raise call.not_implemented("a resource that is not a bucket")
    bucket = rows.bucket_row(call.world, name)
    if bucket is None:
        raise no_such_bucket(name)
    if request.account_id != bucket.account:
        raise AwsError("AccessDenied", "Access Denied", status=403)
    return bucket


def _tags(request: api.TagResourceRequest) -> dict[str, str]:
    return {tag.key or "": tag.value or "" for tag in request.tags or ()}


@s3control.operation("ListTagsForResource", resource=_arn)
def list_tags_for_resource(
    call: Call, request: api.ListTagsForResourceRequest
) -> api.ListTagsForResourceResult:
    """The tags of a bucket, an empty list when there are none."""
    bucket = _bucket(call, request)
    return api.ListTagsForResourceResult(
        tags=[api.Tag(key=key, value=value) for key, value in bucket.tags.items()]
    )


@s3control.operation("TagResource", resource=_arn, tags=_tags)
def tag_resource(call: Call, request: api.TagResourceRequest) -> api.TagResourceResult:
    """Add tags to a bucket, or change them."""
    bucket = _bucket(call, request)
    added = attributes.tag_set(request.tags, attributes.BUCKET_TAGS_MAX)
    merged = {**bucket.tags, **added}
    if len(merged) > attributes.BUCKET_TAGS_MAX:
        raise AwsError(
            "TooManyTags", "The number of tags exceeds the limit of 50 tags.", status=400
        )
    change(call, bucket, tags=merged)
    return api.TagResourceResult()


@s3control.operation("UntagResource", resource=_arn, tag_keys=lambda request: request.tag_keys)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> api.UntagResourceResult:
    """Remove tags from a bucket."""
    bucket = _bucket(call, request)
    gone = set(request.tag_keys or ())
    kept = {key: value for key, value in bucket.tags.items() if key not in gone}
    change(call, bucket, tags=kept)
    return api.UntagResourceResult()
