"""Delivery status logging."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.services.sns.support import (
    ACCOUNT,
    Receiver,
    queue_for,
    refusal,
    settle,
    subscribe,
    topic,
)

from mesocosm.testing.local import LocalCloud


def role(iam: Any) -> str:
    """A role with which SNS may write logs."""
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    allow = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
    }
    arn: str = iam.create_role(RoleName="logger", AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]["Arn"]
    iam.put_role_policy(RoleName="logger", PolicyName="p", PolicyDocument=json.dumps(allow))
    return arn


def test_what_became_of_deliveries_is_logged(
    sns: Any, sqs: Any, client: Callable[..., Any], receiver: Receiver, cloud: LocalCloud
) -> None:
    logger = role(client("iam"))
    arn = topic(
        sns,
        SQSSuccessFeedbackRoleArn=logger,
        SQSFailureFeedbackRoleArn=logger,
        SQSSuccessFeedbackSampleRate=100,
        HTTPSuccessFeedbackRoleArn=logger,
    )
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SQSSuccessFeedbackRoleArn"] == (
        logger
    )
    inbox, closed = queue_for(sqs, arn), queue_for(sqs, arn, "closed", allow=False)
    subscribe(sns, arn, inbox)
    subscribe(sns, arn, closed)
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)
    sns.confirm_subscription(TopicArn=arn, Token=receiver.next().document["Token"])
    message = sns.publish(TopicArn=arn, Message="x")["MessageId"]
    receiver.next()
    settle(cloud)
    logs = client("logs")

    def lines(group: str) -> list[dict[str, Any]]:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return [json.loads(event["message"]) for event in found]

    group = f"sns/us-east-1/{ACCOUNT}/news"
    made = lines(group)
    assert [one["delivery"]["destination"] for one in made] == [inbox.arn, receiver.url]
    assert made[0]["notification"]["messageId"] == message
    assert {one["status"] for one in made} == {"SUCCESS"}
    assert made[1]["delivery"]["statusCode"] == 200
    [failed] = lines(f"{group}/Failure")
    assert (failed["status"], failed["delivery"]["destination"]) == ("FAILURE", closed.arn)
    sns.set_topic_attributes(
        TopicArn=arn, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="0"
    )
    sns.publish(TopicArn=arn, Message="x")
    receiver.next()
    settle(cloud)
    assert len(lines(group)) == 3


def test_feedback_that_is_refused(sns: Any) -> None:
    assert refusal(
        sns.create_topic, Name="news", Attributes={"HTTPSuccessFeedbackSampleRate": "101"}
    )[0] == ("InvalidParameter")
    assert refusal(sns.create_topic, Name="news", Attributes={"HTTPSuccessFeedbackRoleArn": "me"})[
        0
    ] == ("InvalidParameter")
