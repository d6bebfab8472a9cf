"""The HTTP front: bytes from sockets become Requests, Responses become bytes.

A raw ASGI application on uvicorn's httptools protocol. Nothing outside this file and `connection`
knows that. A request has two moments: its head (before the body is read, so that a refused client
is answered before it sends 5 GB) and the call.
"""

from __future__ import annotations

import asyncio
import logging
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Protocol

import uvicorn
from uvicorn.server import ServerState

from mesocosm.wire.authfaults import dialect
from mesocosm.wire.body import EMPTY, IN_MEMORY, MemoryBody, Receiver, announced, trailer_names
from mesocosm.wire.chunked import Decoder
from mesocosm.wire.connection import Connection, Limits
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Headers, Request, Response, Stream
from mesocosm.wire.sigv4 import payload_mismatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mesocosm.wire.body import Blobs, FileBody
    from mesocosm.wire.chunked import Chain
    from mesocosm.wire.claims import Payload, Signature

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["Admission", "App", "Limits", "Server", "serve"]

log = logging.getLogger("mesocosm.wire")

_BATCH = 1 << 20
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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

    async def head(self, request: Request) -> Admission:
        """Look at the head of a request (its body is empty as yet). Raising refuses it unread."""

    async def call(self, request: Request, admission: Admission) -> Response:
        """Answer the whole request."""

    def fault(self, error: Exception, request: Request) -> Response:
        """The answer for what `head`, `call` or the reading of the body raised."""


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
    """A listening front."""

    def __init__(self, app: App, limits: Limits, now: Callable[[], float]) -> None:
        self.port = 0
        self._limits = limits
        self._now = now
        self._state = ServerState()
        self._config = uvicorn.Config(
            _Front(app, limits),
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="error",  # what a client sends is no reason for a line in the log
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=limits.keep_alive,  # type: ignore[arg-type]
        )
        self._config.load()
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self._config, self._state, self._limits, loop),
            host,
            port,
            backlog=2048,
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        self._tick(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        limits = self._limits
        self._state.default_headers = [(b"date", formatdate(self._now(), usegmt=True).encode())]
        now = loop.time()
        for connection in list(self._state.connections):
            if isinstance(connection, Connection):
                connection.watch(now)
        pause = min(1.0, limits.header_timeout, limits.body_timeout, limits.write_timeout)
        self._timer = loop.call_later(pause, self._tick, loop)

    async def stop(self) -> None:
        """Stop listening, let running requests end within the grace time, close every
        connection."""
        if self._listener is None:
            return
        self._listener.close()
        connections = [c for c in self._state.connections if isinstance(c, Connection)]
        for connection in connections:
            connection.shutdown()
        tasks = set(self._state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._limits.grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for connection in connections:
            connection.transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        await self._listener.wait_closed()
        self._listener = None


class _Gone(Exception):
    """The client hung up, or was hung up on."""


class _Front:
    """The ASGI application."""

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        items = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
        peer = scope["client"]
        request = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            Headers(items),
            EMPTY,
            peer[0] if peer else "",
            scope["scheme"] == "https",
        )
        headers = request.headers
        unread = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        body: MemoryBody | FileBody = EMPTY
        try:
            try:
                admission = await self._app.head(request)
                if unread:
                    body = request.body = await self._receive(request, admission, receive)
                    unread = False
                    _check_payload(request, admission)
                elif request.method in ("PUT", "POST"):
                    request.body = MemoryBody(b"", admission.blobs)  # which can be kept
                    _check_payload(request, admission)
                response = await self._app.call(request, admission)
            except _Gone:
                return
            except Exception as error:
                response = self._fault(error, request)
            if unread:
                await self._refuse(response, request, receive, send)
            else:
                await _send(response, request, send, scope["connection"])
        finally:
            body.close()

    def _fault(self, error: Exception, request: Request) -> Response:
        try:
            response = self._app.fault(error, request)
        except Exception as worse:
            log.exception("an error could not be answered: %s %s", request.method, request.path)
            error, response = worse, Response(500, [("content-type", "application/xml")], _LAST)
        if not isinstance(error, AwsError):
            found = [v for n, v in response.headers if n.lower() in _REQUEST_ID]
            log.error("unhandled error in request %s", "".join(found[:1]), exc_info=error)
        return response

    async def _receive(
        self, request: Request, admission: Admission, receive: Receive
    ) -> MemoryBody | FileBody:
        """Read the payload. Raises AwsError for what is too large, incomplete or wrongly
        encoded."""
        decoder = _decoder(request, admission)
        if decoder is None:
            _check_size(request, admission, int(request.headers.get("content-length") or 0))
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        if decoder is None and not message["more_body"] and len(message["body"]) <= IN_MEMORY:
            _check_size(request, admission, len(message["body"]))
            return MemoryBody(message["body"], admission.blobs)
        inflow = _Inflow(request, admission, decoder)
        try:
            return await inflow.run(message, receive)
        except BaseException:
            inflow.receiver.discard()
            raise

    async def _refuse(
        self, response: Response, request: Request, receive: Receive, send: Send
    ) -> None:
        """Answer a request whose body was not read. The connection ends with it: what follows is
        body or nothing."""
        response.headers.append(("connection", "close"))
        expects = (request.headers.get("expect") or "").lower() == "100-continue"
        payload = response.body if isinstance(response.body, bytes) else b""
        await send(_start(response, request, len(payload)))
        if not expects:
            # Closing at once would reset the connection, and the client might never see the answer.
            await send({"type": "http.response.body", "body": payload, "more_body": True})
            payload, left = b"", self._limits.drain
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message["more_body"]:
                    break
                left -= len(message["body"])
        await send({"type": "http.response.body", "body": payload, "more_body": False})


_REQUEST_ID = ("x-amzn-requestid", "x-amz-request-id")
_LAST = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b"<Error><Code>InternalFailure</Code><Message>An internal error occurred.</Message></Error>"
)


