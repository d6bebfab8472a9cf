"""Event streams: answers that go on (`application/vnd.amazon.eventstream`).

A message is: total length u32, length of the headers u32, crc32 of these eight bytes; the headers
(name with its length u8, type u8, value with its length u16); the payload; crc32 of everything
before. Source: "Amazon Event Stream Specification" (Smithy 2.0).
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from mesocosm.wire.models import Shape

MEDIA_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
_PRELUDE = struct.Struct(">II")
_U32 = struct.Struct(">I")
_VALUE = struct.Struct(">BH")


def message(headers: dict[str, str], payload: bytes = b"") -> bytes:
    """One message. Headers are texts."""
    fields = b"".join(
        bytes((len(name),)) + name.encode() + _VALUE.pack(_STRING, len(value)) + value
        for name, value in ((name, text.encode()) for name, text in headers.items())
    )
    prelude = _PRELUDE.pack(16 + len(fields) + len(payload), len(fields))
    data = prelude + _U32.pack(crc32(prelude)) + fields + payload
    return data + _U32.pack(crc32(data))


def event(kind: str, payload: bytes, media_type: str) -> bytes:
    """An event of a stream, or the `initial-response` before all events."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": media_type}
    return message(headers, payload)


def exception(kind: str, payload: bytes, media_type: str) -> bytes:
    """An error that ends a stream."""
    headers = {
        ":message-type": "exception",
        ":exception-type": kind,
        ":content-type": media_type,
    }
    return message(headers, payload)


def member_of(shape: Shape) -> tuple[str, Shape] | None:
    """The name and the shape of a structure's member that is an event stream."""
    for name, member in shape.members.items():
        if member.get("eventstream"):
            return name, member
    return None


async def messages(
    values: AsyncIterator[Any],
    shape: Shape,
    encoder: Callable[[Shape], Callable[[Any], bytes]],
    attrs: dict[str, str],
    media_type: str,
    initial: bytes | None,
) -> AsyncIterator[bytes]:
    """The messages for values of a stream's union: Structs with one member set each."""
    if initial is not None:
        yield event("initial-response", initial, media_type)
    writers = {name: encoder(member) for name, member in shape.members.items()}
    async for value in values:
        for name, member in shape.members.items():
            given = getattr(value, attrs[name])
            if given is None:
                continue
            make = exception if member.get("exception") else event
            yield make(name, writers[name](given), media_type)
