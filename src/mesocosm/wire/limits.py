"""What a client may take of the front."""

from __future__ import annotations

from msgspec import Struct


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
    pipeline: int = 64
    """Requests of one connection that wait for their turn before reading pauses."""
    drain: int = 4 << 20
    """How much of a refused body is read and thrown away, so that the client sees the answer."""
    grace: float = 5.0
    """For requests under way when the server stops."""
