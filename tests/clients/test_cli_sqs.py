"""The unmodified AWS CLI and SQS."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud


@pytest.mark.needs("aws")
def test_a_message_goes_through_by_the_cli(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli, "sqs", "--endpoint-url", cloud.endpoint, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    url = aws("create-queue", "--queue-name", "q", "--attributes", "VisibilityTimeout=5")[
        "QueueUrl"
    ]
    attribute = "a={DataType=String,StringValue=x}"
    sent = aws(
        "send-message",
        "--queue-url",
        url,
        "--message-body",
        "hi",
        "--message-attributes",
        attribute,
    )
    got = aws("receive-message", "--queue-url", url, "--message-attribute-names", "All")
    (message,) = got["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"]["a"]["StringValue"] == "x"
    handle = message["ReceiptHandle"]
    assert aws("delete-message", "--queue-url", url, "--receipt-handle", handle) is None
    assert aws("receive-message", "--queue-url", url) is None
    error = aws("send-message", "--queue-url", url + "x", "--message-body", "hi")
    assert "AWS.SimpleQueueService.NonExistentQueue" in error
    assert "The specified queue does not exist." in error
