"""What follows when points arrive: alarms look again, streams pass them on; and the points that
Mesocosm's services publish about themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mesocosm.call.authority import Observed
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey, Store, joined
from mesocosm.world import World

DISTRIBUTION_MAX = 150


def arrived(call: Call, keys: Mapping[SeriesKey, float]) -> None:
    """These series have got points, the earliest at these times."""


@cloudwatch.provides("metrics")
class Metrics:
    """Keeps what services measure about themselves."""

    def __init__(self, world: World) -> None:
        self._world = world

    def publish(self, observed: Sequence[Observed]) -> None:
        """Keep a minute's observations, in the cells they were made in."""
        for one in observed:
            store = Store(self._world, one.account, one.region)
            key = (one.metric.namespace, one.metric.name, joined(one.dimensions))
            values = one.values
            if len(values) == 1 and next(iter(values.values())) == 1:
                store.add(key, one.metric.unit, 60, one.time, next(iter(values)))
                continue
            if len(values) <= DISTRIBUTION_MAX:
                sets = [
                    (float(count), value * count, value, value) for value, count in values.items()
                ]
            else:
                total = sum(value * count for value, count in values.items())
                sets = [(float(sum(values.values())), total, min(values), max(values))]
            store.add_sets(key, one.metric.unit, 60, one.time, sets)
