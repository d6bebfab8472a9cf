"""Reading goes on while the disk is full: the records of such calls wait until there is room."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesocosm.call.record import CallRecord, encode

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.world import StorageFailed

RECORDS_MAX = 10_000
"""About 20 MB. When so many wait, calls that only read are refused as well: none goes unrecorded.
"""

FRAME_RECORDS = 200


class Unstored:
    """The records of answered calls that changed nothing and could not be stored yet.

    They are in memory only: the end of the process before there is room loses them.
    """

    def __init__(self) -> None:
        self._records: deque[CallRecord] = deque()
        self._underway = 0

    def __len__(self) -> int:
        return len(self._records)

    def keep(self, records: Sequence[CallRecord]) -> bool:
        """Keep the records of a call until they can be stored; False when there are too many."""
        if len(self._records) + self._underway + len(records) > RECORDS_MAX:
            return False
        self._records.extend(records)
        return True

    def clear(self) -> None:
        """Forget them: the line they were on was left."""
        self._records.clear()

    def store(self, cloud: Cloud) -> None:
        """Store some of them; those that cannot be are kept. Call it when something was stored."""
        count = min(len(self._records), FRAME_RECORDS)
        records = [self._records.popleft() for _ in range(count)]
        with cloud.world.transaction() as transaction:
            cloud.gate.documents.write()
            transaction.record = encode(records)
        self._underway += count

        def stored(error: StorageFailed | None) -> None:
            self._underway -= count
            if error is not None:
                self._records.extendleft(reversed(records))
            elif self._records:
                self.store(cloud)

        cloud.world.when_stored(transaction.position, stored)
