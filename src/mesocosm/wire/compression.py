"""Requests whose body the client has compressed (the `requestCompression` trait of Smithy; SDKs do
so from 10 KB on). The signature covers the bytes as they were sent.
"""

from __future__ import annotations

import zlib

from mesocosm.wire.message import Request
from mesocosm.wire.readers import Malformed

UNPACKED_MAX_BYTES = 16 * 1024**2


def unpacked(request: Request) -> bytes:
    """The body, decompressed when its Content-Encoding says gzip. Raises Malformed."""
    body = request.body.read()
    if (request.headers.get("content-encoding") or "").strip().lower() != "gzip":
        return body
    stream = zlib.decompressobj(wbits=31)
    try:
        data = stream.decompress(body, UNPACKED_MAX_BYTES)
    except zlib.error as error:
        raise Malformed(f"The body is not gzip: {error}") from None
    if not stream.eof:
        raise Malformed("The body is not gzip: it is cut off or too large")
    return data
