"""Points grow old: once a day what is past its retention becomes coarser, and in the end goes.

What a query sees does not wait for this: `oldest_of` cuts at the second.
"""

from __future__ import annotations

from itertools import takewhile

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.alarms import HISTORY, history
from mesocosm.services.cloudwatch.resources.metrics import (
    DAY,
    BlockKey,
    SeriesKey,
    Store,
    blocks,
    series,
)
from mesocosm.services.cloudwatch.resources.writing import Writer
from mesocosm.services.cloudwatch.rules.points import (
    COARSER,
    RETENTION,
    SPANS,
    WEIGHTED,
    Sample,
    condensed,
    plain,
    weighted,
)
from mesocosm.world import World

AT_ONCE = 200
"""Blocks in one go: a timer with more to do comes back at once, and calls go between."""


class Agenda:
    """What the roll-up of each cell has still to do today."""

    def __init__(self, world: World) -> None:
        self.cells: dict[tuple[str, str], list[BlockKey]] = {}


@cloudwatch.timer("roll")
def roll(call: Call, key: str) -> None:
    """Make old points coarser, and those of 455 days go."""
    agenda = call.world.derived(Agenda).cells
    cell = (call.account, call.region)
    todo = agenda.get(cell)
    if todo is None:
        todo = agenda[cell] = _due(call)
    store = Store(call.world, call.account, call.region)
    names = {row.id: name for name, row in store.series.items()} if todo else {}
    for block in todo[-AT_ONCE:]:
        _coarsen(store, names, block, call.now)
    del todo[-AT_ONCE:]
    if todo:
        call.at(call.now, "roll", key)
        return
    del agenda[cell]
    for name, row in list(store.series.items()):
        if row.last < call.now - RETENTION[3_600] - DAY:
            del call.rows(series)[name]
    kept = _forget_history(call)
    if store.series or store.blocks or kept:
        call.at(call.now // DAY * DAY + DAY, "roll", key)


def _forget_history(call: Call) -> bool:
    """The history of alarms is kept for thirty days; whether there is any left."""
    rows = call.rows(history)
    old = list(takewhile(lambda key: rows[key].time < call.now - HISTORY, rows.range()))
    for key in old:
        del rows[key]
    return bool(rows)


def _due(call: Call) -> list[BlockKey]:
    """Blocks past their retention, and full ones that will not grow any more."""
    now = call.now
    found = []
    for key, row in call.rows(blocks).items():
        _, resolution, start, number = key
        end = start + SPANS[resolution]
        if number == 0 and (end <= now - RETENTION[resolution] or (row.aside and end < now - DAY)):
            found.append(key)
    return sorted(found, reverse=True)


def _coarsen(store: Store, names: dict[int, SeriesKey], key: BlockKey, now: float) -> None:
    lane, resolution, start, _ = key
    if key not in store.blocks:
        return
    data = list(store.read(lane, resolution, start))
    for number in range(store.blocks[key].aside + 1):
        del store.blocks[lane, resolution, start, number]
    old = start + SPANS[resolution] <= now - RETENTION[resolution]
    step = COARSER.get(resolution) if old else resolution
    name = names.get(lane // 64)
    if step is None or name is None:
        return
    samples: dict[int, Sample] = {}
    for some in data:
        _gather(samples, some, lane % 2 == 1, start, resolution, step)
    row = store.series[name]
    code = lane % 64 | 1
    if code not in row.lanes:
        store.series[name] = replace(row, lanes=(*row.lanes, code))
    writer = Writer(store.world, store.account, store.region)
    for second, sample in sorted(samples.items(), key=lambda item: item[0]):
        first = second - second % SPANS[step]
        records = [WEIGHTED.pack((second - first) // step, *one) for one in condensed(sample)]
        writer.append(lane | 1, step, first, b"".join(records))


def _gather(
    samples: dict[int, Sample], data: bytes, sets: bool, start: int, resolution: int, step: int
) -> None:
    """Add the points of a block to the samples of the coarser periods they fall in."""
    if sets:
        for offset, count, total, low, high in weighted(data):
            second = (start + offset * resolution) // step * step
            samples.setdefault(second, Sample()).sets.append((count, total, low, high))
        return
    for offset, value in zip(*plain(data), strict=True):
        second = (start + offset * resolution) // step * step
        samples.setdefault(second, Sample()).values.append(value)
