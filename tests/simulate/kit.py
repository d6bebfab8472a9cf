"""What the simulation stands on: boto3 without a network, a disk that fails, a world laid open."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from mesocosm.call.cloud import Cloud, Settings
from mesocosm.services import assemble
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.message import Headers, Request, Response
from mesocosm.world import Files, World
from mesocosm.world.table import table_named

REGION = "us-east-1"
Dump = dict[tuple[str, str, str], dict[Any, Any]]


class Died(Exception):
    """The process came to its end in the middle of a call."""


class Disk(Files):
    """A disk that can be full, or stop in the middle of a write as a killed process does.

    `full`: every write fails. `stop_after`: the writes left until the process dies, the last of
    them cut to the share `cut` of its bytes.
    """

    def __init__(self) -> None:
        self.full = False
        self.stop_after: int | None = None
        self.cut = 0.5
        self.dead = False

    def open(self, path: Path, flags: int) -> int:
        self._alive()
        return super().open(path, flags)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._alive()
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after < 0:
                self.dead = True
                super().write(descriptor, data[: int(len(data) * self.cut)])
                self._alive()
        return super().write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._alive()
        super().truncate(descriptor, size)

    def replace(self, source: Path, target: Path) -> None:
        self._alive()
        super().replace(source, target)

    def _alive(self) -> None:
        if self.dead:
            raise OSError(errno.EIO, "the process is dead")


class RealTime:
    """A real clock that ticks with every reading, and can be set wrong."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Machine:
    """A cloud on a directory, called by unmodified boto3 clients without sockets."""

    def __init__(self, directory: Path, seed: int, real: Callable[[], float]) -> None:
        self.directory = directory
        self.real = real
        self.loop = asyncio.new_event_loop()
        self.disk = Disk()
        self.cloud: Cloud
        self._seed = seed
        self._clients: dict[tuple[str, str], Any] = {}
        self.start()

    def start(self) -> None:
        """Open the directory as a new process would."""
        self.disk = Disk()
        self.world = self.run(self._open)
        self.found = dump(self.world)
        self.cloud = self.run(lambda: assemble(self.world, Settings()))

    def _open(self) -> World:
        return World.open(self.directory, seed=self._seed, files=self.disk, real=self.real)

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a function in the loop, and let the loop's turn end."""

        async def turn() -> Any:
            found = function()
            if asyncio.iscoroutine(found):
                found = await found
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return found

        return self.loop.run_until_complete(turn())

    def abandon(self) -> None:
        """What is left when a process is killed: the files, and the lock given back."""
        world = self.world
        self.disk.dead = True

        async def end() -> None:
            world.clock.stop()
            world._keeper.stop()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        self.loop.run_until_complete(end())
        world._commits.journal.rotate()
        world.store.leave(world)

    def close(self) -> None:
        """End in order."""
        self.run(self.world.close)
        self.loop.close()

    # -- calls -----------------------------------------------------------------------------------

    def client(self, service: str, keys: dict[str, Any]) -> Any:
        """A boto3 client; kept, since it takes milliseconds to make."""
        name = (service, keys["AccessKeyId"])
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = boto3.client(
                service,
                endpoint_url="http://127.0.0.1:4566",
                region_name=REGION,
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys.get("SessionToken"),
                config=Config(
                    s3={"addressing_style": "path"},
                    retries={"total_max_attempts": 1},
                    parameter_validation=False,
                ),
            )
            client._endpoint.http_session = self
        return client

    def send(self, prepared: AWSPreparedRequest) -> AWSResponse:
        """botocore's HTTP session: the request, and the answer once it may leave."""
        request = wire_request(prepared, self.world)
        response = self.loop.run_until_complete(self._call(request))
        if self.disk.dead:
            raise Died
        body = response.body
        assert isinstance(body, bytes)
        headers = dict(response.headers)
        return AWSResponse(prepared.url, response.status, headers, Raw(body))

    async def _call(self, request: Request) -> Response:
        try:
            admission = self.cloud.head(request)
            answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

            def reply(answer: Response | BaseException) -> None:
                if isinstance(answer, BaseException):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)

            waiting = self.cloud.answer(request, admission, reply)
            return await (waiting if waiting is not None else answered)
        except Exception as error:
            return self.cloud.fault(error, request)


class Raw(io.BytesIO):
    """A body as urllib3 would give it."""

    def stream(self, size: int = 65536, decode_content: bool = False) -> Any:
        while data := self.read(size):
            yield data


def wire_request(prepared: AWSPreparedRequest, world: World) -> Request:
    """The request as the front would hand it over."""
    url = urlsplit(prepared.url)
    body = prepared.body or b""
    if hasattr(body, "read"):
        body = body.read()
    data = body.encode() if isinstance(body, str) else bytes(body)
    fields = [] if "host" in prepared.headers else [("host", url.netloc)]
    for name, value in prepared.headers.items():
        fields.append((name.lower(), value.decode() if isinstance(value, bytes) else str(value)))
    memory = MemoryBody(data, world.blobs)
    return Request(
        prepared.method, url.path or "/", url.query, Headers(fields), memory, "127.0.0.1", False
    )


def dump(world: World) -> Dump:
    """Every row of every table."""
    found: Dump = {}
    for name in world.tables_in_use():
        table = table_named(name)
        if table is None:
            continue
        for account, region, rows in world.cells(table):
            found[name, account, region] = dict(rows)
    return found


def differences(a: Dump, b: Dump) -> list[str]:
    """Where two dumps differ, for people."""
    found = []
    for cell in sorted(a.keys() | b.keys()):
        ours, theirs = a.get(cell, {}), b.get(cell, {})
        found += [
            f"{cell} {key}: {ours.get(key)} / {theirs.get(key)}"
            for key in sorted(ours.keys() | theirs.keys(), key=repr)
            if ours.get(key) != theirs.get(key)
        ]
    return found
