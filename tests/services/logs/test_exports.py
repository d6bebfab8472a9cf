"""Export tasks."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, now, say, stream

from mesocosm.testing.local import LocalCloud


def bucket(client: Make, *, allowed: bool = True) -> Any:
    s3 = client("s3")
    s3.create_bucket(Bucket="bkt")
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": "s3:GetBucketAcl",
                "Resource": "arn:aws:s3:::bkt",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": ["000000000000"]},
                    "ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:*"},
                },
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::bkt/*",
                "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            },
        ][: 2 if allowed else 1],
    }
    s3.put_bucket_policy(Bucket="bkt", Policy=json.dumps(document))
    return s3


def create(cloud: LocalCloud, logs: Any, **more: Any) -> str:
    request = {"logGroupName": "g", "fromTime": 0, "to": now(cloud), "destination": "bkt", **more}
    request["from"] = request.pop("fromTime")
    return str(logs.create_export_task(**request)["taskId"])


def test_events_become_objects(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client, name="a/b")
    logs.create_log_stream(logGroupName="g", logStreamName="empty")
    s3 = bucket(client)
    at = now(cloud)
    say(cloud, logs, "one", "two", name="a/b")
    task = create(cloud, logs, destinationPrefix="out", taskName="t", to=at + 60_000)
    [shown] = logs.describe_export_tasks(taskId=task)["exportTasks"]
    assert shown["status"]["code"] == "PENDING"
    with pytest.raises(ClientError, match="Resource limit exceeded"):
        create(cloud, logs)
    cloud.advance(2)
    [shown] = logs.describe_export_tasks()["exportTasks"]
    assert shown["status"] == {"code": "COMPLETED", "message": "Completed successfully"}
    assert shown["executionInfo"]["completionTime"] > shown["executionInfo"]["creationTime"]
    keys = {row["Key"] for row in s3.list_objects_v2(Bucket="bkt")["Contents"]}
    assert keys == {"out/aws-logs-write-test", f"out/{task}/a-b/000000.gz"}
    body = s3.get_object(Bucket="bkt", Key=f"out/{task}/a-b/000000.gz")["Body"].read()
    lines = gzip.decompress(body).decode().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["one", "two"]
    assert lines[0][10] == "T"
    assert lines[0][:24].endswith("Z")


def test_large_streams_become_several_objects(
    cloud: LocalCloud, client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesocosm.services.logs.control.exporting.PIECE_BYTES", 10)
    logs = stream(client)
    s3 = bucket(client)
    for number in range(5):
        say(cloud, logs, f"first{number}", f"second{number}")
    task = create(cloud, logs, to=now(cloud) + 60_000)
    cloud.advance(2)
    rows = s3.list_objects_v2(Bucket="bkt", Prefix=f"exportedlogs/{task}/s/")["Contents"]
    assert len(rows) == 5
    text = "".join(
        gzip.decompress(s3.get_object(Bucket="bkt", Key=row["Key"])["Body"].read()).decode()
        for row in rows
    )
    said = [f"{word}{number}" for number in range(5) for word in ("first", "second")]
    assert [line.split(" ")[1] for line in text.splitlines()] == said


def test_the_bucket_must_let_logs_write(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    with pytest.raises(ClientError, match="The specified bucket does not exist"):
        create(cloud, logs)
    s3 = bucket(client, allowed=False)
    with pytest.raises(ClientError, match="PutObject call on the given bucket failed"):
        create(cloud, logs)
    s3.delete_bucket_policy(Bucket="bkt")
    with pytest.raises(ClientError, match="GetBucketAcl call on the given bucket failed"):
        create(cloud, logs)


def test_a_task_is_cancelled_before_it_is_done(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    bucket(client)
    say(cloud, logs, "one")
    task = create(cloud, logs)
    logs.cancel_export_task(taskId=task)
    cloud.advance(5)
    [shown] = logs.describe_export_tasks(statusCode="CANCELLED")["exportTasks"]
    assert shown["taskId"] == task
    with pytest.raises(ClientError, match="already finished"):
        logs.cancel_export_task(taskId=task)
