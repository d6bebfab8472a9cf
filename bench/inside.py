"""What one call costs within the server, without sockets and without other processes.

    python -m bench.inside [--count N] [--repeat R] [--profile CALL]

The bytes of a request are handed to a connection with a transport that goes nowhere; everything
else is the server's own: parser, steps, journal. CPU of the process, the least of several repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import uvloop

from bench.calls import CALLS, Caller
from mesocosm.call.cloud import Settings
from mesocosm.cli.serve import _settle
from mesocosm.services import assemble
from mesocosm.wire import front
from mesocosm.wire.connection import Connection
from mesocosm.world import World

CONNECTIONS = 8


class Nowhere(asyncio.Transport):
    """A transport without a socket: it counts what is written, and keeps the last of it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000)})
        self.writes = 0
        self.last: Any = b""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def write(self, data: Any) -> None:
        self.writes += 1
        self.last = data


async def rounds(connections: list[Connection], request: bytes, count: int) -> None:
    """Each connection sends, then the turn of the loop ends; `count` times."""
    for _ in range(count):
        for connection in connections:
            connection.data_received(request)
        await asyncio.sleep(0)


async def measure(given: argparse.Namespace, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    with World.open(directory) as world:
        cloud = assemble(world, Settings())
        server = await front.serve(cloud, host="127.0.0.1", port=0, now=world.clock.real)
        here = SimpleNamespace(name="Mesocosm", port=server.port)
        caller = await loop.run_in_executor(None, Caller, cast(Any, here))
        connections = [Connection(server, loop) for _ in range(CONNECTIONS)]
        transports = [Nowhere() for _ in connections]
        for connection, transport in zip(connections, transports, strict=True):
            connection.connection_made(transport)
        _settle()
        turns = given.count // CONNECTIONS
        for call in [call for call in CALLS if given.only in call]:
            request = caller.request(call)
            await rounds(connections, request, 50)
            if given.profile and given.profile in call:
                profile = cProfile.Profile()
                profile.enable()
                await rounds(connections, request, turns)
                profile.disable()
                pstats.Stats(profile).sort_stats(given.sort).print_stats(given.lines)
            spent = []
            for _ in range(given.repeat):
                before = sum(transport.writes for transport in transports)
                start = time.process_time()
                await rounds(connections, request, turns)
                used = time.process_time() - start
                await asyncio.sleep(0)
                done = sum(transport.writes for transport in transports) - before
                spent.append(used / done * 1e6)
                assert transports[0].last.startswith(b"HTTP/1.1 200"), transports[0].last
            spent.sort()
            print(f"{call:32} {spent[0]:6.1f} µs least, {spent[len(spent) // 2]:6.1f} µs median")
        await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--repeat", type=int, default=60)
    parser.add_argument("--only", default="", help="calls whose name has this")
    parser.add_argument("--profile", default="")
    parser.add_argument("--sort", default="tottime")
    parser.add_argument("--lines", type=int, default=45)
    parser.add_argument("--dir")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.dir) as directory:
        uvloop.run(measure(given, Path(directory)))


if __name__ == "__main__":
    main()
