"""A cloud in a thread of the running process: what the pytest plugin and Mesocosm's own tests talk to."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from mesocosm.call.cloud import Cloud, Settings
from mesocosm.services import assemble
from mesocosm.wire import front
from mesocosm.world import World

T = TypeVar("T")


class LocalCloud:
    """A started cloud on a free loopback port, with its own event loop.

    `endpoint` is what clients take as `endpoint_url`. What touches the world runs in its loop: `do` and `run`.
    """

    def __init__(
        self, settings: Settings | None = None, *, directory: Path | None = None, **options: Any
    ) -> None:
        self.settings = settings or Settings()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mesocosm-"))
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mesocosm", daemon=True)
        self._thread.start()
        self.cloud: Cloud
        self.run(self._start())

    async def _start(self) -> None:
        self.world = World.open(self.directory, **self._options)
        self.cloud = assemble(self.world, self.settings)
        self._server = await front.serve(self.cloud, port=0, now=self.world.clock.real)
        self.port = self._server.port

    async def _stop(self) -> None:
        await self._server.stop()
        self.world.close()

    @property
    def endpoint(self) -> str:
        """The URL for a client's `endpoint_url`."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the cloud's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    def do(self, function: Callable[..., T], *values: Any) -> T:
        """Call a function in the cloud's loop and wait for it."""

        async def called() -> T:
            return function(*values)

        return self.run(called())

    # -- time ------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Advance the clock; everything due runs in order, at its own instant."""
        self.run(self.world.clock.advance(seconds))

    def snapshot(self, name: str) -> None:
        """Name this moment."""
        self.do(self.world.snapshot, name)

    def rewind(self, to: str) -> None:
        """Bring the whole cloud back to a named moment."""
        self.do(self.world.rewind, to)

    # -- clients ---------------------------------------------------------------------------------

    def client(
        self,
        service: str,
        *,
        account: str | None = None,
        region: str | None = None,
        credentials: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """A boto3 client: the root user of `account`, or whoever the `credentials` (as STS gives them) belong to."""
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

    def close(self) -> None:
        """Stop the server and the loop; a temporary directory is removed."""
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
