"""One HTTP/1.1 connection (RFC 9112): bytes become exchanges, served one after another.

Bounds on the request line, on header bytes and count, on what is buffered and on what is answered
to a client that does not read; a watch over clients that send or read too slowly.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpRequestParser,
    parse_url,
)

from mesocosm.wire.body import EMPTY
from mesocosm.wire.exchange import UNKNOWN, Exchange
from mesocosm.wire.long import BATCH
from mesocosm.wire.message import Headers, Request
from mesocosm.wire.sending import refusal

if TYPE_CHECKING:
    from mesocosm.wire.front import Server


class Connection:
    """An asyncio.Protocol by its methods (compiled classes have no base that is not).

    `exchanges` are the requests received and not yet answered, the oldest being served.
    `watch` is called about once a second."""

    __deletable__ = ("_parser",)
    transport: asyncio.Transport

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.app = server.app
        self.limits = server.limits
        self.loop = loop
        self.exchanges: deque[Exchange] = deque()
        self.closing = False
        """No request is taken any more: the connection ends with the answers that are due."""
        self._server = server
        self._parser = HttpRequestParser(self)
        self._peer = ""
        self._secure = False
        self._arriving: Exchange | None = None
        self._advancing = False
        self._paused = False
        self.writable: asyncio.Future[None] | None = None
        """Done when the client has read most of what was sent; None when it has."""
        self._stuck_since: float | None = None
        self._unsent = 0
        self._deaf = False
        """What still comes in is not looked at: it could not be understood."""
        self._heard = False
        """The client has ended its side."""
        self._touched = 0.0
        """When the client last sent something, or was answered."""
        self._head_since: float | None = None
        self._head_bytes = 0
        self._fed = 0
        self._refusal: tuple[int, str, str] | None = None
        self._url = b""
        self._fields: list[bytes] = []
        """Names and values of the header section, in turn."""

    @property
    def gone(self) -> bool:
        """Whether nobody is there to read an answer."""
        return self.transport.is_closing()

    @property
    def ending(self) -> bool:
        """Whether the next answer is the last."""
        return self.closing and len(self.exchanges) == 1

    @property
    def date(self) -> bytes:
        """The Date header, as a line."""
        return self._server.date

    # -- the transport -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._secure = transport.get_extra_info("sslcontext") is not None
        self._touched = self._head_since = self.loop.time()
        self._server.connections.add(self)
        if len(self._server.connections) > self.limits.connections:
            self._fed = 1  # an answer is due, whatever was sent
            self._refuse(503, "ServiceUnavailable", "Please reduce your request rate.")

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self.closing = True
        self.resume_writing()
        for exchange in tuple(self.exchanges):
            exchange.abandon()
        del self._parser  # it holds this object in a cycle

    def eof_received(self) -> bool:
        """The client sends no more. Requests that have come whole are answered still (RFC 9112,
        section 9.6); one that waits for something to happen is not: whoever would wait for that
        keeps the connection open. True: the connection stays for the answers.
        """
        exchanges = self.exchanges
        if self._secure or not exchanges or not exchanges[-1].complete or exchanges[0].waits:
            return False
        self.closing = self._heard = True
        return True

    def data_received(self, data: bytes) -> None:
        if self._deaf or self.transport.is_closing():
            return
        self._touched = self.loop.time()
        self._fed = len(data)
        self._head_bytes += self._fed
        try:
            self._feed(data)
        except (HttpParserError, HttpParserCallbackError):
            self._refuse(*(self._refusal or _BAD))
            return
        if self._head_since is not None:
            limits = self.limits
            if self._head_bytes > limits.header_bytes + limits.target:
                self._refuse(*_TOO_LARGE)
                return
        if not self._advancing:
            self._advance()
        if self.exchanges:
            self.balance()

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                # Another protocol was proposed. A server may go on as if it had not been.
                data = data[upgrade.args[0] :]
                if data:
                    continue
            return

    def pause_writing(self) -> None:
        self._stuck_since = self.loop.time()
        self._unsent = self.transport.get_write_buffer_size()
        self.writable = self.loop.create_future()
        self.balance()

    def resume_writing(self) -> None:
        self._stuck_since = None
        writable, self.writable = self.writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        if not self.transport.is_closing():
            self.balance()
            if not self._advancing:
                self._advance()

    # -- the parser --------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._head_since = self._touched
        self._head_bytes = self._fed
        self._url = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += (name, value)

    def on_headers_complete(self) -> None:
        limits, url, parser = self.limits, self._url, self._parser
        # Decoded all at once; the parser lets no line end into a name or a value.
        fields = b"\n".join(self._fields).decode("latin-1").split("\n") if self._fields else []
        if len(fields) != len(self._fields):
            self._reject(*_BAD)
        items = list(zip(map(str.lower, fields[::2]), fields[1::2], strict=True))
        if len(url) > limits.target:
            self._reject(414, "RequestURITooLong", "The request URI is too long.")
        if len(items) > limits.header_count:
            self._reject(*_TOO_LARGE)
        if self._head_bytes > limits.header_bytes:
            size = sum([len(name) + len(value) + 4 for name, value in items])
            if size > limits.header_bytes:
                self._reject(*_TOO_LARGE)
        self._head_since = None
        if url[:1] != b"/" or b"#" in url:
            url = _relative(url)
        path, _, query = url.decode("ascii").partition("?")
        headers = Headers(items)
        method = parser.get_method().decode("ascii")
        request = Request(method, path, query, headers, EMPTY, self._peer, self._secure)
        if "transfer-encoding" in headers:
            size = UNKNOWN
        else:
            size = int(headers.get("content-length") or 0)
        exchange = Exchange(self, request, size)
        exchange.http10 = parser.get_http_version() == "1.0"
        exchange.keep_alive = not exchange.http10 and parser.should_keep_alive()
        if size and not exchange.http10:
            exchange.expects = (headers.get("expect") or "").lower() == "100-continue"
        self._arriving = exchange
        self.exchanges.append(exchange)
        self._server.busy += 1

    def on_body(self, data: bytes) -> None:
        if self._arriving is not None:
            self._arriving.more(data)

    def on_message_complete(self) -> None:
        exchange, self._arriving = self._arriving, None
        if exchange is not None:
            exchange.end()

    # -- exchanges ---------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Begin the exchange whose turn it is, and the next ones as far as they end at once."""
        self._advancing = True
        exchanges = self.exchanges
        while exchanges and not exchanges[0].begun and self.writable is None:
            if self.transport.is_closing():
                break
            exchanges[0].begin()
        self._advancing = False

    def done(self, exchange: Exchange) -> None:
        """An exchange is over."""
        self.exchanges.remove(exchange)
        self._server.ended()
        self._touched = self.loop.time()
        if self.transport.is_closing():
            return
        if not exchange.keep_alive or (self.closing and not self.exchanges):
            self.close()
        elif self.exchanges and not self._advancing:
            self._advance()
        if self._paused:
            self.balance()

    def balance(self) -> None:
        """Pause or go on reading: no more is taken in than is being worked off."""
        if self._heard or self.transport.is_closing():
            return
        arriving = self._arriving
        full = (
            (arriving is not None and arriving.buffered >= BATCH)
            or self.writable is not None
            or len(self.exchanges) > self.limits.pipeline
        )
        if full and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        elif self._paused and not full:
            self._paused = False
            self._touched = self.loop.time()
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send, unless nobody is there any more."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def shut(self) -> None:
        """Take no further request; close when the answers that are due have been sent."""
        self.closing = True
        if not self.exchanges:
            self.close()

    def close(self) -> None:
        """Close, once what was written has been sent."""
        self.closing = True
        self.transport.close()

    # -- refusals ----------------------------------------------------------------------------------

    def watch(self, now: float) -> None:
        """Close the connection if its client is too slow, or has not asked for long."""
        limits = self.limits
        current = self.exchanges[0] if self.exchanges else None
        if self._stuck_since is not None:
            unsent = self.transport.get_write_buffer_size()
            if unsent < self._unsent:
                self._unsent, self._stuck_since = unsent, now
            elif now - self._stuck_since > limits.write_timeout:
                self.transport.abort()
        elif current is None and self._head_since is None:
            if now - self._touched > limits.keep_alive:
                self.close()
        elif current is None:
            if now - (self._head_since or now) > limits.header_timeout:
                self._refuse(408, *_TIMEOUT)
        elif current.receiving and not self._paused and now - self._touched > limits.body_timeout:
            self._refuse(400, *_TIMEOUT)

    def _reject(self, status: int, code: str, message: str) -> None:
        self._refusal = (status, code, message)
        raise ValueError(code)  # the parser stops, and `data_received` refuses

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer from here, without the application, and hang up."""
        if self.exchanges and self.exchanges[0].complete:
            # The error is in a later request: those before it are answered, then comes the end.
            self._deaf = self.closing = True
            for exchange in tuple(self.exchanges):
                if not exchange.complete:
                    exchange.abandon()
            if not self._advancing:
                self._advance()
            return
        answered = self.exchanges[0].answered if self.exchanges else not self._fed
        if not answered and not self.transport.is_closing():
            self.transport.write(refusal(status, code, message, self.date))
        self.close()


_BAD = (400, "BadRequest", "An error occurred when parsing the HTTP request.")
_TOO_LARGE = (
    431,
    "RequestHeaderSectionTooLarge",
    "Your request header section exceeds the maximum allowed request header section size.",
)
_TIMEOUT = (
    "RequestTimeout",
    "Your socket connection to the server was not read from or written to within the timeout "
    "period. Idle connections will be closed.",
)


def _relative(url: bytes) -> bytes:
    """Path and query of a request target in absolute form, or one with a fragment."""
    if url == b"*":
        return url
    parsed = parse_url(url)
    path = parsed.path or b"/"
    return path + b"?" + parsed.query if parsed.query else path
