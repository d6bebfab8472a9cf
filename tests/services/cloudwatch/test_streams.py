"""Metric streams: what a minute holds goes to Firehose when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
FIREHOSE = "arn:aws:firehose:us-east-1:000000000000:deliverystream/out"


def role(client: Client, name: str, service: str, actions: list[str]) -> str:
    """A role that a service may take on."""
    iam = client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return str(made["Role"]["Arn"])


@pytest.fixture
def metrics(cloud: LocalCloud, client: Client) -> Any:
    """CloudWatch, with a stream of the namespace App but for `secret`."""
    client("s3").create_bucket(Bucket="bucket")
    to_bucket = role(client, "firehose", "firehose.amazonaws.com", ["s3:*"])
    client("firehose").create_delivery_stream(
        DeliveryStreamName="out",
        ExtendedS3DestinationConfiguration={
            "RoleARN": to_bucket,
            "BucketARN": "arn:aws:s3:::bucket",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
    )
    cloud.advance(61)
    to_stream = role(
        client,
        "stream",
        "streams.metrics.cloudwatch.amazonaws.com",
        ["firehose:PutRecord", "firehose:PutRecordBatch"],
    )
    made = client("cloudwatch")
    made.put_metric_stream(
        Name="s",
        FirehoseArn=FIREHOSE,
        RoleArn=to_stream,
        OutputFormat="json",
        IncludeFilters=[{"Namespace": "App", "MetricNames": ["m", "n"]}],
        StatisticsConfigurations=[
            {
                "IncludeMetrics": [{"Namespace": "App", "MetricName": "m"}],
                "AdditionalStatistics": ["p50"],
            }
        ],
    )
    cloud.advance(61 - cloud.now() % 60)
    return made


def put(metrics: Any, name: str, *values: float, namespace: str = "App") -> None:
    metrics.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Values": list(values),
                "Unit": "Count",
                "Dimensions": [{"Name": "Host", "Value": "a"}],
            }
        ],
    )


def delivered(client: Client) -> list[Any]:
    """The lines in the bucket."""
    s3 = client("s3")
    return [
        json.loads(line)
        for one in s3.list_objects_v2(Bucket="bucket").get("Contents", [])
        for line in s3.get_object(Bucket="bucket", Key=one["Key"])["Body"].read().splitlines()
    ]


def test_a_minute_arrives_in_a_bucket(cloud: LocalCloud, client: Client, metrics: Any) -> None:
    minute = int(cloud.now() // 60 * 60)
    put(metrics, "m", 1, 2, 3)
    put(metrics, "secret", 1)
    put(metrics, "m", 1, namespace="Other")
    cloud.advance(180)
    assert delivered(client) == [
        {
            "metric_stream_name": "s",
            "account_id": "000000000000",
            "region": "us-east-1",
            "namespace": "App",
            "metric_name": "m",
            "dimensions": {"Host": "a"},
            "timestamp": minute * 1000,
            "value": {"max": 3.0, "min": 1.0, "sum": 6.0, "count": 3.0, "p50": 2.0},
            "unit": "Count",
        }
    ]
    (found,) = metrics.list_metrics(Namespace="AWS/CloudWatch/MetricStreams")["Metrics"][:1]
    assert found["Dimensions"] == [{"Name": "MetricStreamName", "Value": "s"}]


def test_a_stopped_stream_sends_nothing(cloud: LocalCloud, client: Client, metrics: Any) -> None:
    metrics.stop_metric_streams(Names=["s"])
    assert metrics.get_metric_stream(Name="s")["State"] == "stopped"
    put(metrics, "m", 1)
    cloud.advance(180)
    assert delivered(client) == []
    metrics.start_metric_streams(Names=["s"])
    put(metrics, "n", 5)
    cloud.advance(180)
    assert [line["metric_name"] for line in delivered(client)] == ["n"]
    metrics.delete_metric_stream(Name="s")
    assert metrics.list_metric_streams()["Entries"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        metrics.get_metric_stream(Name="s")


def test_streams_that_are_refused(client: Client) -> None:
    good = {
        "Name": "s",
        "FirehoseArn": FIREHOSE,
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "OutputFormat": "json",
    }
    for change, message in (
        ({"FirehoseArn": "arn:aws:s3:::b"}, "FirehoseArn is invalid"),
        ({"Name": "a b"}, "Name is invalid"),
        (
            {"IncludeFilters": [{"Namespace": "a"}], "ExcludeFilters": [{"Namespace": "b"}]},
            "cannot both be specified",
        ),
        ({"OutputFormat": "opentelemetry1.0"}, "is not implemented"),
    ):
        with pytest.raises(ClientError, match=message):
            client("cloudwatch").put_metric_stream(**{**good, **change})
