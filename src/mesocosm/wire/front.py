"""The HTTP front: bytes from sockets become Requests, Responses become bytes.

Nothing outside `front`, `connection`, `exchange` and `sending` knows HTTP. A request has two
moments: its head (before the body is read, so that a refused client is answered before it sends
5 GB) and the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Protocol, cast

from mesocosm.wire.connection import Connection
from mesocosm.wire.limits import Limits
from mesocosm.wire.message import Request, Response

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mesocosm.wire.body import Blobs
    from mesocosm.wire.chunked import Chain
    from mesocosm.wire.message import Request, Response
    from mesocosm.wire.signature import Payload, Signature


__all__ = ["Admission", "App", "Limits", "Reply", "Server", "serve"]

Reply = Callable[[Response | Exception], None]
"""Sends the answer, or that of `App.fault` for an exception."""


class Admission:
    """What the front must know to read a body, decided from the head of the request.

    `limit` bounds the payload in bytes; `payload` says how it is bound to the `signature`; `chain`
    proves signed chunks (without it they are taken unproven: for keys whose secret nobody knows);
    `blobs` is where a large payload is spooled; `context` is the application's own.
    """

    __slots__ = ("blobs", "chain", "context", "limit", "payload", "signature")

    def __init__(
        self,
        limit: int,
        *,
        payload: Payload | None = None,
        signature: Signature | None = None,
        chain: Chain | None = None,
        blobs: Blobs | None = None,
        context: Any = None,
    ) -> None:
        self.limit = limit
        self.payload = payload
        self.signature = signature
        self.chain = chain
        self.blobs = blobs
        self.context = context


class App(Protocol):
    """What stands behind the front."""

    def head(self, request: Request) -> Admission:
        """Look at the head of a request (its body is empty as yet). Raising refuses it unread."""

    def answer(
        self, request: Request, admission: Admission, reply: Reply
    ) -> Coroutine[Any, Any, Response] | None:
        """Answer the whole request: call `reply` once, now or later, and return None; or return
        what waits for the answer, to be run as a task and cancelled when the client leaves."""

    def fault(self, error: Exception, request: Request) -> Response:
        """The answer for what `head`, `answer` or the reading of the body raised. An `AwsError` is
        meant for the client; everything else is logged."""


async def serve(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int,
    limits: Limits | None = None,
    now: Callable[[], float],
) -> Server:
    """Listen and serve until `Server.stop()`. Port 0 takes a free one. `now` gives real epoch
    seconds (Date header).

    Raises OSError when the port is taken.
    """
    server = Server(app, limits or Limits(), now)
    await server.start(host, port)
    return server


class Server:
    """A listening front. `busy` counts the requests that are under way."""

    def __init__(self, app: App, limits: Limits, now: Callable[[], float]) -> None:
        self.app = app
        self.limits = limits
        self.port = 0
        self.connections: set[Connection] = set()
        self.busy = 0
        self.date = b""
        self._now = now
        self._idle: asyncio.Event | None = None
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._tick(loop)
        try:
            self._listener = await loop.create_server(
                lambda: cast(asyncio.Protocol, Connection(self, loop)), host, port, backlog=2048
            )
        except BaseException:
            self._stop_ticking()
            raise
        self.port = self._listener.sockets[0].getsockname()[1]

    def ended(self) -> None:
        """A request is over."""
        self.busy -= 1
        if not self.busy and self._idle is not None:
            self._idle.set()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        limits, now = self.limits, loop.time()
        self.date = b"date: %b\r\n" % formatdate(self._now(), usegmt=True).encode()
        for connection in tuple(self.connections):
            connection.watch(now)
        pause = min(1.0, limits.header_timeout, limits.body_timeout, limits.write_timeout)
        self._timer = loop.call_later(pause, self._tick, loop)

    def _stop_ticking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def stop(self) -> None:
        """Stop listening, let running requests end within the grace time, close every
        connection."""
        if self._listener is None:
            return
        self._listener.close()
        self._idle = asyncio.Event()
        for connection in tuple(self.connections):
            connection.shut()
        await self._until_idle()
        for connection in tuple(self.connections):
            connection.transport.abort()
        await self._until_idle()  # what had been cancelled cleans up
        self._stop_ticking()
        await self._listener.wait_closed()
        self._listener = None

    async def _until_idle(self) -> None:
        if self.busy and self._idle is not None:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), self.limits.grace)
