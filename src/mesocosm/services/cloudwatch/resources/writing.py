"""Putting data points: one short row is written anew for each, and nothing is read.

By itself, as it is compiled (tools/compile.py) and the rows are not.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.services.cloudwatch.resources.metrics import (
    LAST_IS_LATE,
    UNIT_CODES,
    Block,
    Counter,
    Series,
    SeriesKey,
    blocks,
    counters,
    roll_daily,
    series,
)
from mesocosm.services.cloudwatch.rules.points import (
    BLOCK_MAX_BYTES,
    PLAIN,
    SPANS,
    WEIGHTED,
    Weighted,
)
from mesocosm.world import World


class Writer:
    """Writes the metrics of one cell, in a transaction."""

    def __init__(self, world: World, account: str, region: str) -> None:
        self.world = world
        self.account = account
        self.region = region
        self.series = world.rows(series, account, region)
        self.blocks = world.rows(blocks, account, region)

    def lane(self, key: SeriesKey, unit: str, kind: int, at: float, fine: bool) -> int:
        """The lane that a point goes to; the series is made or brought up to date."""
        code = UNIT_CODES[unit] * 2 + kind
        row = self.series.get(key)
        if row is None:
            given = self.world.rows(counters, self.account, self.region)
            number = given["series"].last + 1 if "series" in given else 1
            given["series"] = Counter(number)
            row = self.series[key] = Series(id=number, last=at, lanes=(code,), fine=fine)
            roll_daily(self.world, self.account, self.region)
        elif code not in row.lanes or at >= row.last + LAST_IS_LATE or fine > row.fine:
            self.series[key] = row = replace(
                row,
                last=max(at, row.last),
                lanes=row.lanes if code in row.lanes else (*row.lanes, code),
                fine=fine or row.fine,
            )
        return row.id * 64 + code

    def add(self, key: SeriesKey, unit: str, resolution: int, at: float, value: float) -> None:
        """A value observed once at an instant."""
        row, code = self.series.get(key), UNIT_CODES[unit] * 2
        if (
            row is None
            or at >= row.last + LAST_IS_LATE
            or code not in row.lanes
            or (resolution == 1 and not row.fine)
        ):
            lane = self.lane(key, unit, 0, at, resolution == 1)
        else:
            lane = row.id * 64 + code
        span = SPANS[resolution]
        second = int(at)
        start = second - second % span
        self.append(lane, resolution, start, PLAIN.pack((second - start) // resolution, value))

    def add_sets(
        self, key: SeriesKey, unit: str, resolution: int, at: float, sets: list[Weighted]
    ) -> None:
        """Statistic sets of an instant."""
        lane = self.lane(key, unit, 1, at, resolution == 1)
        span = SPANS[resolution]
        second = int(at)
        start = second - second % span
        offset = (second - start) // resolution
        data = b"".join([WEIGHTED.pack(offset, *one) for one in sets])
        self.append(lane, resolution, start, data)

    def append(self, lane: int, resolution: int, start: int, data: bytes) -> None:
        """Put records at the end of a block."""
        key = (lane, resolution, start, 0)
        row = self.blocks.get(key)
        if row is None:
            self.blocks[key] = Block(data)
        elif len(row.data) < BLOCK_MAX_BYTES:
            self.blocks[key] = Block(row.data + data, row.aside)
        else:
            number = row.aside + 1
            self.blocks[lane, resolution, start, number] = Block(row.data)
            self.blocks[key] = Block(data, number)
