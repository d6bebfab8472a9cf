"""Delivery status logging: what became of deliveries, in CloudWatch Logs.

Source: developer guide, "Amazon SNS message delivery status". Of the deliveries that were made the
share of the sample rate is logged, of those that failed for good every one; each by the role that
the topic's attributes name, into groups named after the topic.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from mesocosm.api import logs as logs_api
from mesocosm.call import roles
from mesocosm.services.sns.rules.messages import instant
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.services.sns.resources import Message, Subscription, Topic

NAMES = {"firehose": "Firehose", "http": "HTTP", "https": "HTTP", "sqs": "SQS"}
"""What the attributes of a protocol begin with."""


class Outcome(NamedTuple):
    """How a delivery ended: what the other side said, with which HTTP status."""

    made: bool
    said: str
    status: int
    attempts: int


def log(
    call: Call, topic: Topic, arn: str, message: Message, to: Subscription, outcome: Outcome
) -> None:
    """Write a line about a delivery, if the topic asks for it. What the role may not do is not
    done, as in AWS.
    """
    if not topic.feedback:
        return
    before = NAMES[to.protocol]
    role = topic.feedback.get(f"{before}{'Success' if outcome.made else 'Failure'}FeedbackRoleArn")
    rate = int(topic.feedback.get(f"{before}SuccessFeedbackSampleRate", "100"))
    if not role or (outcome.made and int(call.ids.digits(2)) >= rate):
        return
    group = f"sns/{call.region}/{call.account}/{topic.name}{'' if outcome.made else '/Failure'}"
    line = json.dumps(_line(call, arn, message, to, outcome), separators=(",", ":"))
    try:
        principal = roles.assumed(call, role, "sns", {"aws:SourceArn": arn})
        _write(call, principal, group, topic.id, line)
    except AwsError:
        return


def _line(
    call: Call, arn: str, message: Message, to: Subscription, outcome: Outcome
) -> dict[str, Any]:
    digest = hashlib.md5(message.body.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return {
        "notification": {
            "messageMD5Sum": digest.hexdigest(),
            "messageId": message.id,
            "topicArn": arn,
            "timestamp": instant(message.at).replace("T", " ").removesuffix("Z"),
        },
        "delivery": {
            "deliveryId": call.ids.uuid(),
            "destination": to.endpoint,
            "providerResponse": outcome.said,
            "dwellTimeMs": int((call.now - message.at) * 1000),
            "attempts": outcome.attempts,
            "statusCode": outcome.status,
        },
        "status": "SUCCESS" if outcome.made else "FAILURE",
    }


def _write(call: Call, principal: Any, group: str, stream: str, line: str) -> None:
    def logs(operation: str, request: Any) -> None:
        call.invoke("logs", operation, request, principal=principal, account=call.account)

    put = logs_api.PutLogEventsRequest(
        log_group_name=group,
        log_stream_name=stream,
        log_events=[logs_api.InputLogEvent(timestamp=int(call.now * 1000), message=line)],
    )
    for operation, request in (
        ("CreateLogGroup", logs_api.CreateLogGroupRequest(log_group_name=group)),
        (
            "CreateLogStream",
            logs_api.CreateLogStreamRequest(log_group_name=group, log_stream_name=stream),
        ),
    ):
        try:
            logs("PutLogEvents", put)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
        else:
            return
        try:
            logs(operation, request)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
    logs("PutLogEvents", put)
