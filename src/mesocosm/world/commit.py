"""Group commit: the frames of one turn of the event loop are written together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Protocol

from mesocosm.world.errors import StorageFailed
from mesocosm.world.files import Files, storage_error
from mesocosm.world.journal import Journal

log = logging.getLogger(__name__)

Stored = Callable[[StorageFailed | None], None]
"""What is called when a frame is stored, or has been lost."""

BUFFER = 1 << 20
"""Bytes after which frames are written at once, without waiting for the loop's turn to end."""


class Blobs(Protocol):
    def sync(self) -> None: ...


class GroupCommit:
    """Writes a journal once per loop turn, and tells those who wait for their position.

    `undo_to(position)` is called when what follows `position` could not be stored.
    """

    def __init__(
        self,
        files: Files,
        journal: Journal,
        blobs: Blobs,
        undo_to: Callable[[int], None],
        *,
        power: bool,
    ) -> None:
        self.journal = journal
        self._files = files
        self._blobs = blobs
        self._undo_to = undo_to
        self._power = power
        self._scheduled: asyncio.AbstractEventLoop | None = None
        self._syncing: asyncio.AbstractEventLoop | None = None
        self._waiters: list[tuple[int, Stored]] = []
        self._lost: list[tuple[int, int, StorageFailed]] = []
        self._failures = 0
        self._buffered = 0
        self._rotate = False

    def append(self, payload: bytes) -> int:
        """Put a frame in the buffer; call `schedule` when its changes can be undone."""
        self._buffered += len(payload)
        return self.journal.append(payload)

    def committed(self, position: int) -> asyncio.Future[None]:
        """Awaited, returns when the frame is durable; raises `StorageFailed` when it was lost."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def stored(error: StorageFailed | None) -> None:
            if future.done() or future.get_loop().is_closed():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.when_stored(position, stored)
        return future

    def when_stored(self, position: int, function: Stored) -> None:
        """Call `function(None)` when the frame is durable, `function(error)` when it was lost.

        At once, when that is known already.
        """
        lost = self._failure(position) if self._lost else None
        if lost is not None or position <= self.journal.durable:
            function(lost)
            return
        self._waiters.append((position, function))
        self.schedule()

    def flush(self) -> None:
        """Make everything durable now, waiting for the disk. Raises `StorageFailed`."""
        self._buffered = 0
        try:
            self._end_segment()
            self.journal.write()
            if self._power:
                self._blobs.sync()
                self.journal.sync()
        except OSError as error:
            raise self._fail(error) from error
        self._complete()

    def schedule(self) -> None:
        """Write at the end of this turn of the loop. Without a running loop: wait for `flush`."""
        scheduled = self._scheduled
        if scheduled is not None and scheduled.is_running() and self._buffered <= BUFFER:
            return  # as most calls find it; to ask for the running loop costs a system call
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._buffered > BUFFER:
            self._turn()
        elif self._scheduled is not loop:
            self._scheduled = loop
            loop.call_soon(self._turn)

    def rotate(self) -> None:
        """Begin a new segment with the next write."""
        self._rotate = True
        self.journal.segment_bytes = 0  # what comes counts for the new one

    def _turn(self) -> None:
        self._scheduled = None
        self._buffered = 0
        if self._rotate and self._syncing is not None:
            return  # the segment ends with what is being synced; then comes another turn
        try:
            self._end_segment()
            self.journal.write()
        except OSError as error:
            self._fail(error)
            return
        if self._power:
            self._sync_in_thread(asyncio.get_running_loop())
        else:
            self._complete()

    def _sync_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._syncing is loop or self.journal.synced == self.journal.written:
            return
        self._syncing = loop
        journal, failures = self.journal, self._failures
        descriptor, position, size = journal.begin_sync()

        def sync() -> None:
            try:
                self._blobs.sync()
                self._files.sync(descriptor)
            finally:
                os.close(descriptor)

        def done(future: asyncio.Future[None]) -> None:
            self._syncing = None
            if future.cancelled():
                return
            error = future.exception()
            if failures == self._failures and journal.synced < position:
                if error is not None:
                    self._fail(error)
                else:
                    journal.mark_synced(position, size)
                    self._complete()
            if journal.pending:
                self._turn()
            else:
                self._sync_in_thread(loop)

        loop.run_in_executor(None, sync).add_done_callback(done)

    def _end_segment(self) -> None:
        if self._rotate:
            if self._power:
                self.journal.sync()
            self.journal.rotate()
            self._rotate = False

    def _complete(self) -> None:
        durable = self.journal.durable
        waiters, self._waiters = self._waiters, []
        for position, function in waiters:
            if position <= durable:
                _tell(function, self._failure(position) if self._lost else None)
            else:
                self._waiters.append((position, function))

    def _fail(self, error: BaseException) -> StorageFailed:
        failure = storage_error(error)
        self._failures += 1
        first, last = self.journal.drop()
        self._lost = [*self._lost[-999:], (first, last, failure)]
        self._undo_to(first - 1)
        waiters, self._waiters = self._waiters, []
        for position, function in waiters:
            _tell(function, self._failure(position))
        return failure

    def _failure(self, position: int) -> StorageFailed | None:
        """Why a frame was lost, each time as an exception of its own; None when it was not."""
        for first, last, failure in self._lost:
            if first <= position <= last:
                return type(failure)(*failure.args)
        return None


def _tell(function: Stored, error: StorageFailed | None) -> None:
    # The others that wait must be told whatever this one does.
    try:
        function(error)
    except Exception:
        log.exception("what waited for the journal failed")
