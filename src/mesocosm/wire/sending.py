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
    lines = [f"{name.lower()}: {value}\r\n" for name, value in response.headers]
    text = "".join(lines)
    if not text.replace("\r\n", "").isprintable() or text.count("\r\n") != len(lines):
        # No value may begin a header of its own.
        lines = [_CONTROL.sub(" ", line[:-2]) + "\r\n" for line in lines]
        text = "".join(lines)
    sized = "\ncontent-length: " in f"\n{text}"
    if bodiless(status):
        if sized:
            text = "".join([line for line in lines if not line.startswith("content-length: ")])
    elif not sized and size is not None:
        text += f"content-length: {size}\r\n"
    if chunked:
        text += "transfer-encoding: chunked\r\n"
    text += "\r\n" if keep_alive else "connection: close\r\n\r\n"
    try:
        fields = text.encode("latin-1")
    except UnicodeEncodeError:
        fields = b"\r\n".join([_encoded(line) for line in text.split("\r\n")])
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
