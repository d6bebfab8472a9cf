"""Keeping a world's directory in bounds while it runs: checkpoints, folding, sweeping blobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from mesocosm.world.branch import Branch, Store
from mesocosm.world.checkpoint import Freeze, write_manifest
from mesocosm.world.clock import Clock
from mesocosm.world.errors import WorldError
from mesocosm.world.fold import HistoryWindow, Plan, apply, plan, used_blobs, write_trails

log = logging.getLogger(__name__)


class HistoryWorld(Protocol):
    """What the keeper needs of its world."""

    @property
    def branch(self) -> Branch: ...

    @property
    def clock(self) -> Clock: ...

    def freeze(self) -> Freeze: ...

    def rotate(self) -> None: ...

    def committed(self, position: int) -> Awaitable[None]: ...


class Keeper:
    """Makes checkpoints of one world, and folds what its history window no longer holds."""

    def __init__(self, store: Store, window: HistoryWindow) -> None:
        self.window = window
        self._store = store
        self._task: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def start(self, world: HistoryWorld) -> None:
        """Make a checkpoint in the background, unless one is being made or no loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        task = self._task
        if task is not None and task.get_loop() is loop and not task.done():
            return
        self._task = loop.create_task(self._keep(world))

    def stop(self) -> None:
        """Leave off: the world is rewound or closed. Waits for the thread."""
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()
        self._task = None
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None

    def run(self, world: HistoryWorld) -> None:
        """Make a checkpoint, fold and sweep, now. Everything must be stored already."""
        freeze = world.freeze()
        world.rotate()
        for _ in freeze.write(self._store.blobs):
            pass
        if self._store.power:
            self._store.blobs.sync()
        self._publish(world, freeze)
        planned = self._plan(world)
        write_trails(self._store, planned.folds)
        if apply(self._store, planned, world.clock.running()):
            self._sweep()

    async def _keep(self, world: HistoryWorld) -> None:
        try:
            freeze = world.freeze()
            world.rotate()
            for _ in freeze.write(self._store.blobs):
                await asyncio.sleep(0)
            await world.committed(freeze.position)
            if self._store.power:
                await self._in_thread(self._store.blobs.sync)
            self._publish(world, freeze)
            await self._fold(world)
        except (WorldError, OSError):
            # The journal alone still holds everything; the next checkpoint tries again.
            log.exception("a checkpoint could not be written")

    async def _fold(self, world: HistoryWorld) -> None:
        planned = self._plan(world)
        if not any(planned):
            return
        before = set(self._store.branches)
        await self._in_thread(lambda: write_trails(self._store, planned.folds))
        if before != set(self._store.branches):
            return  # a fork may need what was to be folded: the next checkpoint plans anew
        if apply(self._store, planned, world.clock.running()):
            await self._in_thread(self._sweep)

    def _plan(self, world: HistoryWorld) -> Plan:
        tips = self._store.tips()
        return plan(self._store, tips, world.branch.name, world.clock.real(), self.window)

    def _publish(self, world: HistoryWorld, freeze: Freeze) -> None:
        store = self._store
        directory = store.directory(world.branch.name)
        write_manifest(store.files, directory, freeze.manifest(), sync=store.power)
        freeze.publish()

    def _sweep(self) -> None:
        store = self._store
        used = used_blobs(store, store.references)
        for world in list(store.worlds):
            used |= world.digests()
        store.blobs.sweep(used)

    async def _in_thread(self, function: Callable[[], object]) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "mesocosm-keeper")
        await asyncio.get_running_loop().run_in_executor(self._thread, function)
