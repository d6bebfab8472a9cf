"""The notification configuration of a bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

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
    """Replace the notifications. Each queue and topic is sent a test message, and must take it."""
    bucket = open_bucket(call, request)
    verify_document(call)
    document = request.notification_configuration
    if document is not None:
        rules.check(document)
    for given in rules.destinations(document) if document is not None else ():
        given.id = given.id or call.ids.alphanumeric(ID_LENGTH)
    _check_filters(request)
    for kind, found in (
        ("AWS Lambda functions", document.lambda_function_configurations),
        ("Amazon EventBridge", document.event_bridge_configuration),
    ):
        if found is not None and found != []:
            raise call.not_implemented(f"{kind} as a destination")
    targets = [*(document.queue_configurations or ()), *(document.topic_configurations or ())]
    if not targets:
        configurations.delete(call.world, bucket, KIND)
        return
    for given in targets:
        skip = bool(request.skip_destination_validation)
        _check_target(call, bucket, TARGETS[type(given).__name__], rules.target(given), skip)
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


class Kind(NamedTuple):
    """A kind of destination: the service of its ARNs, what errors call it."""

    service: str
    argument: str
    name: str
    kind: str


TARGETS = {
    "QueueConfiguration": Kind("sqs", "Queue", "queue", "SQS queues"),
    "TopicConfiguration": Kind("sns", "Topic", "topic", "SNS topics"),
}


def _check_target(call: Call, bucket: rows.Bucket, kind: Kind, arn: str, skip: bool) -> None:
    """Raises InvalidArgument for a queue or a topic that S3 cannot send to."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != kind.service:
        raise argument("The ARN could not be parsed", kind.argument, arn)
    if parts[3] != bucket.region:
        raise argument(
            "The notification destination service region is not valid for the bucket location "
            "constraint",
            kind.argument,
            arn,
        )
    if parts[5].endswith(".fifo"):
        raise _unable(arn, f"FIFO {kind.kind} are not supported.")
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
        raise _unable(arn, f"The destination {kind.name} does not exist")
    try:
        events.send(call, bucket, arn, json.dumps(test, separators=(",", ":")))
    except AwsError:
        raise _unable(
            arn,
            f"Permissions on the destination {kind.name} do not allow S3 to publish notifications "
            "from this bucket",
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
