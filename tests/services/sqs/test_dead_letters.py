"""Dead-letter queues and message move tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.sqs.support import arn, attributes, bodies, counts, queue, receive, refusal

from mesocosm.testing.local import LocalCloud


def redrive(target: str, receives: int | str = 1) -> str:
    return json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": receives})


@pytest.fixture
def pair(sqs: Any) -> tuple[str, str]:
    """A queue whose messages become dead letters after one receive, and the queue of those."""
    dead = queue(sqs, "dead")
    return queue(sqs, VisibilityTimeout=10, RedrivePolicy=redrive(arn(sqs, dead))), dead


def fill_dead_letters(sqs: Any, cloud: LocalCloud, url: str, count: int) -> None:
    for number in range(count):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    for _ in range(-(-count // 10)):
        receive(sqs, url)
    cloud.advance(11)
    assert receive(sqs, url) == []


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(
    sqs: Any, cloud: LocalCloud
) -> None:
    dead = queue(sqs, "dead")
    url = queue(sqs, VisibilityTimeout=10, RedrivePolicy=redrive(arn(sqs, dead), "2"))
    sent = sqs.send_message(QueueUrl=url, MessageBody="a")
    for _ in range(2):
        assert bodies(sqs, url) == ["a"]
        cloud.advance(11)
    assert counts(sqs, url) == (1, 0, 0)
    assert bodies(sqs, url) == []
    assert counts(sqs, url) == (0, 0, 0)
    (message,) = receive(sqs, dead, AttributeNames=["All"])
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_long_poll_that_finds_only_dead_letters_moves_them(
    sqs: Any, cloud: LocalCloud, pair: tuple[str, str]
) -> None:
    url, dead = pair
    sqs.send_message(QueueUrl=url, MessageBody="a")
    receive(sqs, url)
    cloud.advance(11)
    assert receive(sqs, url, WaitTimeSeconds=20) == []
    assert counts(sqs, dead) == (1, 0, 0)


def test_a_dead_letter_keeps_its_age(sqs: Any, cloud: LocalCloud) -> None:
    dead = queue(sqs, "dead", MessageRetentionPeriod=60)
    url = queue(sqs, VisibilityTimeout=10, RedrivePolicy=redrive(arn(sqs, dead)))
    fill_dead_letters(sqs, cloud, url, 1)
    assert counts(sqs, dead) == (1, 0, 0)
    cloud.advance(50)
    assert counts(sqs, dead) == (0, 0, 0)


def test_a_dead_letter_of_a_group_frees_the_group(sqs: Any, cloud: LocalCloud) -> None:
    dead = queue(sqs, "dead.fifo")
    url = queue(sqs, "q.fifo", VisibilityTimeout=10, RedrivePolicy=redrive(arn(sqs, dead)))
    for body in "ab":
        sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body
        )
    assert bodies(sqs, url, 1) == ["a"]
    cloud.advance(11)
    assert bodies(sqs, url, 1) == ["b"]
    assert bodies(sqs, dead) == ["a"]


def test_redrive_policies_that_do_not_hold(sqs: Any) -> None:
    fifo = arn(sqs, queue(sqs, "dead.fifo"))
    dead = arn(sqs, queue(sqs, "dead"))

    def refused(policy: str) -> str:
        code, message = refusal(
            sqs.create_queue, QueueName="q", Attributes={"RedrivePolicy": policy}
        )
        assert code == "InvalidParameterValue"
        assert message.startswith(
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: "
        )
        return message.partition("Reason: ")[2]

    assert refused("[" * 100_000) == "Redrive policy is not a valid JSON map."
    assert refused("no") == "Redrive policy is not a valid JSON map."
    assert refused('{"maxReceiveCount":1}') == (
        "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
    )
    assert refused(redrive(dead, 0)) == (
        "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."
    )
    assert refused(redrive(dead + "x")) == "Dead letter target does not exist."
    assert refused(redrive(fifo)) == ("Dead-letter queue must be same type of queue as the source.")


def test_a_redrive_allow_policy_says_who_may(sqs: Any, pair: tuple[str, str]) -> None:
    url, dead = pair
    assert attributes(sqs, url)["RedrivePolicy"] == (
        f'{{"deadLetterTargetArn":"{arn(sqs, dead)}","maxReceiveCount":1}}'
    )
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [arn(sqs, url)]}
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(allow)})
    assert json.loads(attributes(sqs, dead)["RedriveAllowPolicy"]) == allow
    code, _ = refusal(
        sqs.create_queue, QueueName="q", Attributes={"RedrivePolicy": redrive(arn(sqs, dead))}
    )
    assert code == "InvalidParameterValue"
    for wrong in ('{"redrivePermission":"byQueue"}', '{"redrivePermission":"some"}', "[]"):
        assert (
            refusal(
                sqs.set_queue_attributes, QueueUrl=dead, Attributes={"RedriveAllowPolicy": wrong}
            )[0]
            == "InvalidAttributeValue"
        )


def test_the_sources_of_a_dead_letter_queue(sqs: Any, pair: tuple[str, str]) -> None:
    url, dead = pair
    code, message = refusal(queue, sqs=sqs, RedrivePolicy=redrive(arn(sqs, dead), 2))
    assert code == "QueueAlreadyExists"
    assert message.endswith("a different value for attribute RedrivePolicy")
    assert queue(sqs, RedrivePolicy=redrive(arn(sqs, dead))) == url
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


def test_a_move_task_brings_dead_letters_back_at_its_rate(
    sqs: Any, cloud: LocalCloud, pair: tuple[str, str]
) -> None:
    url, dead = pair
    fill_dead_letters(sqs, cloud, url, 10)
    cloud.do(cloud.world.clock.pause)
    source = arn(sqs, dead)
    handle = sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=3)[
        "TaskHandle"
    ]
    cloud.advance(1.5)
    (task,) = sqs.list_message_move_tasks(SourceArn=source)["Results"]
    assert task["Status"] == "RUNNING"
    assert task["TaskHandle"] == handle
    assert task["ApproximateNumberOfMessagesMoved"] == 6
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    assert task["MaxNumberOfMessagesPerSecond"] == 3
    assert "DestinationArn" not in task
    assert refusal(sqs.start_message_move_task, SourceArn=source)[0] == (
        "AWS.SimpleQueueService.UnsupportedOperation"
    )
    cloud.advance(5)
    (task,) = sqs.list_message_move_tasks(SourceArn=source)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 10)
    assert "TaskHandle" not in task
    assert (counts(sqs, url), counts(sqs, dead)) == ((10, 0, 0), (0, 0, 0))
    (message,) = receive(sqs, url, 1, AttributeNames=["All"])
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    cloud.do(cloud.world.clock.resume)


def test_a_move_task_can_be_cancelled(sqs: Any, cloud: LocalCloud, pair: tuple[str, str]) -> None:
    url, dead = pair
    fill_dead_letters(sqs, cloud, url, 10)
    cloud.do(cloud.world.clock.pause)
    other = queue(sqs, "other")
    handle = sqs.start_message_move_task(
        SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, other), MaxNumberOfMessagesPerSecond=2
    )["TaskHandle"]
    cloud.advance(0.5)
    done = sqs.cancel_message_move_task(TaskHandle=handle)
    assert done["ApproximateNumberOfMessagesMoved"] == 2
    cloud.advance(10)
    assert (counts(sqs, other), counts(sqs, dead)) == ((2, 0, 0), (8, 0, 0))
    (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert (task["Status"], task["DestinationArn"]) == ("CANCELLED", arn(sqs, other))
    assert refusal(sqs.cancel_message_move_task, TaskHandle=handle)[0] == (
        "AWS.SimpleQueueService.UnsupportedOperation"
    )
    cloud.do(cloud.world.clock.resume)


def test_a_message_that_came_from_nowhere_cannot_go_back(
    sqs: Any, cloud: LocalCloud, pair: tuple[str, str]
) -> None:
    _, dead = pair
    sqs.send_message(QueueUrl=dead, MessageBody="direct")
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    cloud.advance(1)
    (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert counts(sqs, dead) == (1, 0, 0)


def test_only_dead_letter_queues_have_move_tasks(sqs: Any) -> None:
    plain = arn(sqs, queue(sqs))
    assert refusal(sqs.start_message_move_task, SourceArn=plain) == (
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    )
    assert refusal(sqs.start_message_move_task, SourceArn=plain + "x") == (
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )
    assert refusal(sqs.cancel_message_move_task, TaskHandle="x")[0] == "InvalidParameterValue"
