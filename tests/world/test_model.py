"""A world against the simplest model of one: dicts that are copied at every position."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mesocosm.world import StorageFull, World
from tests.world.kit import CELL, FailingFiles, Queue, by_size, queues

NAMES = st.sampled_from("abcdef")
State = dict[str, int]


class Model(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.files = FailingFiles()
        self.world = World.open(self.root, files=self.files)
        self.state: State = {}
        self.line: dict[int, State] = {0: {}}
        self.names: dict[str, dict[int, State]] = {}

    def note(self, position: int) -> None:
        self.line[position] = dict(self.state)

    @rule(changes=st.lists(st.tuples(NAMES, st.none() | st.integers(0, 3)), max_size=5))
    def commit(self, changes: list[tuple[str, int | None]]) -> None:
        with self.world.transaction() as transaction:
            self.apply(changes)
        for name, size in changes:
            if size is None:
                self.state.pop(name, None)
            else:
                self.state[name] = size
        self.note(transaction.position)

    @rule(changes=st.lists(st.tuples(NAMES, st.none() | st.integers(0, 3)), min_size=1))
    def roll_back(self, changes: list[tuple[str, int | None]]) -> None:
        try:
            with self.world.transaction():
                self.apply(changes)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    def apply(self, changes: list[tuple[str, int | None]]) -> None:
        rows = self.world.rows(queues, *CELL)
        for name, size in changes:
            if size is not None:
                rows[name] = Queue(name, size)
            elif name in rows:
                del rows[name]

    @rule(changes=st.lists(st.tuples(NAMES, st.integers(0, 3)), min_size=1, max_size=3))
    def lose(self, changes: list[tuple[str, int | None]]) -> None:
        """What cannot be stored is undone."""
        self.world.flush()
        self.files.room = 20
        before = self.world.position
        with self.world.transaction() as transaction:
            self.apply(changes)
        if transaction.position > before:
            with pytest.raises(StorageFull):
                self.world.flush()
        self.files.room = None

    @rule()
    def snapshot(self) -> None:
        name = f"s{len(self.names)}"
        self.world.snapshot(name)
        position = self.world.position
        self.note(position)
        self.names[name] = {at: state for at, state in self.line.items() if at <= position}

    @rule()
    def checkpoint(self) -> None:
        self.world.checkpoint()

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.world = World.open(self.root, files=self.files)

    @rule(data=st.data())
    def rewind(self, data: Any) -> None:
        if self.names and data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(self.names)))
            self.world.rewind(name)
            self.line = dict(self.names[name])
        else:
            position = data.draw(st.sampled_from(sorted(self.line)))
            self.world.rewind(position)
            self.line = {at: state for at, state in self.line.items() if at <= position}
        self.state = dict(self.line[max(self.line)])

    @rule(data=st.data())
    def fork(self, data: Any) -> None:
        position = data.draw(st.sampled_from(sorted(self.line)))
        fork = self.world.fork(position)
        rows = fork.rows(queues, *CELL)
        assert {name: row.size for name, row in rows.items()} == self.line[position]
        with fork.transaction():
            rows["fork"] = Queue("fork")
        fork.discard()

    @rule(data=st.data())
    def difference(self, data: Any) -> None:
        positions = st.sampled_from(sorted(self.line))
        a, b = data.draw(positions), data.draw(positions)
        found = {
            change.key: (change.old and change.old.size, change.new and change.new.size)
            for change in self.world.diff(a, b)
            if change.table == "test.queues"
        }
        old, new = self.line[a], self.line[b]
        assert found == {
            name: (old.get(name), new.get(name))
            for name in old.keys() | new.keys()
            if old.get(name) != new.get(name)
        }

    @invariant()
    def rows_are_as_modelled(self) -> None:
        if not hasattr(self, "world"):
            return
        rows = self.world.rows(queues, *CELL)
        assert {name: row.size for name, row in rows.items()} == self.state
        for size in range(4):
            expected = {name for name, each in self.state.items() if each == size}
            assert set(rows.find(by_size, size)) == expected

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.root)


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
