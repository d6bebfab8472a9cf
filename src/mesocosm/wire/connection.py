"""One HTTP connection: uvicorn's protocol, with the limits it does not have.

Bounds on the request line, on header bytes and on header count; a watch over clients that send or
read too slowly; errors in AWS's form. uvicorn itself bounds what it buffers of a body (64 KB, then
it stops reading).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState


class Limits(Struct, frozen=True):
    """What a client may take. Sizes in bytes, times in real seconds."""

    connections: int = 10_000
    target: int = 16 << 10
    """Path and query."""
    header_bytes: int = 64 << 10
    header_count: int = 256
    header_timeout: float = 20.0
    """For the whole header section."""
    body_timeout: float = 20.0
    """Between two pieces of a body ("Your socket connection to the server was not read from or
    written to within the timeout period", S3)."""
    write_timeout: float = 60.0
    """A client that does not read its answer."""
    keep_alive: float = 75.0
    drain: int = 4 << 20
    """How much of a refused body is read and thrown away, so that the client sees the answer."""
    grace: float = 5.0
    """For requests under way when the server stops."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection with limits. `watch` is called about once a second."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, state, {}, loop)
        self.limits = limits
        self.touched = 0.0
        """When the client last sent something."""
        self._head_since: float | None = None
        self._head_bytes = 0
        self._fed = 0
        self._stuck_since: float | None = None
        self._refusal: tuple[int, str, str] | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody is there to read an answer."""
        return self.transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.touched = self._head_since = self.loop.time()
        if len(self.connections) > self.limits.connections:
            self._fed = 1  # an answer is due, whatever was sent
            self._refuse(503, "ServiceUnavailable", "Please reduce your request rate.")

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.touched = self.loop.time()
        self._fed = len(data)
        self._head_bytes += self._fed
        super().data_received(data)
        if self._head_since is not None:
            limits = self.limits
            if self._head_bytes > limits.header_bytes + limits.target:
                self._refuse(*_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._head_since = self.touched
        self._head_bytes = self._fed
        super().on_message_begin()
        self.scope["connection"] = self  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        limits = self.limits
        if len(self.url) > limits.target:
            self._reject(414, "RequestURITooLong", "The request URI is too long.")
        if len(self.headers) > limits.header_count:
            self._reject(*_TOO_LARGE)
        if self._head_bytes > limits.header_bytes:
            size = sum([len(name) + len(value) + 4 for name, value in self.headers])
            if size > limits.header_bytes:
                self._reject(*_TOO_LARGE)
        super().on_headers_complete()
        self._head_since = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stuck_since = None

    def pause_writing(self) -> None:
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this when the parser, or a callback of ours, refuses what was sent."""
        refusal = self._refusal or (
            400,
            "BadRequest",
            "An error occurred when parsing the HTTP request.",
        )
        self._refuse(*refusal)

    def watch(self, now: float) -> None:
        """Close the connection if its client is too slow."""
        limits = self.limits
        if self._stuck_since is not None:
            if now - self._stuck_since > limits.write_timeout:
                self.transport.abort()
        elif self._head_since is not None:
            idle = self.cycle is None or self.cycle.response_complete
            if idle and now - self._head_since > limits.header_timeout:
                self._refuse(408, *_TIMEOUT)
        elif (
            self.cycle is not None
            and self.cycle.more_body
            and not self.cycle.response_complete
            and not self.flow.read_paused
            and now - self.touched > limits.body_timeout
        ):
            self._refuse(400, *_TIMEOUT)

    def _reject(self, status: int, code: str, message: str) -> None:
        self._refusal = (status, code, message)
        raise ValueError(code)  # the parser stops, and uvicorn calls send_400_response

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer from here, without the application, and hang up."""
        cycle = self.cycle
        busy = cycle is not None and not cycle.response_complete
        # An error in a head belongs to the next request: while one is under way it has no answer.
        silent = busy and (self._head_since is not None or cycle.response_started)
        if not silent and self._fed and not self.transport.is_closing():
            headers = self.server_state.default_headers
            self.transport.write(error_bytes(status, code, message, headers))
        self.transport.close()
        if busy:
            cycle.disconnected = True
            cycle.message_event.set()


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


def error_bytes(status: int, code: str, message: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """A whole response for what never became a request. Its service is unknown: S3's form."""
    body = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    ).encode()
    lines = [STATUS_LINE[status]]
    lines.extend([b"%b: %b\r\n" % header for header in headers])
    lines.append(b"content-type: application/xml\r\ncontent-length: %d\r\n" % len(body))
    lines.append(b"connection: close\r\n\r\n" + body)
    return b"".join(lines)
