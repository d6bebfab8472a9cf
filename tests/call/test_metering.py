"""Counting is a bump in memory; once a minute of the cloud's clock it is given away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mesocosm.call.authority import Metric, Observed
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.metering import Meter
from mesocosm.call.service import Catalogue, Service
from mesocosm.world import World

SENT = Metric("AWS/Post", "Sent")
DEPTH = Metric("AWS/Post", "Depth")
QUEUE = (("QueueName", "q"),)
START = 1_800_000_000.0


class Kept:
    """A keeper of metrics, and a service with a gauge that stays awake for two samples."""

    def __init__(self) -> None:
        self.observed: list[Observed] = []
        self.samples = 0
        self.store = store = Service("store")
        self.post = post = Service("post")
        kept = self

        @store.provides("metrics")
        class Metrics:
            def __init__(self, world: World) -> None: ...

            def publish(self, observed: Sequence[Observed]) -> None:
                kept.observed += observed

        @post.gauge(60)
        def depth(call: Call, meter: Meter) -> bool:
            kept.samples += 1
            meter.sample("1", "r", DEPTH, QUEUE, 7.0)
            return kept.samples < 2

    def cloud(self, world: World) -> Cloud:
        services = {"store": self.store, "post": self.post}
        catalogue = Catalogue(services.get, tuple(services), {"metrics": "store"}, {})
        return Cloud(world, catalogue, Settings())


def live(directory: Path, story: Callable[[Kept, Cloud], Any]) -> Kept:
    """Run a story in a new world at a full minute."""
    kept = Kept()

    async def told() -> None:
        world = World.open(directory, real=lambda: START)
        try:
            await story(kept, kept.cloud(world))
        finally:
            world.close()

    asyncio.run(told())
    return kept


def test_counts_of_a_minute_become_one_observation(tmp_path: Path) -> None:
    async def story(kept: Kept, cloud: Cloud) -> None:
        for value in (1.0, 1.0, 5.0):
            cloud.meter.count("1", "r", SENT, QUEUE, value)
        await cloud.world.clock.advance(59)
        assert not kept.observed
        await cloud.world.clock.advance(1)

    (seen,) = live(tmp_path, story).observed
    assert seen == Observed("1", "r", SENT, QUEUE, START, {1.0: 2, 5.0: 1})


def test_nothing_counted_arms_and_stores_nothing(tmp_path: Path) -> None:
    async def story(kept: Kept, cloud: Cloud) -> None:
        cloud.meter.count("1", "r", SENT, QUEUE)
        await cloud.world.clock.advance(120)
        before = cloud.world.position
        assert cloud.world.clock.next_due() is None
        await cloud.world.clock.advance(86_400)
        assert cloud.world.position <= before + 1  # the clock's own row

    assert len(live(tmp_path, story).observed) == 1


def test_a_gauge_sleeps_when_it_says_so_and_wakes_when_something_is_counted(
    tmp_path: Path,
) -> None:
    async def story(kept: Kept, cloud: Cloud) -> None:
        cloud.wake("post")
        await cloud.world.clock.advance(600)
        assert kept.samples == 2
        cloud.meter.count("1", "r", SENT, QUEUE)
        await cloud.world.clock.advance(120)
        assert kept.samples == 3

    seen = [one for one in live(tmp_path, story).observed if one.metric is DEPTH]
    assert [(one.time - START, one.values) for one in seen[:2]] == [
        (0.0, {7.0: 1}),
        (60.0, {7.0: 1}),
    ]


def test_a_rewind_drops_what_was_not_given(tmp_path: Path) -> None:
    async def story(kept: Kept, cloud: Cloud) -> None:
        cloud.world.snapshot("before")
        cloud.meter.count("1", "r", SENT, QUEUE)
        cloud.world.rewind("before")
        await cloud.world.clock.advance(120)

    assert not live(tmp_path, story).observed
