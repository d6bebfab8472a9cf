"""A million log events: in, found, followed by the clock, exported, expired."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from botocore.config import Config

from mesocosm.testing.local import LocalCloud

EVENTS = 1_000_000
A_CALL = 10_000
RARE = 200_000
DAY = 86_400


def line(number: int) -> str:
    """What the web server writes: 60 bytes."""
    word = "ERROR upstream" if number % RARE == 77 else "INFO fine"
    return f"10.0.{number % 256}.7 GET /orders/{number} 200 {number % 97} ms {word}"


def bucket(client: Callable[..., Any]) -> Any:
    """A bucket that logs may export to."""
    s3 = client("s3")
    s3.create_bucket(Bucket="exports")
    service = {"Service": "logs.us-east-1.amazonaws.com"}
    statements = [
        {"Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::exports"},
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::exports/*"},
    ]
    policy = [{"Effect": "Allow", "Principal": service, **one} for one in statements]
    document = json.dumps({"Version": "2012-10-17", "Statement": policy})
    s3.put_bucket_policy(Bucket="exports", Policy=document)
    return s3


def test_a_million_events(cloud: LocalCloud, client: Callable[..., Any]) -> None:
    logs = client("logs", config=Config(parameter_validation=False))  # half of the time
    logs.create_log_group(logGroupName="web")
    logs.put_retention_policy(logGroupName="web", retentionInDays=3)
    for name in ("a", "b"):
        logs.create_log_stream(logGroupName="web", logStreamName=name)
    at = int(cloud.now() * 1000) - EVENTS // 100
    for start in range(0, EVENTS, A_CALL):
        logs.put_log_events(
            logGroupName="web",
            logStreamName="ab"[start // A_CALL % 2],
            logEvents=[
                {"timestamp": at + number // 100, "message": line(number)}
                for number in range(start, start + A_CALL)
            ],
        )
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] > 50_000_000

    def found(pattern: str) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="web", filterPattern=pattern
        )
        return [event["message"] for page in pages for event in page["events"]]

    wanted = [line(number) for number in range(77, EVENTS, RARE)]
    assert found("ERROR") == wanted

    s3 = bucket(client)
    task = logs.create_export_task(
        **{"logGroupName": "web", "from": at, "to": at + EVENTS, "destination": "exports"}
    )["taskId"]
    cloud.advance(60)
    [told] = logs.describe_export_tasks(taskId=task)["exportTasks"]
    assert told["status"]["code"] == "COMPLETED"
    lines = 0
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket="exports", Prefix=f"exportedlogs/{task}/"
    ):
        for row in page["Contents"]:
            body = s3.get_object(Bucket="exports", Key=row["Key"])["Body"].read()
            lines += gzip.decompress(body).count(b"\n")
    assert lines == EVENTS

    snapshot = "before-the-end"
    cloud.snapshot(snapshot)
    cloud.advance(3 * DAY + 7200)
    assert found("") == []
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0
    cloud.rewind(snapshot)
    assert found("ERROR") == wanted
