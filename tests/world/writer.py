"""A process that writes until it is killed, printing what was acknowledged. See test_kill.py."""

from __future__ import annotations

import asyncio
import itertools
import sys

from mesocosm.world import HistoryWindow, World
from tests.world.kit import put


async def write(directory: str) -> None:
    world = World.open(directory, history=HistoryWindow(checkpoint=20_000))
    first = world.position

    async def client(name: str) -> None:
        for number in itertools.count(first):
            await world.committed(put(world, f"{name}-{number}", number, record=b"x" * 50))
            print(f"{name}-{number}", flush=True)

    await asyncio.gather(*(client(f"c{number}") for number in range(4)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
