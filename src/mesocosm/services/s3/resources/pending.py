"""What is still to be done: notifications to send, versions to replicate, log lines to deliver.

These rows live in the cell of the bucket they concern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.world import World


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An event notification on its way to a queue or a topic (`target`, an ARN). `made` is epoch
    seconds; `body` the message's JSON.
    """

    bucket: str
    target: str
    body: str
    made: float
    attempts: int = 0


class Replication(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be copied to a destination (its bucket's name) by a rule.

    `what` is "object", "marker" or "metadata". `queued` and `due` are epoch seconds, `size` bytes.
    """

    rule: str
    bucket: str
    key: str
    version: str
    destination: str
    what: str
    queued: float
    due: float
    size: int = 0


class ReplicationMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What CloudWatch shows of a rule: what waits (bytes, operations), how long the last one took
    (seconds), and how many failed.
    """

    bytes_pending: int = 0
    operations_pending: int = 0
    latency: float = 0.0
    failed: int = 0


class LogLine(msgspec.Struct, frozen=True):
    """A line of a server access log, made at `at` (epoch seconds)."""

    at: float
    text: str


notices: Table[str, Notice] = Table("s3.notices", Notice, renamed={"queue": "target"})
replications = Table("s3.replications", Replication, key=tuple[str, int], ordered=True)
"""Key: source bucket, order of queueing."""
replication_metrics = Table("s3.replication_metrics", ReplicationMetrics, key=tuple[str, str, str])
"""Key: source bucket, destination bucket, rule."""
log_lines = Table("s3.log_lines", LogLine, key=tuple[str, int], ordered=True)
"""Key: source bucket, order."""


class Order:
    """Ever greater numbers, from the journal's position at the start: what comes later is greater,
    also after a restart, and a seed repeats them.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = 0

    def next(self) -> int:
        """The next number."""
        self._last = max(self._last + 1, self._world.began * 1_000_000)
        return self._last