class _Inflow:
    """Reads a body that does not come in one piece, decoding, hashing and writing it off the event
    loop."""

    def __init__(self, request: Request, admission: Admission, decoder: Decoder | None) -> None:
        self.request = request
        self.admission = admission
        self.decoder = decoder
        self.receiver = Receiver(admission.blobs, announced(request.headers))

    async def run(self, message: Message, receive: Receive) -> MemoryBody | FileBody:
        loop = asyncio.get_running_loop()
        writing: asyncio.Future[None] | None = None
        parts: list[bytes] = []
        held = seen = 0
        try:
            while True:
                parts.append(message["body"])
                held += len(message["body"])
                seen += len(message["body"])
                if held >= _BATCH or not message["more_body"]:
                    if writing is not None:
                        await writing  # no faster than the disk takes it
                        writing = None
                    batch = b"".join(parts)
                    parts, held = [], 0
                    if seen <= IN_MEMORY:
                        self.feed(batch)
                    else:
                        writing = loop.run_in_executor(None, self.feed, batch)
                if not message["more_body"]:
                    break
                message = await receive()
                if message["type"] != "http.request":
                    raise _Gone
            if writing is not None:
                await writing
                writing = None
        finally:
            if writing is not None:
                await asyncio.wait([writing])
                writing.exception()
        return self.finish()

    def feed(self, data: bytes) -> None:
        """Runs in a worker thread once the body is large."""
        if self.decoder is None:
            self.receiver.write(data)
        else:
            for piece in self.decoder.feed(data):
                self.receiver.write(piece)
        _check_size(self.request, self.admission, self.receiver.size)

    def finish(self) -> MemoryBody | FileBody:
        if self.decoder is not None:
            self.decoder.finish()
            self.request.trailers = self.decoder.trailers
        return self.receiver.finish()


def _decoder(request: Request, admission: Admission) -> Decoder | None:
    payload = admission.payload
    if payload is None or not payload.chunked:
        return None
    stated = request.headers.get("x-amz-decoded-content-length")
    if stated is None:
        raise AwsError(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", status=411
        )
    if not stated.isdecimal() or len(stated) > 15:
        raise AwsError(
            "InvalidArgument",
            "x-amz-decoded-content-length must be a non-negative number",
            status=400,
            ArgumentName="x-amz-decoded-content-length",
            ArgumentValue=stated,
        )
    _check_size(request, admission, int(stated))
    chain = admission.chain if payload.signed_chunks else None
    if payload.signed_chunks and admission.signature is None:
        raise AwsError("AccessDenied", "Access Denied", status=403)  # nobody to have signed them
    names = trailer_names(request.headers) if payload.trailer else frozenset()
    return Decoder(int(stated), chain, names)


def _check_size(request: Request, admission: Admission, size: int) -> None:
    if size <= admission.limit:
        return
    signature = admission.signature
    spoken = dialect(request, signature.service if signature is not None else "")
    if spoken == "s3":
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            status=400,
            ProposedSize=str(size),
            MaxSizeAllowed=str(admission.limit),
        )
    code = (
        "RequestEntityTooLarge" if spoken in ("query", "ec2") else "RequestEntityTooLargeException"
    )
    raise AwsError(code, f"Request must be smaller than {admission.limit} bytes", status=413)


def _check_payload(request: Request, admission: Admission) -> None:
    payload = admission.payload
    if payload is not None and payload.sha256 and payload.sha256 != request.body.sha256:
        raise payload_mismatch(request, admission.signature, request.body.sha256)


def _start(response: Response, request: Request, size: int | None) -> Message:
    """The head of an answer. Adds content-length unless the application gave it (HEAD of an object
    does)."""
    bodiless = response.status in (204, 304) or response.status < 200
    headers = []
    sized = bodiless
    for name, value in response.headers:
        name = name.lower()
        if name == "content-length":
            if bodiless:
                continue
            sized = True
        if not value.isprintable():
            value = _CONTROL.sub(" ", value)
        try:
            headers.append((name.encode("ascii"), value.encode("latin-1")))
        except UnicodeEncodeError:
            headers.append((name.encode("ascii"), value.encode()))
    if not sized and size is not None:
        headers.append((b"content-length", b"%d" % size))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send(response: Response, request: Request, send: Send, connection: Connection) -> None:
    body = response.body
    if isinstance(body, Stream):
        await _send_stream(response, body, request, send, connection)
        return
    await send(_start(response, request, len(body)))
    if request.method == "HEAD" or response.status in (204, 304):
        body = b""
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_stream(
    response: Response, stream: Stream, request: Request, send: Send, connection: Connection
) -> None:
    """Send piece by piece, no faster than the client reads (`send` waits); stop when it is gone."""
    chunks = stream.chunks
    try:
        await send(_start(response, request, stream.size))
        if request.method != "HEAD" and response.status not in (204, 304):
            async for piece in chunks:
                if connection.gone:
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
