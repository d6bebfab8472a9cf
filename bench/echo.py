"""The least an HTTP server in Python does: read the request, send its body back.

Run by uvicorn with uvloop and httptools in a process of its own; what it takes is the limit of
every server that is written in Python.
"""

from __future__ import annotations

from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Raw ASGI."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    size = b"%d" % len(body)
    headers = [(b"content-type", b"text/plain"), (b"content-length", size)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
