from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mesocosm.world import (
    Change,
    DirectoryInUse,
    HistoryWindow,
    NameTaken,
    UnknownMoment,
    World,
    WorldError,
)
from tests.world.kit import CELL, Hand, Item, Queue, by_size, contents, items, put, queues


def test_what_was_stored_is_there_again(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a", 1)
        with world.transaction():
            world.rows(items, "1", "aws-global")["x", 1] = Item("y")
        world.checkpoint()
        put(world, "b", 2)
        with world.transaction():
            del world.rows(queues, *CELL)["a"]
    with World.open(tmp_path) as world:
        assert contents(world) == {"b": 2}
        assert [cell[:2] for cell in world.cells(items)] == [("1", "aws-global")]
        assert world.rows(items, "1", "aws-global")["x", 1] == Item("y")


def test_a_directory_has_one_process(tmp_path: Path) -> None:
    with World.open(tmp_path), pytest.raises(DirectoryInUse, match="in use"):
        World.open(tmp_path)
    World.open(tmp_path).close()


def test_a_failed_open_lets_go_of_the_directory(tmp_path: Path) -> None:
    World.open(tmp_path).close()
    with pytest.raises(WorldError, match="no branch nowhere"):
        World.open(tmp_path, branch="nowhere")
    World.open(tmp_path).close()


@pytest.mark.parametrize("near", [True, False])
def test_rewind_restores_exactly_in_place(tmp_path: Path, near: bool) -> None:
    world = World.open(tmp_path)
    put(world, "a", 1)
    world.snapshot("here")
    if not near:
        world.checkpoint()
    before = contents(world)
    put(world, "a", 2)
    put(world, "b", 1)
    with world.transaction():
        del world.rows(queues, *CELL)["a"]
    if not near:
        world.close()
        world = World.open(tmp_path)
    rows, version = world.rows(queues, *CELL), world.rows(queues, *CELL).version
    assert rows.find(by_size, 1) == ["b"]
    resets: list[bool] = []
    world.changes.reset.append(lambda: resets.append(True))
    caches = [world.derived(contents)]
    world.rewind("here")
    assert world.rows(queues, *CELL) is rows
    assert contents(world) == before
    assert rows.find(by_size, 1) == ["a"]
    assert rows.version > version
    assert resets == [True]
    assert world.derived(contents) == before != caches[0]
    put(world, "c")
    world.close()
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 1, "c": 0}


