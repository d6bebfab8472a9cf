"""One request and its answer on a connection.

Most calls are short: the body has come with the head or right after it, and the call waits for
nothing but the journal. Such an exchange costs no task and no future: `App.answer` is called as
soon as the body is whole, and hands the answer over after the commit. A long body, a long poll and
a streamed answer each run in a task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mesocosm.wire.body import EMPTY, MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.wire.inflow import Inflow
from mesocosm.wire.message import Response, Stream
from mesocosm.wire.sending import CONTINUE, bodiless, head

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from mesocosm.wire.body import FileBody
    from mesocosm.wire.connection import Connection
    from mesocosm.wire.front import Admission
    from mesocosm.wire.message import Request

log = logging.getLogger("mesocosm.wire")

SHORT = 64 << 10
"""Bytes of a body that are waited for without a task."""
BATCH = 1 << 20
"""Bytes of a long body that are decoded, hashed and written at once."""
UNKNOWN = -1

_REQUEST_ID = ("x-amzn-requestid", "x-amz-request-id")
_LAST = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b"<Error><Code>InternalFailure</Code><Message>An internal error occurred.</Message></Error>"
)


class Exchange:
    """`size` is what the head announces of the body, in bytes (`UNKNOWN`: it comes in chunks)."""

    # What an exchange begins with stands here: it is set anew only where it changes.
    keep_alive = True
    http10 = False
    expects = False
    """The client waits for `100 Continue`."""
    begun = False
    answered = False
    """At least the head of the answer has been sent."""
    waits = False
    """The call waits for something to happen."""
    buffered = 0
    _admission: Admission | None = None
    _inflow: Inflow | None = None
    _body: MemoryBody | FileBody = EMPTY
    _reader: asyncio.Future[None] | None = None
    _task: asyncio.Task[None] | None = None
    _drain = UNKNOWN
    """Bytes of a refused body that are still read and thrown away."""
    _called = False
    _over = False

    def __init__(self, connection: Connection, request: Request, size: int) -> None:
        self.request = request
        self.size = size
        self.complete = size == 0
        """The body has been received."""
        self._connection = connection
        self._parts: list[bytes] = []

    @property
    def receiving(self) -> bool:
        """Whether the client is expected to send."""
        return not self.complete and (not self.answered or self._drain >= 0)

    # -- the body ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """The head is there, and it is this request's turn."""
        self.begun = True
        connection, request = self._connection, self.request
        try:
            self._admission = admission = connection.app.head(request)
            if self.size:
                self._inflow = Inflow(request, admission, self.size)
            elif request.method in ("PUT", "POST"):
                # An empty body, which can be kept and has a hash of its own.
                request.body = Inflow(request, admission, 0).whole(b"")
        except Exception as error:
            self.refuse(error)
            return
        if self.complete and self.buffered <= SHORT:
            self._whole()
            return
        if self.expects and not self.buffered:
            connection.write(CONTINUE)
        if not 0 <= self.size <= SHORT:
            self._task = connection.loop.create_task(self._long())

    def more(self, data: bytes) -> None:
        """A piece of the body."""
        if self._drain >= 0:
            self._drain -= len(data)
            if self._drain < 0:
                self._connection.close()
            return
        self._parts.append(data)
        self.buffered += len(data)
        if self.buffered >= BATCH:
            self._wake()

    def end(self) -> None:
        """The body is whole."""
        self.complete = True
        if self._drain >= 0:
            self._connection.close()
        elif self._task is not None:
            self._wake()
        elif self.begun and not self.answered:
            self._whole()

    def _whole(self) -> None:
        if self.size:
            assert self._inflow is not None
            parts = self._parts
            try:
                self._body = self.request.body = self._inflow.whole(
                    parts[0] if len(parts) == 1 else b"".join(parts)
                )
            except Exception as error:
                self._inflow.discard()
                self.reply(error)
                return
        self._call()

    async def _long(self) -> None:
        """Receive a body in pieces, then call."""
        try:
            self._body = self.request.body = await self._received()
        except Exception as error:
            if self.complete:
                self.reply(error)
            else:
                self.refuse(error)
            return
        self._task = None
        self._call()

    async def _received(self) -> MemoryBody | FileBody:
        loop, inflow = self._connection.loop, self._inflow
        assert inflow is not None
        writing: asyncio.Future[None] | None = None
        try:
            while True:
                if self.buffered < BATCH and not self.complete:
                    self._reader = loop.create_future()
                    await self._reader
                if writing is not None:
                    await writing  # no faster than the disk takes it
                    writing = None
                data, last = self._taken(), self.complete
                if inflow.heavy(len(data)):
                    writing = loop.run_in_executor(None, inflow.feed, data)
                else:
                    inflow.feed(data)
                if last:
                    break
            if writing is not None:
                await writing
                writing = None
            return inflow.finish()
        except BaseException:
            if writing is not None:
                await asyncio.wait([writing])
                writing.exception()
            inflow.discard()
            raise

    def _taken(self) -> bytes:
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.buffered = 0
        self._connection.balance()
        return data

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # -- the call ----------------------------------------------------------------------------------

    def _call(self) -> None:
        assert self._admission is not None
        self._called = True
        try:
            waiting = self._connection.app.answer(self.request, self._admission, self.reply)
        except Exception as error:
            self.reply(error)
            return
        if waiting is not None:
            self.waits = True
            self._task = self._connection.loop.create_task(self._wait(waiting))

    async def _wait(self, waiting: Coroutine[Any, Any, Response]) -> None:
        try:
            response: Response | Exception = await waiting
        except Exception as error:
            response = error
        self._task = None
        self.reply(response)

    # -- the answer --------------------------------------------------------------------------------

    def reply(self, response: Response | Exception) -> None:
        """Send the answer, or that of `App.fault` for what went wrong."""
        if isinstance(response, Exception):
            response = self._fault(response)
        connection = self._connection
        if connection.gone:
            self.finish()
            return
        self.answered = True
        body = response.body
        if isinstance(body, Stream):
            self._task = connection.loop.create_task(self._stream(response, body))
            return
        keep = self.keep_alive and not connection.ending
        data = head(response, connection.date, len(body), keep_alive=keep)
        if self.request.method == "HEAD" or bodiless(response.status):
            connection.write(data)
        else:
            connection.write(data + body)
        self.finish()

    def finish(self) -> None:
        """It is over, answered or not."""
        if not self._over:
            self._over = True
            self._body.close()
            self._connection.done(self)

    def abandon(self) -> None:
        """The client is gone: what still waits for something is cancelled. What has been done is
        only waiting for the journal, and ends by itself."""
        if self._task is not None:
            self._task.add_done_callback(lambda _: self.finish())
            self._task.cancel()
        elif not self._called:
            self.finish()

    def refuse(self, error: Exception) -> None:
        """Answer a request whose body is not read. The connection ends with it: what follows is
        body or nothing."""
        self._parts.clear()
        if self.complete:
            self.reply(error)
            return
        connection, unsent = self._connection, self.expects and not self.buffered
        self.buffered = 0
        response = self._fault(error)
        if not connection.gone:
            self.answered = True
            body = response.body if isinstance(response.body, bytes) else b""
            data = head(response, connection.date, len(body), keep_alive=False)
            connection.write(data + (b"" if self.request.method == "HEAD" else body))
        if unsent:
            connection.close()
        else:
            # Closing at once would reset the connection, and the client might never see the answer.
            self._drain = connection.limits.drain
        self._task = None
        connection.balance()

    def _fault(self, error: Exception) -> Response:
        app, request = self._connection.app, self.request
        try:
            response = app.fault(error, request)
        except Exception as worse:
            log.exception("an error could not be answered: %s %s", request.method, request.path)
            error, response = worse, Response(500, [("content-type", "application/xml")], _LAST)
        if not isinstance(error, AwsError):
            found = [v for n, v in response.headers if n.lower() in _REQUEST_ID]
            if response.status == 500:
                log.error("unhandled error in request %s", "".join(found[:1]), exc_info=error)
            else:  # the app knows what it is, such as a full disk: no traceback for each upload
                log.warning("request %s was refused: %s", "".join(found[:1]), error)
        return response

    async def _stream(self, response: Response, stream: Stream) -> None:
        """Send piece by piece, no faster than the client reads; stop when it is gone."""
        connection, chunks, left = self._connection, stream.chunks, stream.size
        chunked = left is None and not self.http10
        self.keep_alive = self.keep_alive and (chunked or left is not None)
        keep = self.keep_alive and not connection.ending
        try:
            connection.write(
                head(response, connection.date, left, keep_alive=keep, chunked=chunked)
            )
            if self.request.method != "HEAD" and not bodiless(response.status):
                async for piece in chunks:
                    if left is not None:
                        left -= len(piece)
                        if left < 0:
                            raise RuntimeError("a stream is longer than announced")
                    if chunked and piece:
                        piece = b"%x\r\n%b\r\n" % (len(piece), piece)
                    connection.write(piece)
                    await connection.drained()
                if left:
                    raise RuntimeError("a stream is shorter than announced")
                if chunked:
                    connection.write(b"0\r\n\r\n")
        except Exception:
            # The head is out: only a broken connection tells the client that this is not all.
            log.exception("an answer broke off: %s %s", self.request.method, self.request.path)
            connection.transport.abort()
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()
        self._task = None
        self.finish()
