"""The control API: who may use it, and what it does to a real world."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesocosm.call.cloud import Cloud, Settings
from mesocosm.cli.control import control
from mesocosm.services import assemble
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.message import Headers, Request
from mesocosm.world import World


class Host:
    """A process that remembers what it was asked."""

    stopped = False

    def facts(self) -> dict[str, Any]:
        return {"url": "http://127.0.0.1:1"}

    def stop(self) -> bool:
        self.stopped = True
        return True

    async def fork(self, at: Any, name: str | None) -> dict[str, Any]:
        return {"at": at, "name": name}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with World.open(tmp_path / "data", seed=1) as world:
        yield assemble(world, Settings())


def ask(
    cloud: Cloud,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    peer: str = "127.0.0.1",
    host: str = "127.0.0.1:4566",
    origin: str | None = None,
    process: Host | None = None,
) -> tuple[int, Any]:
    path, _, query = path.partition("?")
    fields = [("host", host)] + ([("origin", origin)] if origin is not None else [])
    payload = MemoryBody(json.dumps(body).encode() if body is not None else b"", None)
    request = Request(
        method, f"/_mesocosm/{path}", query, Headers(fields), payload, peer, secure=False
    )
    response = asyncio.run(control(cloud, request, process or Host()))
    assert isinstance(response.body, bytes)
    if "ndjson" in dict(response.headers)["content-type"]:
        return response.status, [json.loads(line) for line in response.body.splitlines()]
    return response.status, json.loads(response.body)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4566", "localhost", "localhost:4566", "[::1]:4566", "s3.localhost:80"]
)
def test_local_names_are_answered(cloud: Cloud, host: str) -> None:
    assert ask(cloud, "GET", "health", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "a@localhost", "x"],
)
def test_other_names_are_refused(cloud: Cloud, host: str) -> None:
    assert ask(cloud, "GET", "health", host=host)[0] == 403


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "", "fe80::1"])
def test_other_machines_are_refused(cloud: Cloud, peer: str) -> None:
    assert ask(cloud, "GET", "health", peer=peer)[0] == 403


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_answered(cloud: Cloud, peer: str) -> None:
    assert ask(cloud, "GET", "health", peer=peer)[0] == 200


@pytest.mark.parametrize(
    "origin", ["null", "https://example.com", "http://localhost.example.com", ""]
)
def test_pages_of_other_sites_are_refused(cloud: Cloud, origin: str) -> None:
    assert ask(cloud, "POST", "reset", {}, origin=origin)[0] == 403


def test_a_local_page_is_answered(cloud: Cloud) -> None:
    assert ask(cloud, "GET", "health", origin="http://localhost:3000")[0] == 200


def test_unknown_paths_and_methods(cloud: Cloud) -> None:
    status, told = ask(cloud, "GET", "nothing")
    assert (status, told["error"]) == (404, "NotFound")
    assert ask(cloud, "GET", "reset")[0] == 405
    assert ask(cloud, "GET", "health/more")[0] == 404


def test_rewind_brings_the_rows_and_the_clock_back(cloud: Cloud) -> None:
    assert ask(cloud, "POST", "snapshot", {"name": "before"})[0] == 200
    status, moved = ask(cloud, "POST", "clock", {"do": "advance", "value": "24h"})
    assert status == 200
    assert moved["now"] - moved["real"] == pytest.approx(86_400, abs=60)
    assert ask(cloud, "GET", "diff?a=before")[1] == {"changes": []}
    status, told = ask(cloud, "GET", "diff?a=before&all=1")
    assert [change["table"] for change in told["changes"]] == ["world.clock"]
    status, told = ask(cloud, "POST", "rewind", {"to": "before"})
    assert status == 200
    assert told["clock"]["now"] < moved["now"] - 86_000
    assert len(ask(cloud, "GET", "branches")[1]["branches"]) == 2


def test_the_clock_pauses_and_goes_only_forward(cloud: Cloud) -> None:
    assert ask(cloud, "POST", "clock", {"do": "pause"})[1]["paused"]
    status, told = ask(cloud, "POST", "clock", {"do": "at", "value": "2001-01-01"})
    assert (status, told["error"]) == (400, "BackInTime")
    assert not ask(cloud, "POST", "clock", {"do": "resume"})[1]["paused"]
    for verb, value in (("advance", "100000000000d"), ("at", "9999-01-01")):
        status, told = ask(cloud, "POST", "clock", {"do": verb, "value": value})
        assert (status, told["error"]) == (400, "BeyondTime")
    for verb, value in (("advance", "-5m"), ("advance", "5 bananas"), ("rate", "nan"), ("do", "")):
        assert ask(cloud, "POST", "clock", {"do": verb, "value": value})[0] == 400


def test_an_unknown_point_names_those_there_are(cloud: Cloud) -> None:
    ask(cloud, "POST", "snapshot", {"name": "before"})
    status, told = ask(cloud, "POST", "rewind", {"to": "befor"})
    assert status == 404
    assert "before" in told["next"]


def test_beyond_history_names_the_earliest_instant(cloud: Cloud) -> None:
    status, told = ask(cloud, "POST", "rewind", {"to": "2001-01-01"})
    assert (status, told["error"]) == (410, "BeyondHistory")


def test_a_snapshot_is_not_named_like_an_instant(cloud: Cloud) -> None:
    assert ask(cloud, "POST", "snapshot", {"name": "09:30"})[1]["error"] == "BadName"
    assert ask(cloud, "POST", "snapshot", {"name": " x"})[0] == 400


def test_fork_and_shutdown_reach_the_process(cloud: Cloud) -> None:
    process = Host()
    assert ask(cloud, "POST", "fork", {"name": "b"}, process=process)[1] == {"at": 0, "name": "b"}
    assert ask(cloud, "POST", "shutdown", process=process)[1]["stopping"]
    assert process.stopped


def test_reset_empties_the_cloud(cloud: Cloud) -> None:
    ask(cloud, "POST", "snapshot", {"name": "before"})
    ask(cloud, "POST", "clock", {"do": "advance", "value": "24h"})
    assert ask(cloud, "POST", "reset")[1] == {"reset": True}
    told = ask(cloud, "GET", "clock")[1]
    assert told["now"] == pytest.approx(told["real"], abs=60)
    assert ask(cloud, "POST", "snapshot", {"name": "before"})[0] == 200, "the name is free again"


def test_an_unknown_request_is_said_to_be_unknown(cloud: Cloud) -> None:
    assert ask(cloud, "GET", "why/nothing")[1]["error"] == "UnknownRequest"
    assert ask(cloud, "GET", "calls") == (200, [])


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 10_000])
def test_a_broken_body_is_refused(cloud: Cloud, body: bytes) -> None:
    request = Request(
        "POST",
        "/_mesocosm/clock",
        "",
        Headers([("host", "localhost")]),
        MemoryBody(body, None),
        "127.0.0.1",
        secure=False,
    )
    assert asyncio.run(control(cloud, request)).status == 400


def test_a_difference_hides_secrets(cloud: Cloud) -> None:
    cloud.wake("iam")
    rows = importlib.import_module("mesocosm.services.iam.resources.rows")
    ask(cloud, "POST", "snapshot", {"name": "before"})
    key = rows.AccessKey(
        id="AKIAX", secret="very secret", account="000000000000", user="", created=1.0
    )
    with cloud.world.transaction():
        cloud.world.rows(rows.access_keys, *rows.PARTITION_WIDE)["AKIAX"] = key
    [change] = ask(cloud, "GET", "diff?a=before")[1]["changes"]
    assert (change["key"], change["old"]) == ("AKIAX", None)
    assert change["new"]["id"] == "AKIAX"
    assert "very secret" not in json.dumps(change)
