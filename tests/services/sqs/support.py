"""What the tests of SQS share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def queue(sqs: Any, name: str = "orders", **attributes: Any) -> str:
    """A new queue; attributes as keywords. Returns its URL."""
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    given = {key: str(value) for key, value in attributes.items()}
    url: str = sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
    return url


def arn(sqs: Any, url: str) -> str:
    """The ARN of a queue."""
    found: str = attributes(sqs, url)["QueueArn"]
    return found


def attributes(sqs: Any, url: str) -> dict[str, str]:
    """All attributes of a queue."""
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    """How many messages are available, in flight, delayed."""
    found = attributes(sqs, url)
    return (
        int(found["ApproximateNumberOfMessages"]),
        int(found["ApproximateNumberOfMessagesNotVisible"]),
        int(found["ApproximateNumberOfMessagesDelayed"]),
    )


def receive(sqs: Any, url: str, count: int = 10, **options: Any) -> list[dict[str, Any]]:
    """The messages of one receive."""
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=count, **options
    ).get("Messages", [])
    return found


def bodies(sqs: Any, url: str, count: int = 10, **options: Any) -> list[str]:
    """The bodies of one receive."""
    return [message["Body"] for message in receive(sqs, url, count, **options)]
