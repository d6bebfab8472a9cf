"""Data points packed into bytes, and many of them condensed into few.

A block holds the points of one series and unit in a stretch of time, as records one after the
other: appending is a concatenation, reading one `struct` call. Two kinds of block, so that the
usual record takes ten bytes:

- plain: `<Hd`, the offset in units of the block's resolution, and a value observed once;
- weighted: `<Hdddd`, the offset, and count, sum, minimum and maximum of a statistic set. A value
  observed several times is one whose minimum equals its maximum.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

SPANS = {1: 3_600, 60: 3_600, 300: 86_400, 3_600: 2_592_000}
"""Seconds of time in a block, by the resolution of its points in seconds."""

RETENTION = {1: 3 * 3_600, 60: 15 * 86_400, 300: 63 * 86_400, 3_600: 455 * 86_400}
"""How long points of a resolution are kept (GetMetricData, "CloudWatch retains metric data")."""

COARSER = {1: 60, 60: 300, 300: 3_600}

PLAIN = struct.Struct("<Hd")
WEIGHTED = struct.Struct("<Hdddd")

BLOCK_MAX_BYTES = 640
"""A block that is longer is set aside whole, so that an append copies and journals no more: an
hour of a point a minute fits.
"""

DISTINCT_MAX = 64
BIN = math.log(1.01)

Weighted = tuple[float, float, float, float]
"""Count, sum, minimum, maximum."""


class Sample:
    """What was observed in one period: single values, and statistic sets."""

    __slots__ = ("sets", "values")

    def __init__(self) -> None:
        self.values: list[float] = []
        self.sets: list[Weighted] = []


def plain(data: bytes) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Offsets and values of a plain block."""
    flat = struct.unpack("<" + "Hd" * (len(data) // PLAIN.size), data)
    return flat[0::2], flat[1::2]


def weighted(data: bytes) -> Iterable[tuple[int, float, float, float, float]]:
    """The records of a weighted block."""
    return WEIGHTED.iter_unpack(data)


def condensed(sample: Sample) -> list[Weighted]:
    """The same count, sum, minimum and maximum in few records. Percentiles stay exact up to
    `DISTINCT_MAX` distinct values, beyond that within one per cent, as CloudWatch's own histograms.
    """
    counts: dict[float, float] = {}
    sets: Weighted | None = None
    for value in sample.values:
        counts[value] = counts.get(value, 0.0) + 1.0
    for count, total, low, high in sample.sets:
        if low == high:
            counts[low] = counts.get(low, 0.0) + count
        elif sets is None:
            sets = (count, total, low, high)
        else:
            sets = (sets[0] + count, sets[1] + total, min(sets[2], low), max(sets[3], high))
    if len(counts) > DISTINCT_MAX:
        counts = _binned(counts)
    found: list[Weighted] = [
        (count, value * count, value, value) for value, count in sorted(counts.items())
    ]
    return found if sets is None else [*found, sets]


def _binned(counts: dict[float, float]) -> dict[float, float]:
    low, high = min(counts), max(counts)
    bins: dict[tuple[float, int], list[float]] = {}
    kept: dict[float, float] = {}
    for value, count in counts.items():
        if value in (low, high):
            kept[value] = count
            continue
        place = (math.copysign(1.0, value), round(math.log(abs(value)) / BIN)) if value else (0, 0)
        one = bins.setdefault(place, [0.0, 0.0])
        one[0] += count
        one[1] += value * count
    for count, total in bins.values():
        kept[total / count] = kept.get(total / count, 0.0) + count
    return kept
