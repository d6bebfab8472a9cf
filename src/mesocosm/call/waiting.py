"""Calls that wait for something to happen: long polling without an `await` in an operation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesocosm.world import Clock


class Waiting:
    """Futures by topic. A wake-up wakes every call that waits for the topic; each looks again for
    itself.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._topics: dict[str, set[asyncio.Future[None]]] = {}

    def wake(self, topic: str) -> None:
        """Wake the calls that wait for `topic`."""
        if topic not in self._topics:
            return
        for future in self._topics.pop(topic):
            if not future.done():
                future.set_result(None)

    def wake_all(self) -> None:
        """Wake every call: the world has been replaced beneath them (a rewind)."""
        for topic in list(self._topics):
            self.wake(topic)

    async def wait(self, topic: str, until: float) -> bool:
        """Wait for a wake-up or for the clock to reach `until`; true when the time is up."""
        remaining = until - self._clock.now()
        if remaining <= 0:
            await self._clock.sleep(0)  # other calls go between
            return True
        future = asyncio.get_running_loop().create_future()
        self._topics.setdefault(topic, set()).add(future)
        sleeper = asyncio.ensure_future(self._clock.sleep(remaining))
        try:
            await asyncio.wait((future, sleeper), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waiting = self._topics.get(topic)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._topics[topic]
        return self._clock.now() >= until
