"""FIFO queues: order, groups, deduplication."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.sqs.support import attributes, bodies, counts, queue, receive, refusal

from mesocosm.services.sqs import control
from mesocosm.services.sqs.operations import queues
from mesocosm.services.sqs.resources import sent
from mesocosm.testing.local import LocalCloud


def send(sqs: Any, url: str, body: str, group: str = "g", **options: Any) -> dict[str, Any]:
    options.setdefault("MessageDeduplicationId", body)
    sent: dict[str, Any] = sqs.send_message(
        QueueUrl=url, MessageBody=body, MessageGroupId=group, **options
    )
    return sent


def test_a_group_keeps_its_order_and_waits_for_what_is_in_flight(
    sqs: Any, cloud: LocalCloud
) -> None:
    url = queue(sqs, "q.fifo")
    for body in "abc":
        send(sqs, url, body)
    send(sqs, url, "other", "h")
    assert bodies(sqs, url, 2) == ["a", "b"]
    assert bodies(sqs, url) == ["other"]
    assert bodies(sqs, url) == []
    cloud.advance(31)
    assert bodies(sqs, url, 3) == ["a", "b", "c"]


def test_deleting_opens_the_group(sqs: Any) -> None:
    url = queue(sqs, "q.fifo")
    send(sqs, url, "a")
    send(sqs, url, "b")
    (first,) = receive(sqs, url, 1)
    assert bodies(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(sqs, url) == ["b"]


def test_the_same_deduplication_id_is_one_message_for_five_minutes(
    sqs: Any, cloud: LocalCloud
) -> None:
    url = queue(sqs, "q.fifo")
    first = send(sqs, url, "a", MessageDeduplicationId="1")
    again = send(sqs, url, "b", "other", MessageDeduplicationId="1")
    assert again["MessageId"] == first["MessageId"]
    assert again["SequenceNumber"] == first["SequenceNumber"]
    (message,) = receive(sqs, url)
    assert message["Body"] == "a"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    cloud.advance(299)
    send(sqs, url, "c", MessageDeduplicationId="1")
    assert bodies(sqs, url) == []
    cloud.advance(2)
    later = send(sqs, url, "d", MessageDeduplicationId="1")
    assert int(later["SequenceNumber"]) > int(first["SequenceNumber"])
    assert len(later["SequenceNumber"]) == 20
    assert bodies(sqs, url) == ["d"]


def test_deduplication_by_content(sqs: Any) -> None:
    url = queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    for body in ("a", "a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    messages = receive(sqs, url, AttributeNames=["All"])
    assert [message["Body"] for message in messages] == ["a", "b"]
    known = messages[0]["Attributes"]
    assert known["MessageGroupId"] == "g"
    assert known["MessageDeduplicationId"] == (
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )


def test_deduplication_within_the_group(sqs: Any) -> None:
    url = queue(
        sqs,
        "q.fifo",
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
    )
    for group in ("g", "h", "g"):
        send(sqs, url, f"in {group}", group, MessageDeduplicationId="1")
    assert bodies(sqs, url) == ["in g", "in h"]


def test_what_a_fifo_queue_asks_for(sqs: Any) -> None:
    url, standard = queue(sqs, "q.fifo"), queue(sqs)
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == (
        "MissingParameter",
        "The request must contain the parameter MessageGroupId.",
    )
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="g") == (
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly",
    )
    assert refusal(send, sqs=sqs, url=url, body="x", group="with space") == (
        "InvalidParameterValue",
        "Value with space for parameter MessageGroupId is invalid. Reason: MessageGroupId can only "
        "include alphanumeric and punctuation characters. 1 to 128 in length.",
    )
    assert refusal(send, sqs=sqs, url=url, body="x", DelaySeconds=1)[1] == (
        "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that "
        "is not valid for this queue type."
    )
    assert (
        refusal(sqs.send_message, QueueUrl=standard, MessageBody="x", MessageDeduplicationId="1")[0]
        == "InvalidParameterValue"
    )
    # On a standard queue a group makes the queue fair, not ordered.
    sqs.send_message(QueueUrl=standard, MessageBody="x", MessageGroupId="tenant")


def test_an_expired_handle_is_refused(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs, "q.fifo")
    send(sqs, url, "a")
    handle = receive(sqs, url)[0]["ReceiptHandle"]
    cloud.advance(31)
    assert refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle) == (
        "InvalidParameterValue",
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has "
        "expired.",
    )
    assert bodies(sqs, url) == ["a"]


def test_a_delay_of_the_queue_holds_for_messages_already_there(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs, "q.fifo")
    send(sqs, url, "a")
    send(sqs, url, "b")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "60"})
    assert counts(sqs, url) == (0, 0, 2)
    assert bodies(sqs, url) == []
    cloud.advance(61)
    assert bodies(sqs, url) == ["a", "b"]


def test_a_delay_reaches_a_long_queue_a_slice_at_a_time(
    sqs: Any, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "DELAYED_AT_ONCE", 3)
    url = queue(sqs, "q.fifo")
    for number in range(10):
        send(sqs, url, str(number))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "60"})
    cloud.advance(1)
    assert counts(sqs, url) == (0, 0, 10)
    cloud.advance(30)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
    cloud.advance(1)
    assert bodies(sqs, url, 10) == [str(number) for number in range(10)]


def test_an_attempt_id_gives_the_same_messages_again(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs, "q.fifo")
    send(sqs, url, "a")
    send(sqs, url, "b")
    first = receive(sqs, url, 1, ReceiveRequestAttemptId="try")
    cloud.advance(20)
    assert receive(sqs, url, 1, ReceiveRequestAttemptId="other") == []
    again = receive(sqs, url, 1, ReceiveRequestAttemptId="try")
    assert again == first
    cloud.advance(20)  # the timeout began anew
    assert bodies(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(sqs, url, 1, ReceiveRequestAttemptId="try") == ["b"]


def test_attributes_of_a_fifo_queue(sqs: Any) -> None:
    found = attributes(sqs, queue(sqs, "q.fifo"))
    assert found["FifoQueue"] == "true"
    assert found["ContentBasedDeduplication"] == "false"
    assert found["DeduplicationScope"] == "queue"
    assert found["FifoThroughputLimit"] == "perQueue"


def test_a_deleted_queues_deduplication_ids_go_a_slice_at_a_time(
    sqs: Any, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "AT_ONCE", 2)
    url = queue(sqs, "q.fifo")
    for number in range(5):
        send(sqs, url, str(number))
    uses = cloud.world.rows(sent, "000000000000", "us-east-1")
    assert len(uses) == 5
    sqs.delete_queue(QueueUrl=url)
    cloud.advance(1)
    assert not uses
