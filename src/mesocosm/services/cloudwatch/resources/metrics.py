"""Metrics and their data points.

A series is a metric: namespace, name and dimensions. Its points lie in blocks of packed bytes
(`rules/points.py`), one row for a stretch of time, a unit, a resolution and a kind of record.
Putting a point rewrites one short row and reads nothing; reading a day at one minute touches 24.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from mesocosm.services.cloudwatch.rules.points import (
    COARSER,
    RETENTION,
    SPANS,
    Sample,
    plain,
    weighted,
)
from mesocosm.services.cloudwatch.rules.statistics import Statistic, statistic_of
from mesocosm.world import Table, World

SeriesKey: TypeAlias = tuple[str, str, str]
"""Namespace, name, and the dimensions as `joined` writes them."""

BlockKey: TypeAlias = tuple[int, int, int, int]
"""Lane (series, unit and kind of record), resolution, first second, and number: 0 is open."""

UNITS = [
    "None",
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
]
UNIT_CODES = {unit: code for code, unit in enumerate(UNITS)}

DAY = 86_400

LAST_IS_LATE = 300.0
"""By how many seconds `Series.last` may be behind."""

LISTED = 14 * 86_400.0
"""How long after its last point a metric is listed."""

SWEEP_MARGIN = 2 * 86_400
"""Points stay finer than they should be for at most so long, until the daily roll-up."""


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A metric. `lanes`: unit code * 2 + 1 for weighted records; `last`: its newest point."""

    id: int
    last: float
    lanes: tuple[int, ...] = ()
    fine: bool = False


class Block(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Points of a lane. `aside`: how many full blocks of the same time were set aside."""

    data: bytes
    aside: int = 0


class Counter(msgspec.Struct, frozen=True):
    """The last id given."""

    last: int


series = Table("cloudwatch.series", Series, key=tuple[str, str, str])
blocks = Table("cloudwatch.blocks", Block, key=tuple[int, int, int, int])
counters: Table[str, Counter] = Table("cloudwatch.counters", Counter)


def joined(dimensions: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    """Dimensions as one text, whatever their order."""
    return "\0".join([f"{name}\0{value}" for name, value in sorted(dimensions)])


def parted(text: str) -> list[tuple[str, str]]:
    """The dimensions in a text of `joined`."""
    parts = text.split("\0") if text else []
    return list(zip(parts[0::2], parts[1::2], strict=True))


def roll_daily(world: World, account: str, region: str) -> None:
    """See to it that what grows old in a cell is looked after."""
    if world.timers.get("cloudwatch", "roll", "", account, region) is None:
        tomorrow = world.clock.now() // DAY * DAY + DAY
        world.timers.at(tomorrow, "cloudwatch", "roll", "", account, region)


class Store:
    """The metrics of one cell, to be read. `resources/writing.py` writes them."""

    def __init__(self, world: World, account: str, region: str) -> None:
        self.world = world
        self.account = account
        self.region = region
        self.series = world.rows(series, account, region)
        self.blocks = world.rows(blocks, account, region)

    def read(self, lane: int, resolution: int, start: int) -> Iterator[bytes]:
        """The bytes of a lane's points in one stretch of time."""
        row = self.blocks.get((lane, resolution, start, 0))
        if row is None:
            return
        for number in range(1, row.aside + 1):
            yield self.blocks[lane, resolution, start, number].data
        yield row.data

    def _found(
        self, row: Series, unit: str | None, start: float, end: float, period: int, now: float
    ) -> Iterator[tuple[bool, int, int, bytes]]:
        """Kind, resolution, first second and bytes of everything that may fall in a time."""
        lanes = row.lanes
        if unit is not None:
            code = UNIT_CODES[unit] * 2
            lanes = tuple(lane for lane in lanes if lane in (code, code + 1))
        for resolution, span in SPANS.items():
            if period % resolution or (resolution == 1 and not row.fine):
                continue
            oldest = now - RETENTION[resolution] - SWEEP_MARGIN
            first = int(max(start, oldest)) // span * span
            for code in lanes:
                lane = row.id * 64 + code
                for at in range(first, int(min(end, row.last + LAST_IS_LATE + 7_200)) + 1, span):
                    for data in self.read(lane, resolution, at):
                        yield code % 2 == 1, resolution, at, data

    def samples(
        self, key: SeriesKey, unit: str | None, start: float, end: float, period: int, now: float
    ) -> dict[int, Sample]:
        """What was observed in each period since `start`, by its number; those without are left
        out. Points that are too old for the period are not there (the retention of each
        resolution).
        """
        row = self.series.get(key)
        found: dict[int, Sample] = {}
        if row is None:
            return found
        for sets, resolution, at, data in self._found(row, unit, start, end, period, now):
            oldest = max(start, oldest_of(resolution, period, now))
            if sets:
                for offset, *one in weighted(data):
                    second = at + offset * resolution
                    if oldest <= second < end:
                        _at(found, int(second - start) // period).sets.append(
                            (one[0], one[1], one[2], one[3])
                        )
                continue
            for offset, value in zip(*plain(data), strict=True):
                second = at + offset * resolution
                if oldest <= second < end:
                    _at(found, int(second - start) // period).values.append(value)
        return found

    def values(
        self,
        key: SeriesKey,
        statistic: Statistic,
        unit: str | None,
        start: int,
        end: float,
        period: int,
        now: float,
    ) -> dict[int, float]:
        """A statistic of each period since `start`, by the second the period begins at."""
        if not statistic.extended:
            quick = self._quick(key, statistic, unit, start, end, period, now)
            if quick is not None:
                return quick
        function: Callable[[Sample], float | None] = statistic_of(statistic)
        samples = self.samples(key, unit, start, end, period, now)
        found = {}
        for number in sorted(samples):
            value = function(samples[number])
            if value is not None:
                found[start + number * period] = value
        return found

    def _quick(
        self,
        key: SeriesKey,
        statistic: Statistic,
        unit: str | None,
        start: int,
        end: float,
        period: int,
        now: float,
    ) -> dict[int, float] | None:
        """The same where every period has one single value, without a step for each point."""
        row = self.series.get(key)
        if row is None:
            return {}
        if start % period:
            return None
        times: list[int] = []
        values: list[float] = []
        for sets, resolution, at, data in self._found(row, unit, start, end, period, now):
            if sets or resolution != period:
                return None
            offsets, some = plain(data)
            times += [at + offset * period for offset in offsets]
            values += some
        if statistic.kind == "SampleCount":
            values = [1.0] * len(values)
        found = dict(zip(times, values, strict=True))
        if len(found) != len(times):
            return None  # several values in a period
        times.sort()
        first = max(start, oldest_of(period, period, now))
        if not times or (times[0] >= first and times[-1] < end and list(found) == times):
            return found
        return {at: found[at] for at in times if first <= at < end}


def _at(found: dict[int, Sample], number: int) -> Sample:
    sample = found.get(number)
    if sample is None:
        sample = found[number] = Sample()
    return sample


def oldest_of(resolution: int, period: int, now: float) -> float:
    """From when on points of a resolution are seen in periods of that length, whether or not the
    daily roll-up has come by.
    """
    while resolution in COARSER and period % COARSER[resolution] == 0:
        resolution = COARSER[resolution]
    return now - RETENTION[resolution]
