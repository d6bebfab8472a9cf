"""Micro-benchmark of the world: python bench/world.py [rows]"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import msgspec

from mesocosm.world import Table, World


class Row(msgspec.Struct, frozen=True):
    name: str
    arn: str
    size: int = 0
    tags: dict[str, str] = {}


table: Table[str, Row] = Table("bench.rows", Row)
BATCH = 1000


def timed(function: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def figures(count: int) -> Iterator[tuple[str, float, str]]:
    """What is measured, its value and its unit, on a world of `count` rows."""
    with (
        tempfile.TemporaryDirectory() as directory,
        World.open(directory) as world,
    ):
        rows = world.rows(table, "000000000000", "eu-central-1")

        def row(number: int) -> Row:
            return Row(f"name-{number}", f"arn:aws:sqs:eu-central-1:000000000000:name-{number}")

        def fill() -> None:
            for start in range(0, count, BATCH):
                with world.transaction():
                    for number in range(start, start + BATCH):
                        rows[f"key-{number}"] = row(number)
                world.flush()

        def one_row_each() -> None:
            for number in range(10_000):
                with world.transaction() as transaction:
                    rows[f"key-{number}"] = row(-number)
                    transaction.record = b"r" * 200
                if number % 8 == 7:
                    world.flush()

        yield f"fill {count} rows", timed(fill) / count * 1e6, "µs a row"
        best = min(timed(one_row_each) for _ in range(3))
        yield "transaction of one row, 8 a write", best / 10_000 * 1e6, "µs"
        for label, function in (
            ("checkpoint", world.checkpoint),
            ("snapshot", lambda: world.snapshot("here")),
        ):
            yield label, timed(function) * 1e3, "ms"
        one_row_each()
        forks: list[World] = []
        took = timed(lambda: forks.append(world.fork()))
        yield "fork of the present", took * 1e3, "ms"
        took = timed(lambda: forks.append(world.fork("here")))
        yield "fork of the past", took * 1e3, "ms"
        past = forks[1].rows
        first = timed(lambda: past(table, "000000000000", "eu-central-1"))
        yield f"its first touch of {count} rows", first * 1e3, "ms"
        yield "diff of 10000 changes", timed(lambda: world.diff("here")) * 1e3, "ms"
        yield "rewind of 10000 changes", timed(lambda: world.rewind("here")) * 1e3, "ms"
        for fork in forks:
            fork.close()
        world.close()
        again: list[World] = []
        yield "open", timed(lambda: again.append(World.open(directory))) * 1e3, "ms"
        again[0].close()


def main(count: int) -> None:
    for label, value, unit in figures(count):
        print(f"{label:36} {value:8.2f} {unit}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
