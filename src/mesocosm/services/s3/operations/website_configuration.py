"""The website configuration of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations
from mesocosm.services.s3.rules import website
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "website"


@s3.operation("PutBucketWebsite", resource=bucket_arn, conditions=request_keys)
def put_bucket_website(call: Call, request: api.PutBucketWebsiteRequest) -> None:
    """Make a website of the bucket."""
    bucket = open_bucket(call, request)
    verify_document(call)
    wellformed(request.website_configuration)
    website.check(request.website_configuration)
    configurations.put(call.world, bucket, KIND, request.website_configuration)


@s3.operation("GetBucketWebsite", resource=bucket_arn, conditions=request_keys)
def get_bucket_website(
    call: Call, request: api.GetBucketWebsiteRequest
) -> api.GetBucketWebsiteOutput:
    """The website configuration. Raises NoSuchWebsiteConfiguration."""
    bucket = open_bucket(call, request)
    document = configurations.get(call.world, bucket, KIND)
    if document is None:
        raise AwsError(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
            status=404,
            BucketName=bucket.name,
        )
    return api.GetBucketWebsiteOutput(
        redirect_all_requests_to=document.redirect_all_requests_to,
        index_document=document.index_document,
        error_document=document.error_document,
        routing_rules=document.routing_rules,
    )


@s3.operation("DeleteBucketWebsite", resource=bucket_arn, conditions=request_keys)
def delete_bucket_website(call: Call, request: api.DeleteBucketWebsiteRequest) -> None:
    """The bucket is a website no longer."""
    configurations.delete(call.world, open_bucket(call, request), KIND)
