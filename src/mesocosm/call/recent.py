"""The newest calls of a cloud, kept as the bytes that the journal got.

A record is some thirty objects. As objects the newest two thousand would go through the processor's
caches at every call, to be looked at once in a while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mesocosm.call.record import CallRecord, decode


class Recent:
    """Records, oldest first: iterable both ways, made anew each time one looks."""

    def __init__(self, most: int) -> None:
        self._frames: deque[bytes] = deque(maxlen=most)
        self.append = self._frames.append
        """Add the records of one journal frame."""
        self.clear = self._frames.clear

    def __bool__(self) -> bool:
        return bool(self._frames)

    def __iter__(self) -> Iterator[CallRecord]:
        for frame in tuple(self._frames):
            yield from decode(frame)

    def __reversed__(self) -> Iterator[CallRecord]:
        for frame in reversed(tuple(self._frames)):
            yield from reversed(decode(frame))

    @property
    def newest(self) -> CallRecord | None:
        """The last record, None when there is none."""
        return next(reversed(self), None)

    def forget_after(self, instant: float) -> None:
        """Forget the calls after a moment (virtual epoch seconds): a rewind has left them."""
        kept = [frame for frame in self._frames if decode(frame)[0].time <= instant]
        self._frames.clear()
        self._frames.extend(kept)
