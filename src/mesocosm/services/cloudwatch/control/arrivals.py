"""What follows when points arrive: alarms look again, streams pass them on; and the points that
Mesocosm's services publish about themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mesocosm.call.authority import Observed
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.evaluate import wake
from mesocosm.services.cloudwatch.control.streaming import gather
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey, joined
from mesocosm.services.cloudwatch.resources.writing import Writer
from mesocosm.world import World

DISTRIBUTION_MAX = 150


def arrived(
    world: World, account: str, region: str, now: float, keys: Mapping[SeriesKey, float]
) -> None:
    """These series have got points, the earliest at these times."""
    wake(world, account, region, now, keys)
    gather(world, account, region, now, keys)


@cloudwatch.provides("metrics")
class Metrics:
    """Keeps what services measure about themselves."""

    def __init__(self, world: World) -> None:
        self._world = world

    def publish(self, observed: Sequence[Observed]) -> None:
        """Keep a minute's observations, in the cells they were made in."""
        cells: dict[tuple[str, str], dict[SeriesKey, float]] = {}
        for one in observed:
            writer = Writer(self._world, one.account, one.region)
            key = (one.metric.namespace, one.metric.name, joined(one.dimensions))
            cells.setdefault((one.account, one.region), {})[key] = one.time
            values = one.values
            if len(values) == 1 and next(iter(values.values())) == 1:
                writer.add(key, one.metric.unit, 60, one.time, next(iter(values)))
                continue
            if len(values) <= DISTRIBUTION_MAX:
                sets = [
                    (float(count), value * count, value, value) for value, count in values.items()
                ]
            else:
                total = sum(value * count for value, count in values.items())
                sets = [(float(sum(values.values())), total, min(values), max(values))]
            writer.add_sets(key, one.metric.unit, 60, one.time, sets)
        now = self._world.clock.now()
        for (account, region), keys in cells.items():
            arrived(self._world, account, region, now, keys)
