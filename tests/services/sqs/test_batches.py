"""Batches: refused as a whole, or entry by entry."""

from __future__ import annotations

from typing import Any

from tests.services.sqs.support import bodies, counts, queue, receive, refusal

from mesocosm.testing.local import LocalCloud


def entries(*bodies: str, **options: Any) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "MessageBody": body, **options} for number, body in enumerate(bodies)
    ]


def test_a_batch_is_sent_received_hidden_and_deleted(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries("a", "b", "c"))
    assert [one["Id"] for one in sent["Successful"]] == ["0", "1", "2"]
    assert sent["Successful"][0]["MD5OfMessageBody"] == "0cc175b9c0f1b6a831c399e269772661"
    assert "Failed" not in sent
    handles = [message["ReceiptHandle"] for message in receive(sqs, url)]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "x", "ReceiptHandle": handles[0], "VisibilityTimeout": 0},
            {"Id": "y", "ReceiptHandle": handles[1], "VisibilityTimeout": 100},
            {"Id": "z", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0},
        ],
    )
    assert [one["Id"] for one in changed["Successful"]] == ["x", "y"]
    (failed,) = changed["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "z",
        "ReceiptHandleIsInvalid",
        True,
    )
    cloud.advance(31)
    assert sorted(bodies(sqs, url)) == ["a", "c"]
    deleted = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)],
    )
    assert len(deleted["Successful"]) == 3
    assert counts(sqs, url) == (0, 2, 0)  # two of the handles were old


def test_entries_fail_by_themselves(sqs: Any) -> None:
    url = queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    given = entries("a", "b")
    given[0]["MessageGroupId"] = "g"
    sent = sqs.send_message_batch(QueueUrl=url, Entries=given)
    assert [one["Id"] for one in sent["Successful"]] == ["0"]
    assert sent["Failed"] == [
        {
            "Id": "1",
            "SenderFault": True,
            "Code": "MissingParameter",
            "Message": "The request must contain the parameter MessageGroupId.",
        }
    ]


def test_a_duplicate_within_a_batch_is_one_message(sqs: Any) -> None:
    url = queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries("a", "b", "a", MessageGroupId="g"))
    ids = [one["MessageId"] for one in sent["Successful"]]
    assert ids[0] == ids[2] != ids[1]
    assert bodies(sqs, url) == ["a", "b"]


def test_batches_that_are_refused_as_a_whole(sqs: Any) -> None:
    url = queue(sqs)
    send = sqs.send_message_batch
    assert refusal(send, QueueUrl=url, Entries=[]) == (
        "AWS.SimpleQueueService.EmptyBatchRequest",
        "There should be at least one SendMessageBatchRequestEntry in the request.",
    )
    assert refusal(send, QueueUrl=url, Entries=entries(*"abcdefghijk")) == (
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
    )
    assert refusal(send, QueueUrl=url, Entries=entries("a") + entries("b")) == (
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "Id 0 repeated.",
    )
    assert refusal(send, QueueUrl=url, Entries=[{"Id": "a b", "MessageBody": "x"}]) == (
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It "
        "can be at most 80 letters long.",
    )
    assert refusal(send, QueueUrl=url, Entries=entries("x" * 600_000, "y" * 600_000)) == (
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes.",
    )
    assert counts(sqs, url) == (0, 0, 0)
