"""`kill -9` of a real server under as many writes a second as it takes, of several services:
everything acknowledged is there afterwards, what a topic had taken is delivered, nothing twice.

The requests are boto3's own bytes, sent again and again by a loop that costs little, so that the
server is the one that is busy.
"""

from __future__ import annotations

import json
import re
import select
import socket
import time
from pathlib import Path
from typing import Any

from bench.common import sent

from mesocosm.services.sqs.resources import messages
from mesocosm.world import World
from tests.fuzz.kit import Server
from tests.simulate.test_kill import client

ACCOUNT, REGION = "000000000000", "us-east-1"
KILL_AFTER = 3_000
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SNS_ID = re.compile(rb"<MessageId>([^<]+)<")
POLLS = 2_000


def whole(data: bytes) -> tuple[int, bytes] | None:
    """Status and body of an answer, once it is whole."""
    end = data.find(b"\r\n\r\n")
    length = LENGTH.search(data[: end + 2]) if end >= 0 else None
    if end < 0 or length is None or len(data) < end + 4 + int(length[1]):
        return None
    return int(data[9:12]), data[end + 4 :]


def load(server: Server, requests: dict[str, bytes]) -> dict[str, list[bytes]]:
    """Send each request on connections of its own, as fast as it is answered; kill the server in
    the midst. The bodies of what was acknowledged, by request.
    """
    poll = select.epoll()
    open_: dict[int, tuple[str, socket.socket]] = {}
    received: dict[int, bytes] = {}
    for name, request in requests.items():
        for _ in range(2):
            one = server.connect()
            open_[one.fileno()] = (name, one)
            received[one.fileno()] = b""
            poll.register(one, select.EPOLLIN)
            one.sendall(request)
    found: dict[str, list[bytes]] = {name: [] for name in requests}
    count = 0
    begun = time.monotonic()
    while open_:
        for number, _ in poll.poll(10):
            name, one = open_[number]
            try:
                piece = one.recv(65_536)
            except ConnectionError:
                piece = b""
            if not piece:
                poll.unregister(number)
                del open_[number]
                one.close()
                continue
            received[number] += piece
            answer = whole(received[number])
            if answer is None:
                continue
            received[number] = b""
            assert answer[0] == 200, answer
            found[name].append(answer[1])
            count += 1
            if count == KILL_AFTER:
                print(f"{count / (time.monotonic() - begun):.0f} writes a second")
                server.process.kill()
            try:
                one.sendall(requests[name])
            except ConnectionError:
                continue
    server.kill()
    return found


def prepare(server: Server) -> dict[str, bytes]:
    """What is written to, and the requests that write."""
    sqs, sns, logs = client(server, "sqs"), client(server, "sns"), client(server, "logs")
    ssm, metrics = client(server, "ssm"), client(server, "cloudwatch")
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    sqs.create_queue(QueueName="inbox", Attributes={"Policy": policy})
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    ssm.put_parameter(Name="p", Value="0", Type="String")
    event = {"timestamp": int(time.time() * 1000), "message": "x" * 100}
    return {
        "send": sent(sqs, "send_message", QueueUrl=queue, MessageBody="m"),
        "publish": sent(sns, "publish", TopicArn=topic, Message="news"),
        "log": sent(
            logs, "put_log_events", logGroupName="group", logStreamName="stream", logEvents=[event]
        ),
        "parameter": sent(ssm, "put_parameter", Name="p", Value="1", Overwrite=True),
        "metric": sent(
            metrics, "put_metric_data", Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}]
        ),
    }


def events(server: Server) -> int:
    """How many log events there are."""
    pages = client(server, "logs").get_paginator("filter_log_events")
    return sum(len(page["events"]) for page in pages.paginate(logGroupName="group"))


def measured(server: Server) -> float:
    """How many data points there are."""
    now = time.time()
    answer = client(server, "cloudwatch").get_metric_statistics(
        Namespace="N",
        MetricName="m",
        StartTime=now - 7200,
        EndTime=now + 3600,
        Period=3600,
        Statistics=["SampleCount"],
    )
    found: float = sum(one["SampleCount"] for one in answer["Datapoints"])
    return found


def delivered(server: Server, wanted: int) -> None:
    """Wait until the inbox has what the topic had taken."""
    sqs = client(server, "sqs")
    url = f"{server.url}/{ACCOUNT}/inbox"
    for _ in range(POLLS):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if int(found["ApproximateNumberOfMessages"]) >= wanted:
            return
    raise AssertionError(f"{wanted} messages were wanted: {found}")


def ids(bodies: list[bytes]) -> set[str]:
    """The message ids that a topic has given."""
    return {found[1].decode() for body in bodies if (found := SNS_ID.search(body))}


def test_nothing_acknowledged_is_lost_at_full_speed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = Server(data)
    found = load(server, prepare(server))
    sent_ids = {json.loads(body)["MessageId"] for body in found["send"]}
    published = ids(found["publish"])
    again = Server(data)
    try:
        delivered(again, len(published))
        assert events(again) >= len(found["log"])
        assert measured(again) >= len(found["metric"])
        versions = [json.loads(body)["Version"] for body in found["parameter"]]
        stored: Any = client(again, "ssm").get_parameter(Name="p")["Parameter"]["Version"]
        assert stored >= max(versions)
    finally:
        again.close()
    with World.open(data) as world:
        rows = list(world.rows(messages, ACCOUNT, REGION).values())
    assert sent_ids <= {row.id for row in rows}
    inbox = [json.loads(row.body)["MessageId"] for row in rows if row.body.startswith("{")]
    assert published <= set(inbox)
    assert len(inbox) == len(set(inbox))
