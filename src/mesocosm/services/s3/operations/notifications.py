"""The notification configuration of a bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events
from mesocosm.services.s3.operations.bucket_settings import verify_document
from mesocosm.services.s3.operations.shared import bucket_arn, open_bucket, request_keys
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.rules import notifications as rules
from mesocosm.services.s3.rules.attributes import argument
from mesocosm.services.s3.rules.documents import wellformed
from mesocosm.wire.errors import AwsError
from mesocosm.wire.outputs import host_id

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KIND = "notification"
ID_LENGTH = 48


@s3.operation(
    "PutBucketNotificationConfiguration",
    action="s3:PutBucketNotification",
    resource=bucket_arn,
    conditions=request_keys,
)
def put_bucket_notification_configuration(
    call: Call, request: api.PutBucketNotificationConfigurationRequest
) -> None:
    """Replace the notifications. Each queue is sent a test message, and must take it."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.notification_configuration
    if document is not None:
        rules.check(document)
    for given in rules.destinations(document) if document is not None else ():
        given.id = given.id or call.ids.alphanumeric(ID_LENGTH)
    _check_filters(request)
    for kind, found in (
        ("Amazon SNS topics", document.topic_configurations),
        ("AWS Lambda functions", document.lambda_function_configurations),
        ("Amazon EventBridge", document.event_bridge_configuration),
    ):
        if found is not None and found != []:
            raise call.not_implemented(f"{kind} as a destination")
    if not document.queue_configurations:
        configurations.delete(call.world, bucket, KIND)
        return
    for given in document.queue_configurations:
        _check_queue(call, bucket, given.queue_arn, bool(request.skip_destination_validation))
    configurations.put(call.world, bucket, KIND, document)


def _check_filters(request: api.PutBucketNotificationConfigurationRequest) -> None:
    """The schema, which knows the names of filter rules in lower case only."""
    document = request.notification_configuration
    if document is not None:
        for given in rules.destinations(document):
            key = given.filter.key if given.filter is not None else None
            for rule in (key.filter_rules if key is not None else None) or ():
                rule.name = rule.name.lower()
    wellformed(document)
    for given in rules.destinations(document):
        key = given.filter.key if given.filter is not None else None
        for rule in (key.filter_rules if key is not None else None) or ():
            rule.name = rule.name.capitalize()


def _check_queue(call: Call, bucket: rows.Bucket, arn: str, skip: bool) -> None:
    """Raises InvalidArgument for a queue that S3 cannot send to."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sqs":
        raise argument("The ARN could not be parsed", "Queue", arn)
    if parts[3] != bucket.region:
        raise argument(
            "The notification destination service region is not valid for the bucket location "
            "constraint",
            "Queue",
            arn,
        )
    if parts[5].endswith(".fifo"):
        raise _unable(arn, "FIFO SQS queues are not supported.")
    if skip:
        return
    test = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": rules.instant(call.now),
        "Bucket": bucket.name,
        "RequestId": call.request_id,
        "HostId": host_id(call.request_id),
    }
    owner = call.cloud.catalogue.owner(arn)
    if owner is None or all(look_up(call.world, arn) is None for look_up in owner.resources):
        raise _unable(arn, "The destination queue does not exist")
    try:
        events.send(call, bucket, arn, json.dumps(test, separators=(",", ":")))
    except AwsError:
        raise _unable(
            arn,
            "Permissions on the destination queue do not allow S3 to publish notifications from "
            "this bucket",
        ) from None


def _unable(arn: str, why: str) -> AwsError:
    return AwsError(
        "InvalidArgument",
        "Unable to validate the following destination configurations",
        status=400,
        ArgumentName1=f"{arn}, null",
        ArgumentValue1=why,
    )


@s3.operation(
    "GetBucketNotificationConfiguration",
    action="s3:GetBucketNotification",
    resource=bucket_arn,
    conditions=request_keys,
)
def get_bucket_notification_configuration(
    call: Call, request: api.GetBucketNotificationConfigurationRequest
) -> api.NotificationConfiguration:
    """The notifications; an empty document when there are none."""
    document = configurations.get(call.world, open_bucket(call, request), KIND)
    return document if document is not None else api.NotificationConfiguration()
