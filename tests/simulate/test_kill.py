"""`kill -9` of a real server in the middle of many calls: what was acknowledged is there
afterwards, and the journal has each call once.
"""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mesocosm.call.record import decode
from mesocosm.world import World
from tests.fuzz.kit import Server
from tests.simulate.test_simulate import seeds

CALLERS = 4
ROUNDS = 2
CALLS = 40


def client(server: Server, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="any",
        config=Config(
            retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=20
        ),
    )


class Caller(threading.Thread):
    """Puts objects and sends messages until nobody answers, and notes what was acknowledged."""

    def __init__(self, server: Server, seed: str, half: threading.Event) -> None:
        super().__init__()
        self.s3, self.sqs = client(server, "s3"), client(server, "sqs")
        self.seed = seed
        self.half = half
        self.objects: dict[str, bytes] = {}
        self.messages: list[str] = []
        self.requests: list[str] = []

    def run(self) -> None:
        random = Random(self.seed)
        url = f"{self.s3.meta.endpoint_url}/000000000000/queue"
        with contextlib.suppress(BotoCoreError, ClientError, OSError):
            for number in range(10_000):
                name = f"{self.seed}-{number}"
                body = f"{name} ".encode() * random.choice((1, 100, 20_000))
                answer = self.s3.put_object(Bucket="bucket", Key=name, Body=body)
                self.objects[name] = body
                self.requests.append(answer["ResponseMetadata"]["RequestId"])
                answer = self.sqs.send_message(QueueUrl=url, MessageBody=name)
                self.messages.append(name)
                self.requests.append(answer["ResponseMetadata"]["RequestId"])
                if number >= CALLS:
                    self.half.set()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """The servers that were started; the last one is ended."""
    started: list[Server] = []
    yield started
    for server in started:
        if server.process.poll() is None:
            server.close()


@pytest.mark.parametrize("seed", seeds()[:1])
def test_nothing_acknowledged_is_lost(tmp_path: Path, servers: list[Server], seed: int) -> None:
    data = tmp_path / "data"
    servers.append(Server(data))
    client(servers[-1], "s3").create_bucket(Bucket="bucket")
    client(servers[-1], "sqs").create_queue(QueueName="queue")
    objects: dict[str, bytes] = {}
    messages: set[str] = set()
    requests: list[str] = []
    for turn in range(ROUNDS):
        half = threading.Event()
        callers = [
            Caller(servers[-1], f"{seed}-{turn}-{number}", half) for number in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        assert half.wait(120)
        servers[-1].kill()
        for caller in callers:
            caller.join(60)
            assert not caller.is_alive()
            objects |= caller.objects
            messages |= set(caller.messages)
            requests += caller.requests
        servers.append(Server(data))
        compare(servers[-1], objects, messages)
    with urllib.request.urlopen(f"{servers[-1].url}/_mesocosm/status", timeout=30) as answer:
        assert json.load(answer)["position"] >= len(requests)
    servers[-1].close()
    with World.open(data) as world:
        entries = list(world.records())
    found = [record.request_id for entry in entries for record in decode(entry.record)]
    assert len(found) == len(set(found))
    assert set(requests) <= set(found)
    print(f"seed {seed}: {len(requests)} calls acknowledged before {ROUNDS} kills")


def compare(server: Server, objects: dict[str, bytes], messages: set[str]) -> None:
    """Everything acknowledged is there; of what was not, it may be or not."""
    s3, sqs = client(server, "s3"), client(server, "sqs")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    there = {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
    assert {name: len(body) for name, body in objects.items() if there.get(name) != len(body)} == {}
    for name in Random(1).sample(sorted(objects), 30):
        assert s3.get_object(Bucket="bucket", Key=name)["Body"].read() == objects[name]
    url = f"{server.url}/000000000000/queue"
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert int(found["Attributes"]["ApproximateNumberOfMessages"]) >= len(messages)
