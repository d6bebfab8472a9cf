"""One request and its answer on a connection.

Most calls are short: the body has come with the head or right after it, and the call waits for
nothing but the journal. Such an exchange costs no task and no future: `App.answer` is called as
soon as the body is whole, and hands the answer over after the commit. A long body, a long poll and
a streamed answer each run in a task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from mesocosm.wire.body import EMPTY, MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.wire.inflow import Inflow
from mesocosm.wire.long import BATCH, receive, stream, wait
from mesocosm.wire.message import Response, Stream
from mesocosm.wire.sending import CONTINUE, bodiless, head

if TYPE_CHECKING:
    from mesocosm.wire.body import FileBody
    from mesocosm.wire.connection import Connection
    from mesocosm.wire.front import Admission
    from mesocosm.wire.message import Request

log = logging.getLogger("mesocosm.wire")

SHORT = 64 << 10
"""Bytes of a body that are waited for without a task."""
UNKNOWN: Final = -1

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
    inflow: Inflow | None = None
    reader: asyncio.Future[None] | None = None
    task: asyncio.Task[None] | None = None
    _drain = UNKNOWN
    """Bytes of a refused body that are still read and thrown away."""
    _called = False
    _over = False

    def __init__(self, connection: Connection, request: Request, size: int) -> None:
        self.request = request
        self.size = size
        self.complete = size == 0
        """The body has been received."""
        self.connection = connection
        self.body: MemoryBody | FileBody = EMPTY
        self._parts: list[bytes] = []

    @property
    def receiving(self) -> bool:
        """Whether the client is expected to send."""
        return not self.complete and (not self.answered or self._drain >= 0)

    # -- the body ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """The head is there, and it is this request's turn."""
        self.begun = True
        connection, request = self.connection, self.request
        try:
            self._admission = admission = connection.app.head(request)
            if self.size:
                self.inflow = Inflow(request, admission, self.size)
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
            self.task = connection.loop.create_task(receive(self))

    def more(self, data: bytes) -> None:
        """A piece of the body."""
        if self._drain >= 0:
            self._drain -= len(data)
            if self._drain < 0:
                self.connection.close()
            return
        self._parts.append(data)
        self.buffered += len(data)
        if self.buffered >= BATCH:
            self._wake()

    def end(self) -> None:
        """The body is whole."""
        self.complete = True
        if self._drain >= 0:
            self.connection.close()
        elif self.task is not None:
            self._wake()
        elif self.begun and not self.answered:
            self._whole()

    def _whole(self) -> None:
        if self.size:
            assert self.inflow is not None
            parts = self._parts
            try:
                self.body = self.request.body = self.inflow.whole(
                    parts[0] if len(parts) == 1 else b"".join(parts)
                )
            except Exception as error:
                self.inflow.discard()
                self.reply(error)
                return
        self.call()

    def taken(self) -> bytes:
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.buffered = 0
        self.connection.balance()
        return data

    def _wake(self) -> None:
        if self.reader is not None and not self.reader.done():
            self.reader.set_result(None)

    # -- the call ----------------------------------------------------------------------------------

    def call(self) -> None:
        assert self._admission is not None
        self._called = True
        try:
            waiting = self.connection.app.answer(self.request, self._admission, self.reply)
        except Exception as error:
            self.reply(error)
            return
        if waiting is not None:
            self.waits = True
            self.task = self.connection.loop.create_task(wait(self, waiting))

    # -- the answer --------------------------------------------------------------------------------

    def reply(self, response: Response | Exception) -> None:
        """Send the answer, or that of `App.fault` for what went wrong."""
        if isinstance(response, Exception):
            response = self._fault(response)
        connection = self.connection
        if connection.gone:
            self.finish()
            return
        self.answered = True
        body = response.body
        if isinstance(body, Stream):
            self.task = connection.loop.create_task(stream(self, response, body))
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
            self.body.close()
            self.connection.done(self)

    def abandon(self) -> None:
        """The client is gone: what still waits for something is cancelled. What has been done is
        only waiting for the journal, and ends by itself."""
        if self.task is not None:
            self.task.add_done_callback(lambda _: self.finish())
            self.task.cancel()
        elif not self._called:
            self.finish()

    def refuse(self, error: Exception) -> None:
        """Answer a request whose body is not read. The connection ends with it: what follows is
        body or nothing."""
        self._parts.clear()
        if self.complete:
            self.reply(error)
            return
        connection, unsent = self.connection, self.expects and not self.buffered
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
        self.task = None
        connection.balance()

    def _fault(self, error: Exception) -> Response:
        app, request = self.connection.app, self.request
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
