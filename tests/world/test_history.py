from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from mesocosm.world import BeyondHistory, HistoryWindow, JournalDamaged, World
from tests.world.kit import CELL, Hand, Queue, contents, put, queues, segment_files

START = 1_700_000_000.0
HOUR = 3600.0


def hourly(world: World, hand: Hand, hours: int, first: int = 0) -> None:
    """An hour passes, a call is made and a checkpoint; so often."""
    for number in range(first, first + hours):
        put(world, "latest", number, record=b"call %d" % number)
        world.checkpoint()
        hand.now += HOUR


def test_a_checkpoint_rewrites_only_cells_that_changed(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        with world.transaction():
            world.rows(queues, "1", "us-east-1")["x"] = Queue("x")
        world.checkpoint()
        assert len(list(world.blobs.digests())) == 2
        put(world, "b")
        world.checkpoint()
        assert len(list(world.blobs.digests())) == 3
        world.checkpoint()
        assert len(list(world.blobs.digests())) == 3
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 0, "b": 0}
        put(world, "c")
        world.checkpoint()
        assert len(list(world.blobs.digests())) == 4, "the untouched cell is known to be stored"


def test_opening_reads_no_cell_before_it_is_touched(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.checkpoint()
        put(world, "b")
    [digest] = world.blobs.digests()
    world.blobs.path(digest).rename(tmp_path / "elsewhere")
    with World.open(tmp_path) as world:
        with pytest.raises(FileNotFoundError):
            contents(world)
        (tmp_path / "elsewhere").rename(world.blobs.path(digest))
        assert contents(world) == {"a": 0, "b": 0}


def test_a_checkpoint_of_a_cell_nobody_touched_since_opening(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        put(world, "b", 1)
        world.checkpoint()
        put(world, "c")
        with world.transaction():
            del world.rows(queues, *CELL)["a"]
    with World.open(tmp_path) as world:
        world.checkpoint()
    with World.open(tmp_path) as world:
        assert contents(world) == {"b": 1, "c": 0}


def test_damaged_rows_of_a_cell_are_reported(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.checkpoint()
    [digest] = world.blobs.digests()
    path = world.blobs.path(digest)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with World.open(tmp_path) as world, pytest.raises(JournalDamaged, match=digest[2:]):
        contents(world)


@pytest.mark.parametrize("durability", ["process", "power"])
def test_checkpoints_are_made_while_the_world_goes_on(tmp_path: Path, durability: str) -> None:
    async def run() -> None:
        window = HistoryWindow(checkpoint=4000)
        kind: Any = durability
        world = World.open(tmp_path, history=window, durability=kind)
        for number in range(400):
            await world.committed(put(world, f"q{number % 7}", number, record=b"x" * 20))
        for _ in range(200):
            await asyncio.sleep(0)
        expected = contents(world)
        world.close()
        assert len(list(tmp_path.glob("branches/main/*.manifest"))) > 2
        assert len(segment_files(tmp_path)) > 2
        with World.open(tmp_path) as world:
            assert contents(world) == expected
            assert len(list(world.records())) == 400
            world.rewind(200)
            assert max(contents(world).values()) == 199

    asyncio.run(run())


def test_a_checkpoint_holds_its_position_though_rows_change_meanwhile(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a", 1)
        world.flush()
        freeze = world.freeze()
        put(world, "a", 2)
        assert list(freeze.write(world.blobs))
        freeze.publish()
        put(world, "b", 1)
        world.checkpoint()
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 2, "b": 1}


def test_what_lies_before_the_window_is_folded_and_a_rewind_there_refused(tmp_path: Path) -> None:
    hand = Hand(START)
    window = HistoryWindow(hours=3)
    with World.open(tmp_path, real=hand, history=window) as world:
        world.snapshot("old")
        hourly(world, hand, 10)
        # At the last checkpoint it was START + 9 h: the floor is the call of START + 6 h.
        assert [entry.record for entry in world.records()] == [b"call %d" % n for n in range(10)]
        assert [entry.record for entry in world.records(3, 8)] == [
            b"call %d" % n for n in range(3, 8)
        ]
        for beyond in ("old", 3, START + 5.9 * HOUR):
            with pytest.raises(BeyondHistory) as caught:
                world.fork(beyond)
            assert caught.value.earliest == START + 6 * HOUR
            with pytest.raises(BeyondHistory):
                world.rewind(beyond)
        assert contents(world) == {"latest": 9}
        world.rewind(START + 6 * HOUR)
        assert contents(world) == {"latest": 6}
        world.rewind("main")
        assert contents(world) == {"latest": 9}
    files = [path.name for path in segment_files(tmp_path)]
    assert len([name for name in files if int(name[:20]) <= 6]) == 0
    with World.open(tmp_path, real=hand, history=window) as world:
        assert contents(world) == {"latest": 9}
        assert [entry.record for entry in world.records()] == [b"call %d" % n for n in range(10)]
        with pytest.raises(BeyondHistory):
            world.rewind(2)


def test_the_window_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    hand = Hand(START)
    with World.open(tmp_path, real=hand, history=HistoryWindow(bytes=2000)) as world:
        for number in range(30):
            put(world, f"q{number}", record=os.urandom(200))
            world.checkpoint()
        assert sum(path.stat().st_size for path in segment_files(tmp_path)) <= 2400
        with pytest.raises(BeyondHistory):
            world.rewind(5)
        assert len(list(world.records())) == 30
        world.rewind(28)
        assert len(contents(world)) == 28


def test_abandoned_lines_older_than_the_window_go(tmp_path: Path) -> None:
    hand = Hand(START)
    with World.open(tmp_path, real=hand, history=HistoryWindow(hours=3)) as world:
        hourly(world, hand, 2)
        world.snapshot("trunk")
        fork = world.fork(name="idle")
        put(fork, "on the fork")
        fork.snapshot("on the fork")
        fork.close()
        busy = world.fork(name="busy")
        hourly(world, hand, 6, first=2)
        assert {branch.name for branch in world.branches()} == {"main", "busy"}
        assert [each.name for each in world.snapshots()] == ["trunk"]
        assert contents(busy) == {"latest": 1}
        put(busy, "still open")
        busy.checkpoint()
        busy.close()
    with World.open(tmp_path, branch="busy", real=hand) as world:
        assert contents(world) == {"latest": 1, "still open": 0}


def test_trails_are_kept_for_ninety_days(tmp_path: Path) -> None:
    hand = Hand(START)
    with World.open(tmp_path, real=hand, history=HistoryWindow(hours=1)) as world:
        hourly(world, hand, 3)
        hand.now += 80 * 24 * HOUR
        hourly(world, hand, 3, first=3)
        assert len(list(world.records())) == 6
        hand.now += 11 * 24 * HOUR
        hourly(world, hand, 3, first=6)
        assert [entry.record for entry in world.records()] == [b"call %d" % n for n in range(3, 9)]


def test_blobs_that_no_kept_moment_refers_to_are_swept(tmp_path: Path) -> None:
    hand = Hand(START)
    window = HistoryWindow(hours=3)

    def age(world: World) -> None:
        for digest in world.blobs.digests():
            os.utime(world.blobs.path(digest), (1, 1))

    with World.open(tmp_path, real=hand, history=window) as world:
        digests = {name: world.blobs.put(name.encode()) for name in ("kept", "past", "stray")}
        fresh = world.blobs.put(b"fresh")
        with world.transaction():
            for name in ("kept", "past"):
                row = Queue(name, tags={"body": digests[name]})
                world.rows(queues, *CELL)[name] = row
        hourly(world, hand, 1)
        with world.transaction():
            del world.rows(queues, *CELL)["past"]
        hourly(world, hand, 2, first=1)
        age(world)
        os.utime(world.blobs.path(fresh))
        hourly(world, hand, 1, first=3)
        assert digests["stray"] not in world.blobs
        assert digests["kept"] in world.blobs
        assert digests["past"] in world.blobs, "a rewind could still need it"
        hourly(world, hand, 3, first=4)
        age(world)
        os.utime(world.blobs.path(fresh))
        hourly(world, hand, 1, first=7)
        assert digests["kept"] in world.blobs
        assert fresh in world.blobs, "its transaction may be on its way"
        assert digests["past"] not in world.blobs
        assert contents(world)["latest"] == 7
        world.rewind(START + 5 * HOUR)
        assert contents(world)["latest"] == 5
