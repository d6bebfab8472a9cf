"""A server in a process of its own, raw sockets to it, and what must hold of every answer."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LEAKS = re.compile(rb'Traceback|File "|\.py"|site-packages|\w+Error:')
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Answer(NamedTuple):
    """Everything that came back: the statuses in order, and the bytes."""

    statuses: list[int]
    data: bytes


class Server:
    """`mesocosm up` on a free port."""

    def __init__(self, data: Path | None = None, port: int = 0) -> None:
        place = ["--ephemeral"] if data is None else ["--data", str(data)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mesocosm", "up", "--port", str(port), "--json", *place],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        )
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.rpartition(":")[2])

    def rss(self) -> int:
        """Resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def say(self, *pieces: bytes, half_close: bool = True, wait: float = 10) -> Answer:
        """Send the pieces, close our half, and read to the end (or until `wait` seconds pass)."""
        with self.connect() as connection:
            connection.settimeout(wait)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it would not hear more
            return read(connection)

    def alive(self) -> bool:
        """Whether it still does what it is for."""
        assert self.process.poll() is None, "the server has ended"
        found = self.say(b"GET /_mesocosm/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return found.statuses == [200]

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self._end()

    def close(self) -> None:
        self.process.terminate()
        self._end()

    def _end(self) -> None:
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def read(connection: socket.socket) -> Answer:
    """What comes until the other side ends or falls silent."""
    data = b""
    limit = time.monotonic() + 20
    try:
        while time.monotonic() < limit and (piece := connection.recv(1 << 16)):
            data += piece
    except OSError:
        pass
    return Answer([int(one) for one in STATUS.findall(data)], data)


def check(answer: Answer, what: object) -> None:
    """An AWS error, an answer, or silence; nothing of our own insides, and no failure."""
    assert not LEAKS.search(answer.data), (what, answer.data[:2000])
    assert not [one for one in answer.statuses if one in (500, 502, 504)], (what, answer.data[:900])
    if answer.data:
        assert answer.statuses, (what, answer.data[:300])
