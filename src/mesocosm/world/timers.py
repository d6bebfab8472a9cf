"""Timers: rows that say what is to be done when. The heap is only an index of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Protocol

import msgspec

from mesocosm.world.clock import Clock
from mesocosm.world.errors import WorldError
from mesocosm.world.table import Change, Rows, Table
from mesocosm.world.transaction import Changes, Transaction

log = logging.getLogger(__name__)

LONGEST_BACK_OFF = 900.0
"""Virtual seconds between two tries of a timer that keeps failing."""

Key = tuple[str, str, str]


class Timer(msgspec.Struct, frozen=True, gc=False):
    """At `due` (virtual epoch seconds) `function` of `service` is to run for `key`."""

    due: float
    seq: int
    service: str
    function: str
    key: str
    account: str
    region: str
    attempts: int = 0


timers: Table[Key, Timer] = Table("world.timers", Timer, key=tuple[str, str, str])


class TimerWorld(Protocol):
    changes: Changes

    def transaction(self) -> Transaction: ...

    def rows(self, table: Table[Key, Timer], account: str, region: str) -> Rows[Key, Timer]: ...

    def cells(self, table: Table[Key, Timer]) -> Iterator[tuple[str, str, Rows[Key, Timer]]]: ...


Runner = Callable[[Timer], Awaitable[None]]


class Timers:
    """`world.timers`. Setting and cancelling belong in a transaction, as with all rows.

    A due timer is given to `run`. Code that wants its effect and the timer's end to be one
    transaction calls `finish(timer)` in it; otherwise the timer ends when `run` returns. When `run`
    raises, the timer is tried again later, ever more slowly. Without a `run` nothing is due.
    """

    def __init__(self, world: TimerWorld, clock: Clock) -> None:
        clock.agenda = self
        self._world = world
        self._clock = clock
        self._run: Runner | None = None
        self._heap: list[tuple[float, int, str, str, Key]] = []
        self._seq = 0
        self._set = 0
        world.changes.subscribe(timers, self._changed)

    @property
    def run(self) -> Runner | None:
        """What runs due timers: `async (Timer) -> None`."""
        return self._run

    @run.setter
    def run(self, run: Runner | None) -> None:
        self._run = run
        self._clock.arm()

    def at(
        self, due: float, service: str, function: str, key: str, account: str, region: str
    ) -> Timer:
        """Run `function` of `service` for `key` at `due`, instead of when it was set to before."""
        self._seq += 1
        timer = Timer(due, self._seq, service, function, key, account, region)
        self._world.rows(timers, account, region)[service, function, key] = timer
        return timer

    def cancel(
        self, service: str, function: str, key: str, account: str, region: str
    ) -> Timer | None:
        """Forget a timer; returns it, `None` when there was none."""
        rows = self._world.rows(timers, account, region)
        timer = rows.get((service, function, key))
        if timer is not None:
            del rows[service, function, key]
        return timer

    def get(self, service: str, function: str, key: str, account: str, region: str) -> Timer | None:
        """The timer as it is set, `None` when there is none."""
        return self._world.rows(timers, account, region).get((service, function, key))

    def finish(self, timer: Timer) -> bool:
        """End a timer that is running; whether it was still set as it is given."""
        if not self._is_set(timer):
            return False
        self.cancel(timer.service, timer.function, timer.key, timer.account, timer.region)
        return True

    def next_due(self) -> float | None:
        """When the next timer is due; `None` when there is none, or nobody to run it."""
        if self._run is None:
            return None
        heap = self._heap
        while heap:
            due, seq, account, region, key = heap[0]
            timer = self._world.rows(timers, account, region).get(key)
            if timer is not None and timer.seq == seq and timer.due == due:
                return due
            heappop(heap)
        return None

    async def run_next(self) -> None:
        """Run the timer that is due first."""
        assert self._run is not None
        _, _, account, region, key = heappop(self._heap)
        timer = self._world.rows(timers, account, region)[key]
        try:
            await self._run(timer)
        except Exception:
            log.exception("timer %s failed", timer)
            self._retry(timer)
            return
        try:
            if self._is_set(timer):
                with self._world.transaction():
                    self.finish(timer)
        except WorldError:
            log.exception("timer %s ran, and may run again", timer)

    def rebuild(self) -> None:
        """Read all timers again: at open and after a rewind."""
        self._heap = [
            (timer.due, timer.seq, account, region, key)
            for account, region, rows in self._world.cells(timers)
            for key, timer in rows.items()
        ]
        heapify(self._heap)
        self._set = len(self._heap)
        self._seq = max((entry[1] for entry in self._heap), default=self._seq)
        self._clock.arm()

    def _retry(self, timer: Timer) -> None:
        if not self._is_set(timer):
            return
        pause = min(2.0**timer.attempts, LONGEST_BACK_OFF)
        later = msgspec.structs.replace(
            timer, due=self._clock.now() + pause, attempts=timer.attempts + 1
        )
        try:
            with self._world.transaction():
                rows = self._world.rows(timers, timer.account, timer.region)
                rows[timer.service, timer.function, timer.key] = later
        except WorldError:
            log.exception("timer %s could not be put off", timer)

    def _is_set(self, timer: Timer) -> bool:
        set_now = self.get(timer.service, timer.function, timer.key, timer.account, timer.region)
        return set_now is not None and set_now.seq == timer.seq and set_now.due == timer.due

    def _changed(self, change: Change) -> None:
        timer = change.new
        self._set += (timer is not None) - (change.old is not None)
        if timer is None:
            return
        if len(self._heap) > 2 * self._set + 1000:  # mostly timers that were set anew or cancelled
            self.rebuild()
            return
        entry = (timer.due, timer.seq, change.account, change.region, change.key)
        heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._clock.arm()
