"""The unmodified AWS CLI and SNS."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud


@pytest.mark.needs("aws")
def test_a_topic_and_its_queue_by_the_cli(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(service: str, *arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli, service, "--endpoint-url", cloud.endpoint, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    arn = aws("sns", "create-topic", "--name", "news", "--tags", "Key=team,Value=a")["TopicArn"]
    url = aws("sqs", "create-queue", "--queue-name", "inbox")["QueueUrl"]
    queue = "arn:aws:sqs:us-east-1:000000000000:inbox"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    attributes = json.dumps({"Policy": policy})
    aws("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", attributes)
    wanted = '{"RawMessageDelivery":"true","FilterPolicy":"{\\"kind\\":[\\"a\\"]}"}'
    made = aws(
        "sns",
        "subscribe",
        "--topic-arn",
        arn,
        "--protocol",
        "sqs",
        "--notification-endpoint",
        queue,
        "--attributes",
        wanted,
    )
    assert made["SubscriptionArn"].startswith(arn)
    kind = '{"kind":{"DataType":"String","StringValue":"a"}}'
    publish = ("sns", "publish", "--topic-arn", arn, "--message")
    assert aws(*publish, "hello", "--message-attributes", kind)["MessageId"]
    aws(*publish, "unwanted")
    received = aws("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10")
    assert [message["Body"] for message in received["Messages"]] == ["hello"]
    error = aws("sns", "publish", "--topic-arn", f"{arn}x", "--message", "x")
    assert "An error occurred (NotFound) when calling the Publish operation" in error
    assert "Topic does not exist" in error
