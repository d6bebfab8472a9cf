from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mesocosm.world import Change, OutsideTransaction, Table, TransactionOpen, World
from tests.world.kit import CELL, Item, Queue, by_size, contents, items, put, queues


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with World.open(tmp_path) as world:
        yield world


def test_rows_change_only_in_a_transaction(world: World) -> None:
    rows = world.rows(queues, *CELL)
    put(world, "a")
    changes: list[Any] = [
        lambda: rows.__setitem__("b", Queue("b")),
        lambda: rows.__delitem__("a"),
        lambda: rows.pop("a"),
        rows.popitem,
        rows.clear,
        lambda: rows.update({"b": Queue("b")}),
        lambda: rows.update(b=Queue("b")),
        lambda: rows.setdefault("b", Queue("b")),
        lambda: rows.__ior__({"b": Queue("b")}),
    ]
    for change in changes:
        with pytest.raises(OutsideTransaction):
            change()
    assert contents(world) == {"a": 0}


def test_each_way_to_change_rows_is_kept(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        rows = world.rows(queues, *CELL)
        with world.transaction():
            rows.update({"a": Queue("a"), "b": Queue("b")}, c=Queue("c"))
            rows |= {"d": Queue("d")}
            assert rows.setdefault("e", Queue("e")).name == "e"
            assert rows.pop("a").name == "a"
            assert rows.pop("nothing", None) is None
            assert rows.popitem()[0] == "e"
            del rows["b"]
        with pytest.raises(KeyError), world.transaction():
            rows.pop("nothing")
        expected = dict(rows)
        assert sorted(expected) == ["c", "d"]
    with World.open(tmp_path) as world:
        assert dict(world.rows(queues, *CELL)) == expected


def test_raising_rolls_back_rows_indexes_and_order(world: World) -> None:
    rows, ordered = world.rows(queues, *CELL), world.rows(items, *CELL)
    with world.transaction():
        rows["a"] = Queue("a", 1)
        ordered["x", 1] = Item()
    assert rows.find(by_size, 1) == ["a"]
    assert list(ordered.range()) == [("x", 1)]
    version = rows.version

    def fail() -> None:
        rows["a"] = Queue("a", 2)
        rows["a"] = Queue("a", 3)
        rows["b"] = Queue("b", 1)
        del rows["b"]
        del ordered["x", 1]
        ordered["y", 1] = Item()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), world.transaction():
        fail()
    assert dict(rows) == {"a": Queue("a", 1)}
    assert rows.find(by_size, 1) == ["a"]
    assert rows.find(by_size, 2) == rows.find(by_size, 3) == []
    assert list(ordered.range()) == [("x", 1)]
    assert rows.version > version
    assert world.position == 1


def test_a_row_that_cannot_be_stored_rolls_back(world: World) -> None:
    rows = world.rows(queues, *CELL)
    with pytest.raises(TypeError), world.transaction():
        rows.update(a=Queue("a"), b=Queue("b", tags={"x": object()}))  # type: ignore[dict-item]
    assert not rows
    with world.transaction():
        rows["a"] = Queue("a")
    assert world.position == 1


def test_rows_hold_their_own_type_only(world: World) -> None:
    rows: Any = world.rows(queues, *CELL)
    for wrong in (None, "text", Item()):
        with pytest.raises(TypeError), world.transaction():
            rows["a"] = wrong


def test_transactions_do_not_nest(world: World) -> None:
    with world.transaction():
        with pytest.raises(TransactionOpen), world.transaction():
            pass
        with pytest.raises(TransactionOpen):
            world.snapshot("now")
        with pytest.raises(TransactionOpen):
            world.rewind(0)
    put(world, "a")


def test_range_is_ordered_half_open_and_reversible(world: World) -> None:
    rows = world.rows(items, *CELL)
    with world.transaction():
        for number in (5, 1, 4, 2, 3):
            rows["k", number] = Item()
    assert [n for _, n in rows.range()] == [1, 2, 3, 4, 5]
    with world.transaction():
        del rows["k", 3]
        rows["k", 9] = Item()
    assert [n for _, n in rows.range(("k", 2), ("k", 9))] == [2, 4, 5]
    assert [n for _, n in rows.range(stop=("k", 5), reverse=True)] == [4, 2, 1]
    with pytest.raises(TypeError):
        world.rows(queues, *CELL).range()


