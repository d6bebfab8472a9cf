"""The common services' calls that are measured: topics, logs, metrics.

The requests are boto3's own, caught before they are sent, so that every server gets what it would
get from a user: CBOR for CloudWatch, JSON for Logs, forms for SNS.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

PUBLISH = "sns Publish to 10 queues"
PUT_EVENTS = "logs PutLogEvents of 100"
PUT_METRICS = "cloudwatch PutMetricData of 20"
GET_METRICS = "cloudwatch GetMetricData of a day"
FILTER = "logs FilterLogEvents, million"
CALLS = (PUBLISH, PUT_EVENTS, PUT_METRICS, GET_METRICS)

QUEUES = 10
EVENTS = 1_000_000
EVENTS_A_CALL = 10_000
EVENTS_MEASURED = 100
MINUTES = 1440
POINTS_A_CALL = 20
RARE = 250_000  # one event in so many has the term that is looked for
DIMENSIONS = [{"Name": "host", "Value": "a"}]


class Client(Protocol):
    """Makes a boto3 client of a service."""

    def __call__(self, service: str) -> Any: ...


def message(number: int) -> str:
    """A line of a web server's log."""
    status = "ERROR upstream timed out" if number % RARE == RARE // 2 else "200 OK"
    return f"10.0.{number % 256}.7 GET /orders/{number} {number % 97} ms {status}"


def prepare(owner: Client, client: Client) -> dict[str, Callable[[], bytes]]:
    """Make topic, queues, groups and metrics as their owner; the client's requests to measure, as
    bytes, signed when they are asked for.
    """
    topic = _topic(owner)
    logs = owner("logs")
    logs.create_log_group(logGroupName="bench")
    logs.create_log_stream(logGroupName="bench", logStreamName="measured")
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    day = now - datetime.timedelta(minutes=MINUTES)
    metrics = owner("cloudwatch")
    for start in range(0, MINUTES, POINTS_A_CALL):
        minutes = range(start, start + POINTS_A_CALL)
        metrics.put_metric_data(
            Namespace="Bench",
            MetricData=[_point("load", day + datetime.timedelta(minutes=at)) for at in minutes],
        )
    query = {"Namespace": "Bench", "MetricName": "load", "Dimensions": DIMENSIONS}
    topics, logs, metrics = client("sns"), client("logs"), client("cloudwatch")
    return {
        PUBLISH: lambda: sent(topics, "publish", TopicArn=topic, Message="x" * 1024),
        PUT_EVENTS: lambda: sent(
            logs,
            "put_log_events",
            logGroupName="bench",
            logStreamName="measured",
            logEvents=[
                {"timestamp": int(now.timestamp() * 1000) + at, "message": message(at)}
                for at in range(EVENTS_MEASURED)
            ],
        ),
        PUT_METRICS: lambda: sent(
            metrics,
            "put_metric_data",
            Namespace="Bench",
            MetricData=[_point(f"put-{number}", now) for number in range(POINTS_A_CALL)],
        ),
        GET_METRICS: lambda: sent(
            metrics,
            "get_metric_data",
            MetricDataQueries=[
                {"Id": "a", "MetricStat": {"Metric": query, "Period": 60, "Stat": "Average"}}
            ],
            StartTime=day,
            EndTime=now,
        ),
    }


def _topic(owner: Client) -> str:
    topics, queues = owner("sns"), owner("sqs")
    topic: str = topics.create_topic(Name="bench")["TopicArn"]
    for number in range(QUEUES):
        url = queues.create_queue(QueueName=f"bench-{number}")["QueueUrl"]
        found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        policy = (
            '{"Statement": {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},'
            f' "Action": "sqs:SendMessage", "Resource": "{arn}"}}}}'
        )
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic


def _point(name: str, instant: datetime.datetime) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": DIMENSIONS,
        "Timestamp": instant,
        "Value": instant.minute * 1.5,
        "Unit": "Count",
    }


def sent(client: Any, operation: str, **parameters: Any) -> bytes:
    """The bytes of the request that boto3 would send."""
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        caught.append(request)
        raise Caught

    client.meta.events.register_first("before-send", catch)
    try:
        getattr(client, operation)(**parameters)
    except Caught:
        pass
    finally:
        client.meta.events.unregister("before-send", catch)
    (request,) = caught
    where = urlsplit(request.url)
    body = request.body or b""
    data = body if isinstance(body, bytes) else body.encode()
    path = where.path + (f"?{where.query}" if where.query else "")
    lines = [f"{request.method} {path or '/'} HTTP/1.1", f"Host: {where.netloc}"]
    for name, value in request.headers.items():
        if name.lower() not in ("content-length", "host"):
            lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


class Caught(BaseException):
    """Nothing is sent. No `Exception`, since botocore would try those again."""


def fill(client: Client) -> None:
    """A million events in one stream, of the last hour."""
    logs = client("logs")
    logs.create_log_stream(logGroupName="bench", logStreamName="million")
    begin = int(time.time() * 1000) - 3_600_000
    for start in range(0, EVENTS, EVENTS_A_CALL):
        logs.put_log_events(
            logGroupName="bench",
            logStreamName="million",
            logEvents=[
                {"timestamp": begin + number * 3_000_000 // EVENTS, "message": message(number)}
                for number in range(start, start + EVENTS_A_CALL)
            ],
        )


def filtered(client: Client, cpu: Callable[[], float]) -> float:
    """CPU seconds of the server for finding the rare events among all, over all pages."""
    logs = client("logs")
    before = cpu()
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="bench", logStreamNames=["million"], filterPattern="ERROR"
    )
    found = sum(len(page["events"]) for page in pages)
    used = cpu() - before
    if found != EVENTS // RARE:
        raise RuntimeError(f"{found} of {EVENTS // RARE} events were found")
    return used
