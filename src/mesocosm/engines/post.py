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
import threading
from collections.abc import Callable, Mapping
from functools import cache
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT_S = 15.0
ANSWER_MAX_BYTES = 64 * 1024
WORKERS = 16


class Answer(NamedTuple):
    """What a server said. `status` is 0 when it said nothing, and `text` then says why."""

    status: int
    text: str


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post a body to a URL."""
    connection: http.client.HTTPConnection | None = None
    try:
        parts = urlsplit(url)
        given = dict(headers)
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            given["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = _connection(parts)
        connection.request("POST", target, body, given)
        answer = connection.getresponse()
        text = answer.read(ANSWER_MAX_BYTES).decode("utf-8", "replace")
        return Answer(answer.status, text)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__)
    finally:
        if connection is not None:
            connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)


class Workers:
    """A few threads of their own: servers that do not answer must hold up neither the other work of
    the process nor its end.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started = 0
        self._idle = threading.Semaphore(0)

    def submit(self, job: Callable[[], None]) -> None:
        """Have a thread do it."""
        self._jobs.put(job)
        if self._started < WORKERS and not self._idle.acquire(blocking=False):
            self._started += 1
            threading.Thread(target=self._work, name="post", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._idle.release()


@cache
def _workers() -> Workers:
    return Workers()


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
