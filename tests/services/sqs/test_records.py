"""What is written down of a call: who sent to which queue, never what."""

from __future__ import annotations

from typing import Any

from tests.services.sqs.support import queue, receive

from mesocosm.call.record import encode
from mesocosm.testing.local import LocalCloud


def test_bodies_are_never_recorded(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    attribute = {"a": {"DataType": "String", "StringValue": "very-secret"}}
    sqs.send_message(QueueUrl=url, MessageBody="very-secret", MessageAttributes=attribute)
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "very-secret"}])
    receive(sqs, url, MessageAttributeNames=["All"])
    records = cloud.do(lambda: list(cloud.cloud.calls)[-3:])
    assert [record.operation for record in records] == [
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
    ]
    assert {record.category for record in records} == {"data"}
    data = encode(records)
    assert url.encode() in data
    assert b"very-secret" not in data