def test_the_abandoned_line_stays_reachable(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.snapshot("first")
        put(world, "b")
        world.snapshot("second")
        put(world, "last")
        world.rewind("first")
        put(world, "c")
        fork = world.fork("second")
        assert contents(fork) == {"a": 0, "b": 0}
        fork.close()
        assert {branch.name for branch in world.branches()} >= {"main"}
        world.rewind("main")
        assert contents(world) == {"a": 0, "b": 0, "last": 0}
        world.rewind("main@2")
        assert contents(world) == {"a": 0, "b": 0}
        world.rewind("first")
        assert contents(world) == {"a": 0}


def test_a_fork_and_its_origin_change_apart(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        fork = world.fork(name="side")
        put(world, "b")
        put(fork, "c")
        assert contents(world) == {"a": 0, "b": 0}
        assert contents(fork) == {"a": 0, "c": 0}
        second = fork.fork()
        put(second, "d")
        assert contents(second) == {"a": 0, "c": 0, "d": 0}
        second.discard()
        fork.close()
        assert {branch.name for branch in world.branches()} == {"main", "side"}
    with World.open(tmp_path, branch="side") as world:
        assert contents(world) == {"a": 0, "c": 0}
    with World.open(tmp_path) as world:
        assert world.branch.name == "side", "the branch last worked on"


def test_a_fork_of_an_untouched_cell_sees_it(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.checkpoint()
        put(world, "b")
    with World.open(tmp_path) as world:
        fork = world.fork()
        put(world, "c")
        assert contents(fork) == {"a": 0, "b": 0}
        fork.discard()


def test_moments_by_time_position_and_name(tmp_path: Path) -> None:
    hand = Hand()
    with World.open(tmp_path, real=hand) as world:
        for number in range(4):
            hand.now = 1_700_000_000.0 + 10 * number
            put(world, f"q{number}")
        hand.now += 5
        assert world.resolve(1_700_000_010.0).position == 2
        assert world.resolve(1_700_000_019.9).position == 2
        assert world.resolve("1700000020").position == 3
        assert world.resolve("2023-11-14T22:13:50Z").position == 4
        assert world.resolve("2023-11-14T23:13:49+01:00").position == 3
        assert world.resolve(2).position == 2
        for wrong in ("nothing", "2300-01-01", 99, -1, "main@99"):
            with pytest.raises(UnknownMoment):
                world.resolve(wrong)
        world.rewind(1_700_000_015.0)
        assert sorted(contents(world)) == ["q0", "q1"]
        assert world.clock.now() == 1_700_000_015.0, "time goes back too"
        hand.now += 3
        assert world.clock.now() == 1_700_000_018.0
        put(world, "new")
        world.rewind("2023-11-14T22:13:35Z")
        assert sorted(contents(world)) == ["q0", "q1"]


def test_diff_along_a_line_and_across_branches(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "same", 1)
        put(world, "changed", 1)
        put(world, "gone", 1)
        world.snapshot("a")
        put(world, "changed", 2)
        put(world, "same", 2)
        put(world, "same", 1)
        with world.transaction():
            del world.rows(queues, *CELL)["gone"]
            world.rows(items, *CELL)["x", 1] = Item("new")
        world.snapshot("b")

        def of(changes: list[Change]) -> list[tuple[Any, Any, Any]]:
            return [(each.key, each.old, each.new) for each in changes]

        forward = of(world.diff("a", "b"))
        assert forward == [
            (("x", 1), None, Item("new")),
            ("changed", Queue("changed", 1), Queue("changed", 2)),
            ("gone", Queue("gone", 1), None),
        ]
        assert of(world.diff("b", "a")) == [(key, new, old) for key, old, new in forward]
        assert of(world.diff("a")) == forward
        assert world.diff("b") == []
        world.rewind("a")
        put(world, "gone", 5)
        assert of(world.diff("b")) == [
            (("x", 1), Item("new"), None),
            ("changed", Queue("changed", 2), Queue("changed", 1)),
            ("gone", None, Queue("gone", 5)),
        ]


def test_names_are_taken_once(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        world.snapshot("a")
        with pytest.raises(NameTaken):
            world.snapshot("a")
        with pytest.raises(NameTaken):
            world.fork(name="main")
        for wrong in ("", " x", "a\nb", "x" * 101):
            with pytest.raises(ValueError, match="no name"):
                world.snapshot(wrong)
        for wrong in ("../x", "a b", ".x", "x" * 101):
            with pytest.raises(ValueError, match="no name"):
                world.fork(name=wrong)
        world.snapshot("before the accident")
    with World.open(tmp_path) as world:
        assert [snapshot.name for snapshot in world.snapshots()] == ["a", "before the accident"]


def test_records_go_along_the_line_through_its_ancestors(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a", record=b"1")
        with world.transaction() as reading:
            reading.record = b"2"
        world.snapshot("here")
        put(world, "b", record=b"abandoned")
        world.rewind("here")
        put(world, "c")
        put(world, "d", record=b"3")
        assert [entry.record for entry in world.records()] == [b"1", b"2", b"3"]
        assert [entry.record for entry in world.records(1)] == [b"2", b"3"]
        assert [entry.record for entry in world.records(0, 2)] == [b"1", b"2"]
        assert reading.position == 2


def test_a_transaction_without_changes_or_record_is_no_frame(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        with world.transaction() as nothing:
            world.rows(queues, *CELL)["b"] = Queue("b")
            del world.rows(queues, *CELL)["b"]
        assert nothing.position == world.position == 1


def test_a_rewind_to_a_reading_call_is_near_and_exact(tmp_path: Path) -> None:
    hand = Hand()
    with World.open(tmp_path, real=hand) as world:
        put(world, "a")
        hand.now += 10
        with world.transaction() as reading:
            reading.record = b"read"
        hand.now += 10
        put(world, "b")
        world.rewind(reading.position)
        assert world.clock.now() == 1_700_000_010.0
        assert contents(world) == {"a": 0}


def test_derived_is_one_object_for_each_world(tmp_path: Path) -> None:
    class Cache:
        def __init__(self, world: World) -> None:
            self.world = world

    with World.open(tmp_path) as world:
        fork = world.fork()
        assert world.derived(Cache) is world.derived(Cache)
        assert fork.derived(Cache).world is fork
        fork.discard()


def test_reset_is_an_empty_world_and_what_was_left_can_be_returned_to(tmp_path: Path) -> None:
    hand = Hand()
    window = HistoryWindow(hours=3)
    with World.open(tmp_path, real=hand, history=window) as world:
        rows = world.rows(queues, *CELL)
        for number in range(8):
            put(world, f"q{number}", record=b"call")
            hand.now += 3600
            world.checkpoint()  # the beginning is folded
        world.snapshot("here")
        fork = world.fork(name="fork")
        fork.snapshot("fork's")
        with world.transaction():
            world.timers.at(hand.now + 9.0, "s", "f", "k", *CELL)
        world.reset()
        assert (contents(world), rows, world.position) == ({}, {}, 0)
        assert list(world.records()) == []
        assert world.clock.now() == hand.now
        assert world.timers.next_due() is None
        assert {each.name for each in world.snapshots()} == {"here", "fork's"}, "the fork's past"
        fork.discard()
        put(world, "new")
        world.reset()
        assert world.snapshots() == []
        put(world, "newer")
        world.snapshot("here")
        assert contents(world) == {"newer": 0}
        assert [change.new for change in world.diff(0)] == [Queue("newer")]
        world.rewind("main")
        assert len(contents(world)) == 8
        world.rewind("here")
    with World.open(tmp_path, real=hand, history=window) as world:
        assert contents(world) == {"newer": 0}
