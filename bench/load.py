"""The load: one process, some connections, each sending its request again once it is answered.
When the time is over, what was sent is still waited for: its cost belongs to its answer.

    python -m bench.load PORT CONNECTIONS SECONDS CPU < request

Prints JSON: answers (2xx), errors, seconds, and the beginning of the last error.
Written on epoll without a framework, so that it does not become the limit of what it measures.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE).search


class Failed(Exception):
    """The server answered an error, or not at all."""


def finished(data: bytes, closed: bool) -> tuple[int, bool]:
    """The size of the answer that `data` begins with, 0 while it is not whole; whether it is a
    success."""
    start = 0
    while True:
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return 0, False
        head, end = data[start:end], end + 4
        if head[9:12] != b"100":
            break
        start = end  # `100 Continue` stands before the answer
    success = head[9:10] == b"2"
    found = LENGTH(head)
    if found is not None:
        end += int(found[1])
        return (end if len(data) >= end else 0), success
    if CHUNKED(head):
        return (len(data) if data.endswith(b"0\r\n\r\n") else 0), success
    return (len(data) if closed else 0), success


def run(port: int, connections: int, seconds: float, request: bytes) -> dict[str, object]:
    """Load a server of this machine. Raises Failed."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    received: dict[int, bytes] = {}
    problem = b""
    answers = errors = 0

    def connect() -> None:
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        received[one.fileno()] = b""
        poll.register(one, select.EPOLLIN)
        one.sendall(request)

    begin = time.perf_counter()
    for _ in range(connections):
        connect()
    end = begin + seconds
    now = begin
    while sockets:
        for number, _ in poll.poll(10):
            one = sockets[number]
            piece = one.recv(262_144)
            data = received[number] + piece if received[number] else piece
            size, success = finished(data, not piece)
            if size:
                if success:
                    answers += 1
                else:
                    errors += 1
                    problem = data
                received[number] = b""
                if piece and now < end and b"onnection: close" not in data[:2000]:
                    one.sendall(request)
                    continue
            elif piece:
                received[number] = data
                continue
            elif data:
                raise Failed("the connection was closed in the middle of an answer")
            poll.unregister(one)
            one.close()
            del sockets[number], received[number]
            if now < end:
                connect()
        now = time.perf_counter()
    said = problem[:2000].decode("latin-1")
    return {"answers": answers, "errors": errors, "seconds": now - begin, "problem": said}


def main() -> None:
    port, connections, seconds, cpu = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and cpu != "-":
        os.sched_setaffinity(0, {int(cpu)})
    try:
        told = run(int(port), int(connections), float(seconds), sys.stdin.buffer.read())
    except (Failed, OSError) as error:
        told = {"answers": 0, "errors": 1, "problem": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
