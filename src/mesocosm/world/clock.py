"""The virtual clock: time as data, that can be paused, hurried and advanced.

Virtual time is `virtual + (real now - real) * rate`, where (virtual, real, rate) is a row; so it is
journaled, and a rewind takes it back. A timer runs at its own instant: while it runs, its code
sees the time it was due, whatever the hour.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context, ContextVar
from heapq import heappop, heappush
from typing import Protocol

import msgspec

from mesocosm.world.errors import ClockBackwards, WorldError
from mesocosm.world.table import Change, Rows, Table
from mesocosm.world.transaction import Changes, Transaction

LONGEST_WAIT = 3600.0
"""Seconds the event loop is asked to wait at most; then the clock looks again."""


class ClockState(msgspec.Struct, frozen=True, gc=False):
    """At `real` the virtual clock showed `virtual`, and since then runs `rate` times as fast."""

    virtual: float
    real: float
    rate: float = 1.0
    resume: float = 1.0


clocks: Table[str, ClockState] = Table("world.clock", ClockState)


class Instant:
    """The time that code of a due timer sees, until the timer is done."""

    __slots__ = ("over", "time")

    def __init__(self, at: float) -> None:
        self.time = at
        self.over = False


_instant: ContextVar[Instant | None] = ContextVar("mesocosm.world.instant", default=None)


class Agenda(Protocol):
    """The timers, as the clock sees them."""

    def next_due(self) -> float | None: ...

    async def run_next(self) -> None: ...


BREATH_SECONDS = 0.01
"""How long timers run, in real time, before the rest of the event loop gets its turn."""


class ClockWorld(Protocol):
    changes: Changes

    def transaction(self) -> Transaction: ...

    def rows(
        self, table: Table[str, ClockState], account: str = "", region: str = ""
    ) -> Rows[str, ClockState]: ...


class Clock:
    """`world.clock`. Times are epoch seconds (float)."""

    def __init__(self, world: ClockWorld, real: Callable[[], float]) -> None:
        self._world = world
        self.agenda: Agenda
        self.real = real
        self._state = ClockState(virtual=0.0, real=0.0)
        self._latest = 0.0
        self._held_until = 0.0
        self._breathed = 0.0
        self._turned = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._slept = 0
        self._handle: asyncio.TimerHandle | None = None
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._task: asyncio.Task[None] | None = None
        world.changes.subscribe(clocks, self._changed)

    # Reading

    def now(self) -> float:
        """Virtual time. Inside a timer: the instant the timer was due."""
        instant = _instant.get()
        if instant is not None and not instant.over:
            return instant.time
        # As `running`, which every call would otherwise go through some times.
        state = self._state
        virtual = state.virtual + (self.real() - state.real) * state.rate
        if virtual > self._latest:
            self._latest = virtual
        return self._latest

    def running(self) -> float:
        """Virtual time, also inside a timer. Never goes back."""
        state = self._state
        virtual = state.virtual + (self.real() - state.real) * state.rate
        if virtual > self._latest:
            self._latest = virtual
        return self._latest

    def monotonic(self) -> float:
        """Real seconds that only grow, for measuring how long something took."""
        return time.monotonic()

    @property
    def speed(self) -> float:
        """Virtual seconds per real second; 0 while paused."""
        return self._state.rate

    # Setting

    def pause(self) -> None:
        """Stop virtual time."""
        self._anchor(rate=0.0)

    def resume(self) -> None:
        """Go on at the rate before the pause."""
        if self._state.rate == 0.0:
            self._anchor(rate=self._state.resume)

    def rate(self, rate: float) -> None:
        """Let virtual time run `rate` times as fast as real time; 0 pauses."""
        if rate < 0:
            raise ValueError("time does not run backwards")
        self._anchor(rate=rate)

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; everything due runs in order, at its own instant."""
        if seconds < 0:
            raise ClockBackwards(f"the clock cannot be advanced by {seconds} s; a rewind goes back")
        await self._go(lambda: self.running() + seconds)

    async def advance_to(self, until: float) -> None:
        """Advance to a time. Raises `ClockBackwards` when it has passed."""
        await self._go(lambda: until)

    async def _go(self, aim: Callable[[], float]) -> None:
        instant = _instant.get()
        if instant is not None and not instant.over:
            raise WorldError("a timer cannot advance the clock it runs by")
        async with self._alone():
            # Read once: the clock runs on meanwhile, and an advance by nothing is no way back.
            shown = self.running()
            until = aim()
            if until < shown:
                raise ClockBackwards(
                    f"the clock shows {shown}, later than {until}; a rewind goes back"
                )
            turned = self._turned
            while (due := self.next_due()) is not None and due <= until:
                self._jump(max(due, self._latest))
                await self._run_next()
                if self._turned != turned:
                    return  # a rewind came meanwhile: where it leads, this says nothing of
            self._jump(max(until, self._latest))
            self._anchor(rate=self._state.rate)
        self.arm()

    at = advance_to

    async def sleep(self, seconds: float) -> None:
        """Sleep for virtual seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self.alarm(self.now() + seconds)

    def alarm(self, due: float) -> asyncio.Future[None]:
        """A future that is done at a virtual time, in its order among the timers; cancel it to
        forget it. Unlike a timer it is no row: the end of the process forgets it.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._slept += 1
        heappush(self._sleepers, (due, self._slept, future))
        self.arm()
        return future

    # Running what is due

    def next_due(self) -> float | None:
        """When the next timer or sleeper is due."""
        while self._sleepers and self._sleepers[0][2].done():
            heappop(self._sleepers)
        due = self.agenda.next_due()
        if self._sleepers and (due is None or self._sleepers[0][0] < due):
            return self._sleepers[0][0]
        return due

    async def run_due(self) -> None:
        """Run everything that is due by now, in order."""
        async with self._alone():
            while (due := self.next_due()) is not None and due <= self.running():
                await self._run_next()
        self.arm()

    def arm(self) -> None:
        """Ask the running loop, if there is one, to wake the clock for what is due first."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is not None and not self._task.done() and self._task.get_loop() is loop:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        due, rate = self.next_due(), self._state.rate
        if due is None or (rate == 0.0 and due > self._latest):
            return
        late = due - self.running()
        wait = min(max(late / rate, 0.0), LONGEST_WAIT) if late > 0 else 0.0
        held = self._held_until - time.monotonic()
        # Timers run in a context of their own, not in that of the call which set them.
        self._handle = loop.call_later(max(wait, held), self._wake, loop, context=Context())

    def hold(self, seconds: float) -> None:
        """Run nothing by itself for some real seconds: what ran could not be stored."""
        self._held_until = time.monotonic() + seconds

    def stop(self) -> None:
        """Wake no more: the world closes."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = None
        self._task = loop.create_task(self.run_due())
        self._task.add_done_callback(self._woken)

    def _woken(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.result()
            self.arm()

    async def _run_next(self) -> None:
        due = self.agenda.next_due()
        if self._sleepers and (due is None or self._sleepers[0][0] < due):
            _, _, future = heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await asyncio.sleep(0)
            return
        assert due is not None
        instant = Instant(due)
        token = _instant.set(instant)
        try:
            await self.agenda.run_next()
        finally:
            instant.over = True  # tasks the timer left behind see the running clock
            _instant.reset(token)
        if time.monotonic() - self._breathed > BREATH_SECONDS:
            # However much is due, others get their turn, and what ran is written.
            await asyncio.sleep(0)
            self._breathed = time.monotonic()

    def _alone(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]

    # State

    def set(self, virtual: float, rate: float, resume: float) -> None:
        """Show a time without journaling it: at open, after a rewind, in a fork."""
        self._turned += 1
        self._latest = virtual
        self._state = ClockState(virtual, self.real(), rate, resume)

    @property
    def state(self) -> ClockState:
        return self._state

    def _jump(self, virtual: float) -> None:
        self._latest = virtual
        self._state = msgspec.structs.replace(self._state, virtual=virtual, real=self.real())

    def _anchor(self, rate: float) -> None:
        resume = rate or self._state.rate or self._state.resume
        state = ClockState(self.running(), self.real(), rate, resume)
        with self._world.transaction():
            self._world.rows(clocks)["clock"] = state
        self.arm()

    def _changed(self, change: Change) -> None:
        if change.new is not None:
            self._state = change.new
            self.arm()
