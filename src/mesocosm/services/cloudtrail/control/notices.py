"""The topic that is told of log files: every message is a call of SNS, judged as CloudTrail's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.api import sns
from mesocosm.call.identity import service_principal
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

VALIDATION = "CloudTrail validation message."


def notify(
    call: Call, trail: rows.Trail, progress: rows.Progress, keys: list[str]
) -> rows.Progress:
    """Tell the topic which log files have been written (CloudTrail user guide, "Configuring Amazon
    SNS notifications for CloudTrail"); how that went is noted, and not tried again.
    """
    text = msgspec.json.encode({"s3Bucket": trail.bucket, "s3ObjectKey": keys}).decode()
    try:
        _publish(call, trail, text)
    except AwsError as refused:
        return msgspec.structs.replace(progress, notice_tried=call.now, notice_error=refused.code)
    return msgspec.structs.replace(
        progress, notified=call.now, notice_tried=call.now, notice_error=""
    )


def check(call: Call, trail: rows.Trail) -> None:
    """Whether CloudTrail may publish to the topic: a message tries it.

    Raises InvalidSnsTopicNameException, InsufficientSnsTopicPolicyException.
    """
    names.check_topic(trail.topic)
    try:
        _publish(call, trail, VALIDATION)
    except AwsError:
        raise AwsError(
            "InsufficientSnsTopicPolicyException",
            "SNS Topic does not exist or the topic policy is incorrect!",
        ) from None


def _publish(call: Call, trail: rows.Trail, text: str) -> None:
    arn = trail.topic_arn
    _, _, _, region, account, _ = arn.split(":")
    call.invoke(
        "sns",
        "Publish",
        sns.PublishInput(topic_arn=arn, message=text),
        principal=service_principal(cloudtrail.source),
        account=account,
        region=region,
        conditions={"aws:SourceArn": trail.arn, "aws:SourceAccount": trail.account},
    )
