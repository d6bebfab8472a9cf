"""An alarm's life by the clock against a model that evaluates every minute and never sleeps."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from tests.services.cloudwatch.test_evaluation import TREATMENTS, naive

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.identity import root_principal
from mesocosm.services import assemble
from mesocosm.services.cloudwatch.resources.alarms import states
from mesocosm.services.cloudwatch.rules.evaluation import evaluation_range
from mesocosm.world import World

ACCOUNT, REGION = "000000000000", "us-east-1"
NOON = 1_800_000_000


def ask(cloud: Cloud, operation: str, request: Any) -> None:
    """An operation of CloudWatch, as the root user."""
    service = cloud.wake("cloudwatch")
    assert service is not None
    principal = root_principal(ACCOUNT)
    call = Call(cloud, service, None, principal, ACCOUNT, REGION, "a-request")
    with cloud.world.transaction():
        service.operations[operation].function(call, request)


def put(cloud: Cloud, at: float, value: float) -> None:
    ask(
        cloud,
        "PutMetricData",
        api.PutMetricDataInput(
            namespace="App",
            metric_data=[api.MetricDatum(metric_name="m", value=value, timestamp=at)],
        ),
    )


minutes = st.lists(
    st.tuples(
        st.sampled_from([None, None, 0.0, 9.0]),  # the value of this minute: none, low, high
        st.sampled_from([0, 1, 2, 30, 59]),  # the second it comes at
        st.sampled_from([None, None, None, 1, 2]),  # one that comes so many minutes late, high
        st.sampled_from([1, 1, 1, 1, 7]),  # minutes to go on afterwards
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=40)
@given(minutes, st.integers(1, 3), st.data())
def test_an_alarm_is_where_a_sleepless_one_would_be(
    story: list[tuple[float | None, int, int | None, int]], periods: int, data: st.DataObject
) -> None:
    to_alarm = data.draw(st.integers(1, periods))
    treatment = data.draw(st.sampled_from(TREATMENTS))

    async def live(folder: str) -> None:
        world = World.open(Path(folder), real=lambda: float(NOON))
        cloud = assemble(world, Settings())
        clock = world.clock
        ask(
            cloud,
            "PutMetricAlarm",
            api.PutMetricAlarmInput(
                alarm_name="a",
                namespace="App",
                metric_name="m",
                statistic="Maximum",
                period=60,
                evaluation_periods=periods,
                datapoints_to_alarm=to_alarm,
                threshold=5.0,
                comparison_operator="GreaterThanThreshold",
                treat_missing_data=treatment,
            ),
        )
        known: dict[int, float] = {}
        expected = "INSUFFICIENT_DATA"
        minute = 0
        for value, second, late, pause in story:
            await clock.advance_to(NOON + 60 * minute + 1.5 + second % 57)
            if value is not None:
                put(cloud, clock.now(), value)
                known[minute] = max(value, known.get(minute, 0.0))
            if late is not None:
                put(cloud, NOON + 60 * (minute - late), 9.0)
                known[minute - late] = 9.0
            for _ in range(pause):
                minute += 1
                await clock.advance_to(NOON + 60 * minute + 1.2)
                marks = [
                    None if at not in known else known[at] > 5
                    for at in range(minute - evaluation_range(periods), minute)
                ]
                expected = naive(marks, periods, to_alarm, treatment) or expected
                found = world.rows(states, ACCOUNT, REGION)["a"].value
                assert found == expected, (minute, marks)
        world.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(folder))
