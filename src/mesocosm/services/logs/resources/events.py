"""Log events in segments: how a chunk is written, and reading streams in the order of time.

A chunk is a call's events as MessagePack: (ingestion time, timestamps, messages). Messages stand in
it as their UTF-8 bytes, so a text is looked for in the raw bytes before anything is decoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, cast

import msgspec

from mesocosm.world import Chunk, Log, Span

Content = tuple[int, list[int], list[str]]
"""Ingestion time, timestamps (both epoch milliseconds), messages."""

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode
Open = Callable[[bytes], bytes]
"""Decrypts the payload of a chunk."""


def plain_content(payload: bytes) -> Content:
    """The content of a chunk that is not encrypted."""
    return cast("Content", _decode(payload))


class Event(NamedTuple):
    """An event and its place; events are in the order of these."""

    timestamp: int
    stream: str
    sequence: int
    number: int
    ingested: int
    message: str

    @property
    def id(self) -> str:
        """AWS's event ids have 56 digits: time, chunk, number in it, and what tells streams
        apart."""
        place = f"{self.timestamp:013d}{self.sequence:016d}{self.number:05d}"
        return f"3{place}{_stream_digits(self.stream)}"


@lru_cache(maxsize=4096)
def _stream_digits(stream: str) -> str:
    number = sum(ord(letter) * 131**at for at, letter in enumerate(stream)) % 10**21
    return f"{number:021d}"


class Place(NamedTuple):
    """A place in the order: after what is at or before it."""

    timestamp: float
    stream: str = ""
    sequence: int = -1
    number: int = -1


def chunk_events(stream: str, chunk: Chunk, content: Content) -> list[Event]:
    """The events of a chunk."""
    ingested, timestamps, messages = content
    sequence = chunk.sequence
    return [
        Event(timestamp, stream, sequence, number, ingested, message)
        for number, (timestamp, message) in enumerate(zip(timestamps, messages, strict=True))
    ]


Load = Callable[[str, Span], list[Event]]
"""The events of interest in a span of a stream."""


def spans_of(
    log: Log, streams: Iterable[tuple[str, str]], since: float, until: float
) -> list[tuple[str, Span]]:
    """The spans of streams (name, id) between two instants."""
    return [(name, span) for name, key in streams for span in log.spans(key, since, until)]


Batch = tuple[list[Event], float]
"""Events in order, and the instant up to which all have been given."""


def forward(spans: list[tuple[str, Span]], load: Load) -> Iterator[Batch]:
    """The events of spans in order, in batches. Spans are read one after the other, as needed."""
    spans.sort(key=lambda item: item[1].start)
    pending: list[Event] = []
    for number, (stream, span) in enumerate(spans):
        pending += load(stream, span)
        pending.sort()
        nearest = spans[number + 1][1].start if number + 1 < len(spans) else math.inf
        ready = next(
            (at for at, one in enumerate(pending) if one.timestamp >= nearest), len(pending)
        )
        yield pending[:ready], nearest
        del pending[:ready]


def backward(spans: list[tuple[str, Span]], load: Load) -> Iterator[Batch]:
    """The same, newest first."""
    spans.sort(key=lambda item: -item[1].end)
    pending: list[Event] = []
    for number, (stream, span) in enumerate(spans):
        pending += load(stream, span)
        pending.sort(reverse=True)
        nearest = spans[number + 1][1].end if number + 1 < len(spans) else -math.inf
        ready = next(
            (at for at, one in enumerate(pending) if one.timestamp <= nearest), len(pending)
        )
        yield pending[:ready], nearest
        del pending[:ready]
