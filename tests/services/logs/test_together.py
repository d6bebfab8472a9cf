"""Logs with the services they send to: Firehose, CloudWatch."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, say, stream

from mesocosm.testing.local import LocalCloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["logs.amazonaws.com", "firehose.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


def role(client: Make, account: str, *actions: str) -> str:
    """A role that logs and Firehose may take, with some permissions."""
    iam = client("iam", account=account)
    made = iam.create_role(RoleName="sender", AssumeRolePolicyDocument=json.dumps(TRUST))
    allowed = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_role_policy(RoleName="sender", PolicyName="p", PolicyDocument=json.dumps(allowed))
    return str(made["Role"]["Arn"])


def firehose(client: Make, account: str, arn: str) -> str:
    """A delivery stream into a bucket; its ARN."""
    client("s3", account=account).create_bucket(Bucket="delivered")
    made = client("firehose", account=account).create_delivery_stream(
        DeliveryStreamName="f",
        ExtendedS3DestinationConfiguration={
            "RoleARN": arn,
            "BucketARN": "arn:aws:s3:::delivered",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
    )
    return str(made["DeliveryStreamARN"])


def delivered(client: Make, account: str) -> list[dict[str, Any]]:
    """The messages in the bucket."""
    s3 = client("s3", account=account)
    found: list[dict[str, Any]] = []
    for row in s3.list_objects_v2(Bucket="delivered").get("Contents", []):
        body = s3.get_object(Bucket="delivered", Key=row["Key"])["Body"].read()
        text = gzip.decompress(body).decode()  # records one after the other are one gzip file
        while text:
            value, end = json.JSONDecoder().raw_decode(text)
            found.append(value)
            text = text[end:]
    return found


@pytest.mark.parametrize("account", ["000000000000", "111111111111"])
def test_events_go_through_firehose_to_a_bucket(
    cloud: LocalCloud, client: Make, account: str
) -> None:
    logs = stream(client)
    sender = role(client, account, "firehose:PutRecord", "s3:*")
    target = firehose(client, account, sender)
    cloud.advance(60)
    given: dict[str, Any] = {"destinationArn": target, "roleArn": sender}
    if account != "000000000000":
        other = client("logs", account=account)
        made = other.put_destination(destinationName="d", targetArn=target, roleArn=sender)
        arn = made["destination"]["arn"]
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "000000000000"},
                    "Action": "logs:PutSubscriptionFilter",
                    "Resource": arn,
                }
            ],
        }
        other.put_destination_policy(destinationName="d", accessPolicy=json.dumps(document))
        given = {"destinationArn": arn}
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="ERROR", **given)
    say(cloud, logs, "ERROR one", "fine")
    cloud.advance(120)
    control, data = delivered(client, account)
    assert control["messageType"] == "CONTROL_MESSAGE"
    assert data["owner"] == "000000000000"
    assert [event["message"] for event in data["logEvents"]] == ["ERROR one"]


def test_a_role_that_may_not_write_is_refused(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    sender = role(client, "000000000000", "s3:*")
    target = firehose(client, "000000000000", sender)
    cloud.advance(60)
    with pytest.raises(ClientError, match="Could not deliver test message"):
        logs.put_subscription_filter(
            logGroupName="g",
            filterName="f",
            filterPattern="",
            destinationArn=target,
            roleArn=sender,
        )


def test_a_metric_filters_metric_is_read_from_cloudwatch(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    made = {"metricName": "Slow", "metricNamespace": "App", "metricValue": "$.ms"}
    logs.put_metric_filter(
        logGroupName="g",
        filterName="f",
        filterPattern="{ $.ms > 100 }",
        metricTransformations=[made],
    )
    for ms in (50, 150, 250):
        say(cloud, logs, json.dumps({"ms": ms}))
    cloud.advance(120)
    now = datetime.fromtimestamp(cloud.now(), UTC)
    found = client("cloudwatch").get_metric_statistics(
        Namespace="App",
        MetricName="Slow",
        StartTime=now.timestamp() - 600,
        EndTime=now,
        Period=600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in found) == 400
    assert sum(point["SampleCount"] for point in found) == 2