def test_index_follows_rows_and_leaves_none_out(world: World) -> None:
    class Named(msgspec.Struct, frozen=True):
        name: str | None = None

    table: Table[str, Named] = Table("test.named", Named)
    index = table.index("name", lambda row: row.name)
    rows = world.rows(table)
    with world.transaction():
        rows["1"] = Named("a")
        rows["2"] = Named("a")
        rows["3"] = Named()
        assert rows.find(index, "a") == ["1", "2"]
        rows["2"] = Named("b")
        assert rows.find(index, "a") == ["1"]
        del rows["1"]
    assert rows.find(index, "a") == []
    assert rows.find(index, "b") == ["2"]
    assert rows.find(index, None) == []


def test_watchers_hear_the_net_change_after_the_commit(world: World) -> None:
    heard: list[Change] = []
    world.changes.subscribe(queues, heard.append)
    rows = world.rows(queues, *CELL)
    with world.transaction():
        rows["a"] = Queue("a", 1)
        rows["a"] = Queue("a", 2)
        rows["b"] = Queue("b")
        del rows["b"]
        assert heard == []
    assert heard == [Change("test.queues", *CELL, "a", None, Queue("a", 2))]


def test_a_watcher_may_commit_and_may_fail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def follow(change: Change) -> None:
        if len(change.key) < 3:
            put(world, change.key + "+")

    def fail(change: Change) -> None:
        raise RuntimeError(change.key)

    world.changes.subscribe(queues, fail)
    world.changes.subscribe(queues, follow)
    world.changes.subscribe(queues, lambda change: heard.append(change.key))
    put(world, "a")
    assert heard == ["a", "a+", "a++"]
    assert "a watcher of test.queues failed" in caplog.text


def test_declarations_are_checked() -> None:
    class Loose(msgspec.Struct):
        name: str

    class Packed(msgspec.Struct, frozen=True, array_like=True):
        name: str

    for wrong in (Loose, Packed, dict):
        with pytest.raises(TypeError):
            Table("test.wrong", wrong)
    with pytest.raises(ValueError, match="declared twice"):
        Table("test.queues", Item)


def test_rows_of_an_older_declaration_are_read(tmp_path: Path) -> None:
    old = msgspec.defstruct("Row", [("title", str), ("gone", int, 1)], frozen=True, module="m")
    new = msgspec.defstruct("Row", [("name", str), ("added", int, 7)], frozen=True, module="m")
    for checkpoint in (False, True):
        root = tmp_path / str(checkpoint)
        table: Table[str, Any] = Table("test.evolving", old)
        with World.open(root) as world:
            with world.transaction():
                world.rows(table)["a"] = old("x")
            if checkpoint:
                world.checkpoint()
        table = Table("test.evolving", new, renamed={"title": "name"})
        with World.open(root) as world:
            assert world.rows(table)["a"] == new("x", 7)


def test_empty_cells_that_nobody_holds_are_let_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesocosm.world.cells.SWEPT_AT", 50)
    world._cells._sweep_at = 50
    put(world, "a")
    held = world.rows(queues, "1", "held")
    emptied = world.rows(queues, "1", "emptied")
    with world.transaction():
        emptied["a"] = Queue("a")
    with world.transaction():
        del emptied["a"]
    version = emptied.version
    del emptied
    for number in range(2_000):
        assert not world.rows(queues, "1", f"moon-{number}")
    assert len(world._cells.live) < 120
    assert world.rows(queues, "1", "held") is held
    assert world.rows(queues, "1", "emptied").version == version, "caches go by versions"
    assert contents(world) == {"a": 0}
    with world.transaction():
        world.rows(queues, "1", "moon-1")["a"] = Queue("a")
    assert [region for _, region, _ in world.cells(queues)] == [CELL[1], "moon-1"]
    world.checkpoint()


def test_a_tally_grows_with_every_change_of_its_service_and_with_taking_it_back(
    world: World,
) -> None:
    tally, other = world.tally(queues.name.partition(".")[0]), world.tally("another")
    put(world, "a")
    after_put = tally.count
    assert after_put > 0
    with pytest.raises(ZeroDivisionError), world.transaction():
        world.rows(queues, *CELL)["b"] = Queue("b")
        raise ZeroDivisionError
    after_undoing = tally.count
    assert after_undoing > after_put
    position = world.position
    put(world, "c")
    after_another = tally.count
    world.rewind(position)
    assert tally.count > after_another
    assert other.count == 0
