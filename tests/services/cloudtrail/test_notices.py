"""A topic is told of log files, if its policy lets CloudTrail publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudtrail.support import ACCOUNT, ARN, BUCKET, logs, make_trail, refusal

from mesocosm.testing.local import LocalCloud

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:files"
INSUFFICIENT = (
    "InsufficientSnsTopicPolicyException",
    "SNS Topic does not exist or the topic policy is incorrect!",
)


def allow(sns: Any, arn: str = TOPIC, trail: str = ARN) -> None:
    """The topic policy of the CloudTrail user guide."""
    statement = {
        "Sid": "AWSCloudTrailSNSPolicy20131101",
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceArn": trail}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def told(client: Callable[..., Any], sns: Any) -> Callable[[], list[str]]:
    """What a queue that is subscribed to the topic has got."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:told"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    sns.create_topic(Name="files")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=queue)

    def read() -> list[str]:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for one in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"])["Message"] for one in got]

    return read


def test_a_topic_is_told_of_every_log_file(
    client: Callable[..., Any],
    trail: Any,
    s3: Any,
    sns: Any,
    told: Callable[[], list[str]],
    cloud: LocalCloud,
) -> None:
    make_trail(trail, s3)
    assert refusal(trail.update_trail, Name="main", SnsTopicName="files") == INSUFFICIENT
    allow(sns, trail=ARN.replace("main", "other"))
    assert refusal(trail.update_trail, Name="main", SnsTopicName="files") == INSUFFICIENT
    assert told() == []
    allow(sns)
    answer = trail.update_trail(Name="main", SnsTopicName="files")
    assert (answer["SnsTopicName"], answer["SnsTopicARN"]) == ("files", TOPIC)
    cloud.advance(1)
    assert told() == ["CloudTrail validation message."]
    cloud.advance(301)
    (key,) = logs(s3)
    (message,) = told()
    assert json.loads(message) == {"s3Bucket": BUCKET, "s3ObjectKey": [key]}
    status = trail.get_trail_status(Name="main")
    assert status["LatestNotificationTime"] == status["LatestDeliveryTime"]
    assert status["LatestNotificationAttemptTime"]
    assert "LatestNotificationError" not in status
    shown = trail.describe_trails()["trailList"][0]
    assert (shown["SnsTopicName"], shown["SnsTopicARN"]) == ("files", TOPIC)
    trail.update_trail(Name="main", SnsTopicName="")
    cloud.advance(301)
    assert len(logs(s3)) == 2
    assert told() == []
    assert "SnsTopicARN" not in trail.get_trail(Name="main")["Trail"]


def test_a_refused_notice_is_told_and_the_files_come(
    client: Callable[..., Any],
    trail: Any,
    s3: Any,
    sns: Any,
    told: Callable[[], list[str]],
    cloud: LocalCloud,
) -> None:
    allow(sns)
    make_trail(trail, s3, SnsTopicName=TOPIC)
    cloud.advance(1)
    assert len(told()) == 1
    allow(sns, trail=ARN.replace("main", "other"))
    cloud.advance(301)
    assert len(logs(s3)) == 1
    assert told() == []
    status = trail.get_trail_status(Name="main")
    assert status["LatestNotificationError"] == "AuthorizationError"
    assert status["LatestNotificationAttemptTime"]
    assert "LatestNotificationTime" not in status
    assert "LatestDeliveryError" not in status


def test_names_of_topics(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    assert refusal(trail.update_trail, Name="main", SnsTopicName="a b")[0] == (
        "InvalidSnsTopicNameException"
    )
    assert refusal(trail.update_trail, Name="main", SnsTopicName="none") == INSUFFICIENT
    other = client("sns", account="111111111111", region="eu-west-1")
    arn = other.create_topic(Name="theirs")["TopicArn"]
    assert refusal(trail.update_trail, Name="main", SnsTopicName=arn) == INSUFFICIENT
    allow(other, arn)
    assert trail.update_trail(Name="main", SnsTopicName=arn)["SnsTopicARN"] == arn
