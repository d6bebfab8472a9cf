"""A cloud in a thread of the running process: for the pytest plugin and Mesocosm's own tests."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mesocosm.call.cloud import Cloud, Settings
from mesocosm.cli.door import Door
from mesocosm.services import assemble
from mesocosm.wire import front
from mesocosm.world import Change, Moment, World

T = TypeVar("T")

WAIT_SECONDS = 120


class Served:
    """One cloud at a port of 127.0.0.1; what touches its world runs in its event loop: `do`, `run`.

    The control API answers beside it, so the `mesocosm` command works on it (`--port`).
    """

    world: World
    cloud: Cloud
    port: int

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self._loop = loop

    async def _serve(self, world: World) -> None:
        self.world = world
        self.cloud = assemble(world, self.settings)
        self._server = await front.serve(Door(self.cloud), port=0, now=world.clock.real)
        self.port = self._server.port

    @property
    def endpoint(self) -> str:
        """The URL for a client's `endpoint_url`."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the cloud's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_SECONDS)

    def do(self, function: Callable[..., T], *values: Any) -> T:
        """Call a function in the cloud's loop and wait for it."""

        async def called() -> T:
            return function(*values)

        return self.run(called())

    # -- time ------------------------------------------------------------------------------------

    def now(self) -> float:
        """The cloud's time in epoch seconds."""
        return self.do(self.world.clock.now)

    def advance(self, seconds: float) -> None:
        """Advance the clock; everything due runs in order, at its own instant."""
        self.run(self.world.clock.advance(seconds))

    def snapshot(self, name: str) -> None:
        """Name this moment. Raises `NameTaken`."""
        self.do(self.world.snapshot, name)

    def rewind(self, to: Moment) -> None:
        """Bring the whole cloud back to a moment: a snapshot's name, an ISO 8601 time, epoch
        seconds (float). Raises `UnknownMoment`.
        """
        self.do(self.world.rewind, to)

    def diff(self, a: Moment, b: Moment | None = None) -> list[Change]:
        """The rows that differ between two moments (`b`: now)."""
        return self.do(self.world.diff, a, b)

    @contextmanager
    def fork(self, at: Moment | None = None) -> Iterator[Served]:
        """A second cloud of the same past, at a port of its own; it is thrown away afterwards."""
        fork = Served(self.settings, self._loop)
        world = self.do(self.world.fork, at)
        self.run(fork._serve(world))
        try:
            yield fork
        finally:
            self.run(fork._server.stop())
            self.do(world.discard)

    def why(self, request_id: str) -> dict[str, Any] | None:
        """A call with its decisions explained; None when there was none of that request id."""
        return self.do(self.cloud.explain, request_id)

    # -- clients ---------------------------------------------------------------------------------

    def client(
        self,
        service: str,
        *,
        account: str | None = None,
        region: str | None = None,
        credentials: dict[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """A boto3 client: the root user of `account`, or whoever the `credentials` (as STS and
        CreateAccessKey give them) belong to. Further options are boto3's.
        """
        import boto3  # only where clients are wanted: it takes a third of a second
        from botocore.config import Config

        keys = credentials or {
            "AccessKeyId": account or self.settings.account,
            "SecretAccessKey": "any",
        }
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
        if "config" in options:
            config = config.merge(options.pop("config"))
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region or self.settings.region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=config,
            **options,
        )

    def environment(self, account: str | None = None) -> dict[str, str]:
        """What programs must find in their environment to use this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": account or self.settings.account,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": self.settings.region,
            "AWS_DEFAULT_REGION": self.settings.region,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "MESOCOSM_URL": self.endpoint,
        }


class LocalCloud(Served):
    """A started cloud on a free loopback port, with its own event loop in a thread of its own.

    `options` are those of `World.open`. Without a `directory` nothing is kept.
    """

    def __init__(
        self, settings: Settings | None = None, *, directory: Path | None = None, **options: Any
    ) -> None:
        super().__init__(settings or Settings(), asyncio.new_event_loop())
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mesocosm-"))
        self._thread = threading.Thread(target=self._loop.run_forever, name="mesocosm", daemon=True)
        self._thread.start()
        try:
            world = self.do(lambda: World.open(self.directory, **options))
            self.run(self._serve(world))
        except BaseException:
            self._end()
            raise
        self._beginning = f"{world.branch.name}@{world.position}"
        self._before = {branch.name for branch in world.branches()}
        if self._temporary:
            self.begin_again()  # so that what is named from now on is named on a line that can go

    def begin_again(self) -> None:
        """Back to the moment this cloud was opened; whatever happened since is forgotten, its
        branches and snapshots too. In a cloud of nobody's past it is today all the same: clients
        compare its times with their own.
        """
        self.do(self._begin_again)
        if self._temporary:
            self.run(self._today())

    async def _today(self) -> None:
        clock = self.world.clock
        behind = clock.real() - clock.now()
        if behind > 1:
            await clock.advance(behind)

    def _begin_again(self) -> None:
        world = self.world
        world.rewind(self._beginning)
        kept = self._before | world.store.tips().keys()
        for branch in reversed(world.branches()):  # what came off another was made after it
            if branch.name not in kept:
                world.store.remove(branch.name)
        self.cloud.calls.clear()

    async def _stop(self) -> None:
        await self._server.stop()
        self.world.close()

    def close(self) -> None:
        """Stop the server and the loop; a temporary directory is removed."""
        try:
            self.run(self._stop())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
