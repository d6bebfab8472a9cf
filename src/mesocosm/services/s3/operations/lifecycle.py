"""The lifecycle configuration of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import lifecycle as control
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations
from mesocosm.services.s3.rules import lifecycle as rules
from mesocosm.services.s3.rules.attributes import argument
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "lifecycle"
SIZES = "lifecycle-size"
DEFAULT_SIZE = "all_storage_classes_128K"


@s3.operation(
    "PutBucketLifecycleConfiguration",
    action="s3:PutLifecycleConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_bucket_lifecycle_configuration(
    call: Call, request: api.PutBucketLifecycleConfigurationRequest
) -> api.PutBucketLifecycleConfigurationOutput:
    """Replace the lifecycle rules, in the form with filters or in the older one with prefixes."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.lifecycle_configuration
    wellformed(document)
    assert document is not None
    rules.check(document)
    size = request.transition_default_minimum_object_size or DEFAULT_SIZE
    if size not in (DEFAULT_SIZE, "varies_by_storage_class"):
        raise argument(
            "Invalid value for x-amz-transition-default-minimum-object-size",
            "x-amz-transition-default-minimum-object-size",
            size,
        )
    for rule in document.rules:
        if not rule.id:
            rule.id = call.ids.alphanumeric(48)
    configurations.put(call.world, bucket, KIND, document)
    configurations.put(
        call.world,
        bucket,
        SIZES,
        api.GetBucketLifecycleConfigurationOutput(transition_default_minimum_object_size=size),
    )
    control.plan(call, bucket)
    return api.PutBucketLifecycleConfigurationOutput(transition_default_minimum_object_size=size)


@s3.operation(
    "GetBucketLifecycleConfiguration",
    action="s3:GetLifecycleConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_bucket_lifecycle_configuration(
    call: Call, request: api.GetBucketLifecycleConfigurationRequest
) -> api.GetBucketLifecycleConfigurationOutput:
    """The lifecycle rules. Raises NoSuchLifecycleConfiguration."""
    bucket = open_bucket(call, request)
    document = configurations.get(call.world, bucket, KIND)
    if document is None:
        raise AwsError(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
            status=404,
            BucketName=bucket.name,
        )
    sizes = configurations.get(call.world, bucket, SIZES)
    answer: api.GetBucketLifecycleConfigurationOutput = replace(sizes, rules=document.rules)
    return answer


@s3.operation(
    "DeleteBucketLifecycle",
    action="s3:PutLifecycleConfiguration",
    resource=bucket_arn,
    conditions=request_keys,
)
def delete_bucket_lifecycle(call: Call, request: api.DeleteBucketLifecycleRequest) -> None:
    """Remove the lifecycle rules."""
    bucket = open_bucket(call, request)
    configurations.delete(call.world, bucket, KIND)
    configurations.delete(call.world, bucket, SIZES)
    call.timers.cancel("s3", "lifecycle", bucket.name, bucket.account, bucket.region)
