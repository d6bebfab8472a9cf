"""The unmodified AWS CLI and CloudWatch Logs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable

import pytest

from mesocosm.testing.local import LocalCloud

Run = Callable[..., str]


@pytest.fixture
def aws(cloud: LocalCloud, aws_cli: str) -> Run:
    """Runs `aws logs`; what it printed."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [aws_cli, "logs", "--endpoint-url", cloud.endpoint, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout or done.stderr

    return run


@pytest.mark.needs("aws")
def test_events_by_the_cli(cloud: LocalCloud, aws: Run) -> None:
    aws("create-log-group", "--log-group-name", "/app/web", "--tags", "team=a")
    aws("create-log-stream", "--log-group-name", "/app/web", "--log-stream-name", "one")
    at = int(cloud.now() * 1000)
    events = json.dumps([{"timestamp": at, "message": f"ERROR {n}"} for n in range(3)])
    where = ("--log-group-name", "/app/web", "--log-stream-name", "one")
    assert "nextSequenceToken" in aws("put-log-events", *where, "--log-events", events)
    # What `aws logs tail` of the CLI's second version asks for.
    asked = ("--log-group-name", "/app/web", "--filter-pattern", "ERROR", "--interleaved")
    shown = json.loads(aws("filter-log-events", *asked, "--start-time", str(at - 60_000)))
    assert [(event["logStreamName"], event["message"]) for event in shown["events"]] == [
        ("one", f"ERROR {n}") for n in range(3)
    ]
    got = json.loads(aws("get-log-events", *where, "--start-from-head", "--limit", "1"))
    assert [event["message"] for event in got["events"]] == ["ERROR 0"]
    missing = aws("get-log-events", "--log-group-name", "x", "--log-stream-name", "y")
    assert missing.strip().endswith(
        "(ResourceNotFoundException) when calling the GetLogEvents operation: "
        "The specified log group does not exist."
    )


@pytest.mark.needs("aws")
def test_a_pattern_is_tried_by_the_cli(aws: Run) -> None:
    pattern = '{ $.level = "ERROR" }'
    tried = ("--filter-pattern", pattern, "--log-event-messages", '{"level": "ERROR"}', "x")
    [match] = json.loads(aws("test-metric-filter", *tried))["matches"]
    assert match["extractedValues"] == {"$.level": "ERROR"}
