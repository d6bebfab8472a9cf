"""Metric streams: what a minute holds goes to Firehose when it is over."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.services.cloudwatch.rules.telemetry import Summary, request
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
        (
            {
                "OutputFormat": "opentelemetry1.0",
                "StatisticsConfigurations": [
                    {
                        "IncludeMetrics": [{"Namespace": "App", "MetricName": "m"}],
                        "AdditionalStatistics": ["tm90"],
                    }
                ],
            },
            "is not supported for the output format",
        ),
    ):
        with pytest.raises(ClientError, match=message):
            client("cloudwatch").put_metric_stream(**{**good, **change})


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a message of protocol buffers: numbers, doubles as bytes, bytes."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(data):
        tag = varint()
        size = 8 if tag & 7 == 1 else varint()
        found.append((tag >> 3, data[at : at + size]))
        at += size
    return found


def inside(data: bytes, *path: int) -> bytes:
    """The first field at a path."""
    for number in path:
        data = next(value for field, value in fields(data) if field == number)
    return data


@pytest.mark.parametrize("version", ["opentelemetry1.0", "opentelemetry0.7"])
def test_a_minute_in_protocol_buffers(version: str) -> None:

    point = Summary(
        "App", "m", {"Host": "a"}, "Bytes/Second", 60, 3.0, 6.0, [(0.0, 1.0), (1.0, 3.0)]
    )
    data = request([point] * 2, "000000000000", "us-east-1", "arn", version)
    assert data[0] & 0x80  # the length takes two bytes
    body = data[2:]
    assert (data[0] & 0x7F) | data[1] << 7 == len(body)
    attributes = {inside(one, 1): inside(one, 2, 1) for _, one in fields(inside(body, 1, 1))}
    assert attributes[b"cloud.account.id"] == b"000000000000"
    metrics = [value for field, value in fields(inside(body, 1, 2)) if field == 2]
    assert len(metrics) == 2
    assert inside(metrics[0], 1) == b"amazonaws.com/App/m"
    assert inside(metrics[0], 3) == b"By/s"
    summary = inside(metrics[0], 11, 1)
    assert struct.unpack("<QQQ", inside(summary, 2) + inside(summary, 3) + inside(summary, 4)) == (
        60 * 10**9,
        120 * 10**9,
        3,
    )
    assert struct.unpack("<d", inside(summary, 5)) == (6.0,)
    quantiles = [value for field, value in fields(summary) if field == 6]
    assert [struct.unpack("<d", inside(one, 2))[0] for one in quantiles] == [1.0, 3.0]
    if version == "opentelemetry0.7":
        labels = {inside(one, 1): inside(one, 2) for field, one in fields(summary) if field == 1}
        assert labels == {b"Namespace": b"App", b"MetricName": b"m", b"Host": b"a"}
    else:
        names = [inside(one, 1) for field, one in fields(summary) if field == 7]
        assert names == [b"Namespace", b"MetricName", b"Dimensions"]
