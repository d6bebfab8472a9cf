"""`kill -9` while records are gathered: each that was acknowledged is delivered, once."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.fuzz.kit import Server
from tests.services.firehose.support import Stand


class Remote:
    """A server as `cloud` is used here: its clock is advanced through the control API."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def advance(self, seconds: float) -> None:
        body = json.dumps({"do": "advance", "value": seconds}).encode()
        request = urllib.request.Request(
            f"{self.server.url}/_mesocosm/clock",
            body,
            {"Content-Type": "application/json", "X-Mesocosm": "1"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


def clients(server: Server) -> Callable[[str], Any]:
    """boto3's clients of a server."""
    options: dict[str, Any] = {
        "endpoint_url": server.url,
        "region_name": "us-east-1",
        "aws_access_key_id": "000000000000",
        "aws_secret_access_key": "any",
        "config": Config(s3={"addressing_style": "path"}),
    }
    return lambda service: boto3.client(service, **options)


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """The servers that were started; the last one is ended."""
    started: list[Server] = []
    yield started
    for server in started:
        if server.process.poll() is None:
            server.close()


def test_what_was_gathered_survives_a_crash(tmp_path: Path, servers: list[Server]) -> None:
    servers.append(Server(tmp_path / "data"))
    remote: Any = Remote(servers[0])
    stand = Stand(remote, clients(servers[0]))
    stand.create()
    for number in range(50):
        stand.put(f"{number}\n", "x" * 20_000 + "\n")
    servers[0].kill()
    servers.append(Server(tmp_path / "data"))
    remote.server = servers[1]
    client = clients(servers[1])
    stand.firehose, stand.s3 = client("firehose"), client("s3")
    stand.put("after\n")
    (body,) = stand.deliver(301).values()
    lines = [line for line in body.decode().splitlines() if not line.startswith("x")]
    assert lines == [*map(str, range(50)), "after"]
    assert len(stand.deliver(301)) == 1
