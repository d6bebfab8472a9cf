"""A request and its answer, as plain values: the seam between the HTTP front and everything behind
it.

Nothing behind this seam knows ASGI, sockets or an HTTP library, so that the front can be exchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator


class Headers:
    """Header fields in their order of arrival; names are kept in lower case, values as sent."""

    __slots__ = ("first", "get", "items", "repeated")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self.items: list[tuple[str, str]] = list(items)
        self.first: dict[str, str] = dict(self.items)
        """The first value of each field, in order of arrival."""
        self.repeated: frozenset[str] = frozenset()
        """Names that occur more than once."""
        if len(self.first) != len(self.items):
            for name, value in reversed(self.items):
                self.first[name] = value
            names = [name for name, _ in self.items]
            self.repeated = frozenset(name for name in self.first if names.count(name) > 1)
        self.get = self.first.get
        """The first value of a field (`name` in lower case). The dict's own method: it is called
        twenty times a request."""

    def __contains__(self, name: str) -> bool:
        return name in self.first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order."""
        return [value for field, value in self.items if field == name]


class Body(Protocol):
    """The decoded payload of a request (after aws-chunked decoding): in memory up to 1 MB, else in
    a spool file."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """Lower-case hex digest of the payload."""

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes of a range; the whole payload by default."""

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The same in pieces of at most 1 MB."""

    def digest(self, algorithm: str) -> bytes:
        """The checksum by AWS's name: MD5, SHA1, SHA256, CRC32, CRC32C, CRC64NVME (computed once,
        then kept)."""

    def keep(self) -> str:
        """Hand the payload to the blob store; returns its digest (sha256, hex)."""


class Request:
    """One HTTP request. `path` and `query` are as sent: signatures and S3 keys need the raw
    bytes."""

    __slots__ = ("body", "headers", "host", "method", "path", "peer", "query", "secure", "trailers")

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: Headers,
        body: Body,
        peer: str,
        secure: bool,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
        self.secure = secure
        self.host = headers.get("host") or ""
        self.trailers: dict[str, str] = {}


class Stream:
    """A body that is sent in pieces. `size` in bytes, or None when it is not known (sent
    chunked)."""

    __slots__ = ("chunks", "size")

    def __init__(self, chunks: AsyncIterator[bytes], size: int | None) -> None:
        self.chunks = chunks
        self.size = size


class Events(Stream):
    """An event stream as an operation gives it: Structs of the stream's union, one member set in
    each. The codec turns them into messages (`wire/eventstream.py`)."""

    __slots__ = ("values",)

    def __init__(self, values: AsyncIterator[Any]) -> None:
        super().__init__(values, None)
        self.values = values


class Response:
    """One HTTP response."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, headers: list[tuple[str, str]], body: bytes | Stream = b""
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
