"""What services measure about themselves, under AWS's names: a bump in memory now, a data point
each minute.

A service declares its metrics once, beside its rows, and counts where something happens:

```python
sent = Metric("AWS/SQS", "NumberOfMessagesSent", "Count")     # in the service's resources.py

meter = call.cloud.meter
meter.count(call.account, call.region, sent, (("QueueName", name),))           # one more
meter.count(call.account, call.region, size, (("QueueName", name),), 312.0)    # one of 312 bytes
```

Dimensions are pairs in the order of their names. A bump costs well under a microsecond. It belongs
at the end of an operation: what is undone afterwards stays counted. At the end of each minute of
the world's clock the counts are given to whoever answers "metrics" (`call/authority.py`), in one
transaction, so that an alarm on the metric sees them. When nothing was counted, nothing is armed
and nothing is stored. A count that was not yet given is not a row: a rewind drops it, a fork does
not inherit it, and the end of the process loses it (less than a minute; AWS promises no more).

What a resource *is* (messages in a queue, bytes in a bucket) is sampled by a function the service
declares in its control.py:

```python
@sqs.gauge(60)                                                # virtual seconds between samples
def depths(call: Call, meter: Meter) -> bool:
    for account, region, rows in call.world.cells(queues): ...
        meter.sample(account, region, visible, (("QueueName", name),), 3.0)
    return still_active
```

It runs at the end of each such period, in a transaction, once for all cells. While it returns
True it is sampled again; after False it sleeps until something is counted again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mesocosm.call.authority import Dimensions, Metric, Observed

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.service import Service

__all__ = ["Dimensions", "Gauge", "Meter", "Metric"]

log = logging.getLogger("mesocosm")

MINUTE = 60.0

Gauge = Callable[["Call", "Meter"], bool]
Series = tuple[str, str, Metric, Dimensions]
"""Account, Region, metric, dimensions."""


class Meter:
    """The counts of one cloud since the last full minute."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._counts: dict[Series, dict[float, int]] = {}
        self._samples: list[Observed] = []
        self.fresh: list[Observed] = []
        """What was counted in the minute that has ended: for gauges that sample what was used."""
        self._minute = 0.0
        self._wake: asyncio.Future[None] | None = None
        self._due = 0.0
        self._gauges: dict[tuple[str, int], float] = {}
        """Service and number of each gauge that is awake -> when it is sampled next."""

    def count(
        self,
        account: str,
        region: str,
        metric: Metric,
        dimensions: Dimensions,
        value: float = 1.0,
        times: int = 1,
    ) -> None:
        """`times` more observations of `value`."""
        series = (account, region, metric, dimensions)
        values = self._counts.get(series)
        if values is None:
            first = not self._counts
            values = self._counts[series] = {}
            if first:
                self._minute = self._cloud.world.clock.now() // MINUTE * MINUTE
                self._arm()
        values[value] = values.get(value, 0) + times

    def sample(
        self,
        account: str,
        region: str,
        metric: Metric,
        dimensions: Dimensions,
        value: float,
        at: float | None = None,
    ) -> None:
        """What a gauge has read; `at`: another time than the minute that has just ended."""
        if at is None:
            at = self._cloud.world.clock.now() // MINUTE * MINUTE - MINUTE
        self._samples.append(Observed(account, region, metric, dimensions, at, {value: 1}))

    def attend(self, service: Service) -> None:
        """Sample a service's gauges, if they are not awake."""
        now = self._cloud.world.clock.now()
        for number, (every, _) in enumerate(service.gauges):
            self._gauges.setdefault((service.name, number), _end_of(now, every))
        self._arm()

    def reset(self) -> None:
        """The world was replaced: what was counted happened on another line."""
        self._counts.clear()
        self._samples.clear()
        self._gauges.clear()
        self._disarm()

    def _disarm(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None

    def _arm(self) -> None:
        dues = list(self._gauges.values())
        if self._counts:
            dues.append(self._minute + MINUTE)
        if not dues:
            return
        due = min(dues)
        if self._wake is not None and self._due <= due:
            return
        self._disarm()
        try:
            self._wake = self._cloud.world.clock.alarm(due)
        except RuntimeError:  # no loop runs: nobody advances the clock either
            return
        self._due = due
        self._wake.add_done_callback(self._woken)

    def _woken(self, wake: asyncio.Future[None]) -> None:
        if wake is not self._wake or wake.cancelled():
            return
        self._wake = None
        try:
            self.flush()
        except Exception:
            log.exception("the metrics of a minute could not be stored")
        self._arm()

    def flush(self) -> None:
        """Sample what is due, and give away what was counted in the minute that has ended."""
        now = self._cloud.world.clock.now()
        if self._counts and now >= self._minute + MINUTE:
            counts, self._counts = self._counts, {}
            self.fresh = [
                Observed(*series, self._minute, values) for series, values in counts.items()
            ]
            self._samples += self.fresh
            for service in self._cloud.awake():
                for number in range(len(service.gauges)):
                    self._gauges.setdefault((service.name, number), now)
        for (name, number), due in list(self._gauges.items()):
            owner = self._cloud.wake(name)
            if due > now or owner is None:
                continue
            every, function = owner.gauges[number]
            self._gauges[name, number] = _end_of(now, every)
            if not self._cloud.sample(owner, function):
                del self._gauges[name, number]
        self.fresh = []
        if self._samples:
            observed, self._samples = self._samples, []
            self._cloud.publish(observed)


def _end_of(now: float, every: float) -> float:
    return now // every * every + every
