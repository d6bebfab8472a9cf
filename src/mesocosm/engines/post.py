"""Sending a small document to an address somebody gave, by HTTP or HTTPS, in a worker thread.

The address is used as it is given; redirects are not followed. A server is trusted if its
certificate is (by the system's authorities, or by those that SSL_CERT_FILE names).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 15.0
ANSWER_MAX_BYTES = 64 * 1024
WORKERS = 16


class Answer(NamedTuple):
    """What a server said. `status` is 0 when it said nothing, and `text` then says why."""

    status: int
    text: str


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post a body to a URL."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.hostname or "",
                parts.port,
                timeout=TIMEOUT_S,
                context=ssl.create_default_context(),
            )
        else:
            connection = http.client.HTTPConnection(
                parts.hostname or "", parts.port, timeout=TIMEOUT_S
            )
    except (ValueError, http.client.InvalidURL) as error:
        return Answer(0, str(error))
    given = dict(headers)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        given["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, given)
        answer = connection.getresponse()
        text = answer.read(ANSWER_MAX_BYTES).decode("utf-8", "replace")
        return Answer(answer.status, text)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__)
    finally:
        connection.close()


@cache
def _workers() -> ThreadPoolExecutor:
    # Of their own: servers that do not answer must not hold up the other work of the process.
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="post")


def in_thread(work: Callable[[], Answer], done: Callable[[Answer], None]) -> None:
    """Run `work` in a worker thread, then `done` with its answer in the event loop this is called
    from, if that still runs.
    """
    loop = asyncio.get_running_loop()

    def run() -> None:
        answer = work()
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits for it
            loop.call_soon_threadsafe(done, answer)

    _workers().submit(run)
