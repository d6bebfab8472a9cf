"""Posting to an address somebody gave."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from mesocosm.engines.post import Answer, in_thread, post


def serve(answer: bytes) -> tuple[str, list[bytes]]:
    """A server that answers one request so. Its URL, and what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent: list[bytes] = []

    def run() -> None:
        with listener, listener.accept()[0] as connection:
            sent.append(connection.recv(65536))
            connection.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", sent


def test_what_a_server_says() -> None:
    url, sent = serve(b"HTTP/1.1 418 no\r\nContent-Length: 2\r\n\r\nhm")
    assert post(f"{url}/a?b=c", {"X-A": "d"}, b"body") == Answer(418, "hm")
    assert sent[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"X-A: d\r\n" in sent[0]


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"])
def test_a_server_that_speaks_something_else(answer: bytes) -> None:
    url, _ = serve(answer)
    assert post(url, {}, b"").status == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http:///",
        "https://127.0.0.1:1",
    ],
)
def test_nobody_there(url: str) -> None:
    found = post(url, {}, b"")
    assert found.status == 0
    assert found.text


def test_the_answer_comes_in_the_loop() -> None:
    async def run() -> list[tuple[Answer, bool]]:
        loop = asyncio.get_running_loop()
        came: list[tuple[Answer, bool]] = []
        both = asyncio.Event()

        def done(answer: Answer) -> None:
            came.append((answer, asyncio.get_running_loop() is loop))
            if len(came) == 2:
                both.set()

        for status in (200, 500):
            in_thread(lambda status=status: Answer(status, ""), done)  # type: ignore[misc]
        await both.wait()
        return came

    came = asyncio.run(run())
    assert sorted(answer.status for answer, _ in came) == [200, 500]
    assert all(there for _, there in came)
