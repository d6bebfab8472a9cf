"""Answers as bytes (RFC 9112), and the answers to what never became a request."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesocosm.wire.message import Response

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS = {int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n".encode() for s in HTTPStatus}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def bodiless(status: int) -> bool:
    """Whether an answer of this status never has a body."""
    return status in (204, 304) or status < 200


def head(
    response: Response, date: bytes, size: int | None, *, keep_alive: bool, chunked: bool = False
) -> bytes:
    """The head of an answer, up to and with the empty line. `date` is the whole header line.

    `size` becomes content-length unless the application gave it (HEAD of an object does).
    """
    status = response.status
    bare = bodiless(status)
    sized = bare or size is None
    given = response.headers
    if "content-length" in [name.lower() for name, _ in given]:
        sized = True
        if bare:
            given = [field for field in given if field[0].lower() != "content-length"]
    lines = [f"{name.lower()}: {value}" for name, value in given]
    if not "".join(lines).isprintable():  # no value may begin a header of its own
        lines = [_CONTROL.sub(" ", line) for line in lines]
    if not sized:
        lines.append(f"content-length: {size}")
    if chunked:
        lines.append("transfer-encoding: chunked")
    lines.append("\r\n" if keep_alive else "connection: close\r\n\r\n")
    try:
        fields = "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        fields = b"\r\n".join([_encoded(line) for line in lines])
    first = _STATUS.get(status) or b"HTTP/1.1 %d \r\n" % status
    return first + date + fields


def _encoded(text: str) -> bytes:
    """A header line as it came, or in UTF-8 where it never was bytes."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def refusal(status: int, code: str, message: str, date: bytes) -> bytes:
    """A whole answer for what never became a request. Its service is unknown: S3's form."""
    body = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    ).encode()
    fields = b"content-type: application/xml\r\ncontent-length: %d\r\n" % len(body)
    return _STATUS[status] + date + fields + b"connection: close\r\n\r\n" + body
