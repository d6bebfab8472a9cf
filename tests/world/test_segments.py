"""Segments: what was appended is what is read, sealed or not, whatever happened in between."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mesocosm.world import Chunk, Segments, World, segments
from tests.world.kit import CELL, FailingFiles, Hand

ROOT = Path(__file__).parents[2]
events = Segments("test.events")


def add(world: World, key: str, payload: bytes, start: float = 0.0, end: float = 0.0) -> int:
    log = world.segments(events, *CELL)
    with world.transaction() as transaction:
        log.append(key, start, end, 1, payload)
    return transaction.position


def held(world: World, key: str) -> list[bytes]:
    return [chunk.payload for chunk in world.segments(events, *CELL).scan(key)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(segments, "SEAL", 2_000)
    monkeypatch.setattr(segments, "OPEN", 8_000)
    with World.open(tmp_path, files=FailingFiles(), real=Hand()) as world:
        yield world


def test_many_chunks_become_one_row_and_stay_what_they_were(world: World) -> None:
    payloads = [bytes([number]) * 300 for number in range(100)]
    log = world.segments(events, *CELL)
    sequences = []
    for number, payload in enumerate(payloads):
        with world.transaction():
            sequences.append(log.append("a", number, number + 0.5, 3, payload))
    assert held(world, "a") == payloads
    assert [chunk.sequence for chunk in log.scan("a")] == sequences
    assert sorted(set(sequences)) == sequences
    assert len(log.rows) < 20
    for number in (0, 57, 99):
        chunk = log.chunk("a", sequences[number])
        assert chunk is not None
        assert chunk.payload == payloads[number]
        later = [chunk.sequence for chunk in log.after("a", sequences[number])]
        assert later == sequences[number + 1 :]
    assert log.chunk("a", sequences[-1] + 1) is None
    figures = log.figures("a")
    assert (figures.count, figures.size, figures.start, figures.end) == (300, 30_000, 0, 99.5)
    assert figures.stored < 10_000


def test_a_key_does_not_see_another(world: World) -> None:
    for number in range(50):
        add(world, "a", b"a%d" % number)
        add(world, "ab", b"b%d" % number)
    assert held(world, "a") == [b"a%d" % number for number in range(50)]
    assert held(world, "ab") == [b"b%d" % number for number in range(50)]
    assert held(world, "") == []


def test_many_quiet_keys_are_sealed_together_when_memory_is_short(world: World) -> None:
    for turn in range(8):
        for number in range(60):
            add(world, f"k{number}", b"%d:%d" % (number, turn))
    rows = world.segments(events, *CELL).rows
    unsealed = [row for row in rows.values() if not row.blob]
    assert len(unsealed) * 400 <= 8_000
    assert len({row.blob for row in rows.values() if row.blob}) < len(rows) / 4
    for number in range(60):
        assert held(world, f"k{number}") == [b"%d:%d" % (number, turn) for turn in range(8)]


def test_scanning_leaves_out_what_lies_outside_of_the_instants(world: World) -> None:
    for number in range(40):
        add(world, "a", b"%d" % number * 100, float(number), float(number) + 0.5)
    log = world.segments(events, *CELL)
    found = [chunk.start for chunk in log.scan("a", 10.2, 13)]
    assert found == [10, 11, 12]
    assert [chunk.start for chunk in log.scan("a", 39.5)] == [39]
    assert [chunk.start for chunk in log.scan("a", until=1)] == [0]


def test_where_is_asked_before_a_chunk_is_given(world: World) -> None:
    for number in range(40):
        add(world, "a", b"event %d;" % number * 20)
    log = world.segments(events, *CELL)
    found = list(log.scan("a", where=lambda data: b"event 33;" in data))
    assert [chunk.payload for chunk in found] == [b"event 33;" * 20]


def test_dropping_before_an_instant(world: World) -> None:
    log = world.segments(events, *CELL)
    for number in range(40):
        add(world, "a", b"%d" % number * 100, float(number), float(number))
    with world.transaction():
        dropped = log.drop("a", 20.0)
    left = [chunk.start for chunk in log.scan("a")]
    assert left == [float(number) for number in range(40)][dropped:]
    assert 10 < dropped <= 20
    with world.transaction():
        log.drop("a")
    assert list(log.scan("a")) == []
    assert log.figures("a").count == 0


def test_a_sequence_is_never_given_again(world: World) -> None:
    log = world.segments(events, *CELL)
    with world.transaction():
        first = log.append("a", 0, 0, 1, b"x")
    with world.transaction():
        log.drop("a")
    world.clock.rate(0.0)
    asyncio.run(world.clock.advance(1.0))
    with world.transaction():
        assert log.append("a", 0, 0, 1, b"x") > first


def test_a_full_disk_loses_nothing_that_was_there(world: World) -> None:
    files = world.store.files
    assert isinstance(files, FailingFiles)
    payloads = [os.urandom(300) for _ in range(6)]
    for payload in payloads:
        add(world, "a", payload)
    world.flush()
    files.room = 100
    add(world, "a", os.urandom(900))  # makes the key too large, and cannot be sealed
    assert held(world, "a")[:6] == payloads
    with pytest.raises(segments.StorageFailed):
        world.flush()
    files.room = None
    assert held(world, "a") == payloads
    for _ in range(6):
        add(world, "a", payloads[0])
    world.flush()
    assert held(world, "a") == payloads + [payloads[0]] * 6


def test_old_rows_of_large_transactions_do_not_fill_the_memory(world: World) -> None:
    world.clock.rate(0.0)
    for _ in range(300):
        add(world, "a", os.urandom(500_000 // 300))
        world.flush()
    assert sum(step.weight for step in world._steps) >= 500_000 // segments_per_change()


def segments_per_change() -> int:
    from mesocosm.world.world import UNDO_BYTES

    return UNDO_BYTES


KEYS = st.sampled_from(["a", "b", "a b"])
State = dict[str, list[tuple[float, bytes]]]


class Model(RuleBasedStateMachine):
    """A world of segments against lists that are copied at every position."""

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(segments, "SEAL", 500)
        self.patch.setattr(segments, "OPEN", 3_000)
        self.patch.setattr(segments, "CACHE", 1_000)
        self.root = Path(tempfile.mkdtemp())
        self.world = World.open(self.root)
        self.state: State = {}
        self.line: dict[int, State] = {0: {}}

    def note(self) -> None:
        copied = {key: list(chunks) for key, chunks in self.state.items()}
        self.line[self.world.position] = copied

    @rule(key=KEYS, start=st.integers(0, 9), size=st.integers(0, 700), seed=st.randoms())
    def append(self, key: str, start: int, size: int, seed: Any) -> None:
        payload = seed.randbytes(size)
        add(self.world, key, payload, float(start), float(start))
        self.state.setdefault(key, []).append((float(start), payload))
        self.note()

    @rule(key=KEYS)
    def roll_back(self, key: str) -> None:
        log = self.world.segments(events, *CELL)
        with pytest.raises(ZeroDivisionError), self.world.transaction():
            log.append(key, 0, 0, 1, b"x" * 700)
            raise ZeroDivisionError

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        with self.world.transaction():
            self.world.segments(events, *CELL).drop(key)
        self.state.pop(key, None)
        self.note()

    @rule(key=KEYS, before=st.integers(0, 10))
    def expire(self, key: str, before: int) -> None:
        with self.world.transaction():
            self.world.segments(events, *CELL).drop(key, float(before))
        left = held(self.world, key)
        chunks = self.state.get(key, [])
        assert [chunk for chunk in chunks if chunk[1] in left or chunk[0] >= before] == [
            chunk for chunk in chunks if chunk[1] in left
        ]
        self.state[key] = [chunk for chunk in chunks if chunk[1] in left]
        self.note()

    @rule()
    def checkpoint(self) -> None:
        self.world.checkpoint()

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.world = World.open(self.root)

    @rule(data=st.data())
    def rewind(self, data: Any) -> None:
        position = data.draw(st.sampled_from(sorted(self.line)))
        self.world.rewind(position)
        self.line = {at: state for at, state in self.line.items() if at <= position}
        latest = self.line[max(self.line)]
        self.state = {key: list(chunks) for key, chunks in latest.items()}

    @rule(data=st.data())
    def fork(self, data: Any) -> None:
        position = data.draw(st.sampled_from(sorted(self.line)))
        fork = self.world.fork(position)
        add(fork, "a", b"y" * 600)
        expected = [chunk[1] for chunk in self.line[position].get("a", [])]
        assert held(fork, "a") == [*expected, b"y" * 600]
        fork.discard()

    @invariant()
    def what_was_appended_is_read(self) -> None:
        if not hasattr(self, "world"):
            return
        log = self.world.segments(events, *CELL)
        for key in ("a", "b", "a b"):
            chunks = self.state.get(key, [])
            assert [(chunk.start, chunk.payload) for chunk in log.scan(key)] == chunks
            assert log.figures(key).size == sum(len(payload) for _, payload in chunks)
            found: list[Chunk] = list(log.scan(key, 3, 6))
            assert [c.payload for c in found] == [p for start, p in chunks if 3 <= start < 6]
        assert sum(row.size for row in log.rows.values() if not row.blob) < 3_000

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.root)
            self.patch.undo()


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


async def write(directory: str) -> None:
    """Append until killed, telling what was acknowledged."""
    segments.SEAL, segments.OPEN = 4_000, 20_000
    world = World.open(directory)
    number = world.segments(events, *CELL).figures("a").count
    while True:
        await world.committed(add(world, "a", b"%d," % number * 50))
        print(number, flush=True)
        number += 1


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    for lines in (57, 301, 808):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.world.test_segments", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        assert writer.stdout is not None
        for _ in range(lines):
            last = int(writer.stdout.readline())
        writer.kill()
        writer.stdout.close()
        writer.wait()
        with World.open(tmp_path) as world:
            found = held(world, "a")
            assert found == [b"%d," % number * 50 for number in range(len(found))]
            assert len(found) > last


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
