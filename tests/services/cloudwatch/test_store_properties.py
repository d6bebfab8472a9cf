"""The packed blocks against a list of everything that was put."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mesocosm.services.cloudwatch.resources.metrics import Store
from mesocosm.services.cloudwatch.resources.writing import Writer
from mesocosm.services.cloudwatch.rules import statistics
from mesocosm.services.cloudwatch.rules.points import DISTINCT_MAX, Sample, condensed
from mesocosm.world import World

NOW = 1_800_000_000
KEY = ("App", "m", "")

points = st.lists(
    st.tuples(
        st.integers(-7_200, 3_600),  # seconds from now
        st.sampled_from([1, 60]),
        st.sampled_from(["None", "Count"]),
        st.integers(0, 9).map(float),
        st.integers(1, 3),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(points, st.sampled_from([1, 10, 60, 120, 300, 3_600]), st.sampled_from([None, "Count"]))
def test_every_period_has_what_was_put_into_it(
    given_points: list[tuple[int, int, str, float, int]], period: int, unit: str | None
) -> None:
    start, end = NOW - 3_600, NOW + 1_800
    expected: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:

        async def story() -> dict[int, Sample]:
            world = World.open(Path(folder), real=lambda: float(NOW))
            try:
                with world.transaction():
                    writer = Writer(world, "1", "r")
                    for ago, resolution, unit_of, value, count in given_points:
                        at = NOW + ago
                        if count == 1:
                            writer.add(KEY, unit_of, resolution, at, value)
                        else:
                            sets = [(float(count), value * count, value, value)]
                            writer.add_sets(KEY, unit_of, resolution, at, sets)
                return Store(world, "1", "r").samples(KEY, unit, start, end, period, NOW)
            finally:
                world.close()

        found = asyncio.run(story())
    for ago, resolution, unit_of, value, count in given_points:
        at = (NOW + ago) // resolution * resolution
        if start <= at < end and period % resolution == 0 and unit in (None, unit_of):
            expected.setdefault((at - start) // period, []).extend([value] * count)
    assert {
        number: (statistics.count(one), statistics.total(one), statistics.minimum(one))
        for number, one in found.items()
    } == {number: (len(values), sum(values), min(values)) for number, values in expected.items()}
    for number, values in expected.items():
        percentile = statistics.statistic_of(statistics.Statistic("p", 0.0, 50.0, True))
        ranked = sorted(values)
        assert percentile(found[number]) == ranked[(len(ranked) + 1) // 2 - 1]


@given(st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=1, max_size=300))
def test_what_is_condensed_keeps_its_sums_and_nearly_its_percentiles(values: list[float]) -> None:
    sample, small = Sample(), Sample()
    sample.values += values
    small.sets += condensed(sample)
    for function in (statistics.count, statistics.minimum, statistics.maximum):
        assert function(small) == function(sample)
    assert statistics.total(small) == pytest.approx(statistics.total(sample))
    for percent in (10.0, 50.0, 99.0):
        percentile = statistics.statistic_of(statistics.Statistic("p", 0.0, percent, True))
        exact, near = percentile(sample), percentile(small)
        assert near == pytest.approx(exact, rel=0.011)
    if len(set(values)) <= DISTINCT_MAX:
        assert len(small.sets) == len(set(values))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("p99.9", True),
        ("TM(10%:90%)", True),
        ("PR(:300)", True),
        ("iqm", True),
        ("p101", False),
        ("TM(:)", False),
        ("TM(90%:10%)", False),
        ("PR(10%:20%)", False),
        ("average", False),
    ],
)
def test_names_of_statistics(text: str, good: bool) -> None:
    assert (statistics.parse(text) is not None) is good
