"""A cloud that stopped between a Publish and its deliveries: nothing is lost or comes twice."""

from __future__ import annotations

from typing import Any

from tests.services.sns.support import queue_for, subscribe, topic

from mesocosm.testing.local import LocalCloud


def test_wherever_it_stopped_a_message_comes_once(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = topic(sns)
    inboxes = [queue_for(sqs, arn, f"q{number}") for number in range(3)]
    for inbox in inboxes:
        subscribe(sns, arn, inbox, RawMessageDelivery="true")
    before = cloud.do(lambda: cloud.world.position)
    sns.publish(TopicArn=arn, Message="x")
    after = cloud.do(lambda: cloud.world.position)
    assert after - before >= 2
    for position in range(before + 1, after + 1):
        with cloud.fork(position) as fork:
            fork.advance(1)
            there = fork.client("sqs")
            found = [
                message["Body"]
                for inbox in inboxes
                for message in there.receive_message(
                    QueueUrl=inbox.url, MaxNumberOfMessages=10
                ).get("Messages", [])
            ]
            there.close()
            assert found == ["x"] * 3


def test_a_rewind_before_a_publish_takes_it_back(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = topic(sns, "news.fifo", ContentBasedDeduplication="true")
    inbox = queue_for(sqs, arn, "inbox")
    subscribe(sns, arn, inbox)
    cloud.snapshot("before")
    first = sns.publish(TopicArn=arn, Message="x", MessageGroupId="g")
    cloud.rewind("before")
    assert inbox.receive() == []
    second = sns.publish(TopicArn=arn, Message="x", MessageGroupId="g")
    assert first["MessageId"] != second["MessageId"]
    assert inbox.texts() == ["x"]
