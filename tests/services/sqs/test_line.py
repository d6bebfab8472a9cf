"""The order of messages, against a model that looks through all of them each time."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mesocosm.services.sqs.rules.line import GroupedLine, Line


@dataclass
class Known:
    """A message of the model."""

    sent: float
    group: str
    until: float = 0.0
    flying: bool = False


@dataclass
class Model:
    """The messages of a queue by sequence number."""

    fifo: bool
    now: float = 1000.0
    messages: dict[int, Known] = field(default_factory=dict)

    def hidden(self, seq: int) -> bool:
        return self.messages[seq].until > self.now

    def receivable(self) -> set[int]:
        if not self.fifo:
            return {seq for seq in self.messages if not self.hidden(seq)}
        found: set[int] = set()
        for group in {known.group for known in self.messages.values()}:
            members = [s for s, known in sorted(self.messages.items()) if known.group == group]
            if any(self.messages[seq].flying and self.hidden(seq) for seq in members):
                continue
            for seq in members:
                if self.hidden(seq):
                    break
                found.add(seq)
        return found


class LineMachine(RuleBasedStateMachine):
    """Whatever happens to messages, the line knows what the model knows."""

    @initialize(fifo=st.booleans())
    def begin(self, fifo: bool) -> None:
        self.model = Model(fifo)
        self.line: Line = GroupedLine() if fifo else Line()

    @rule(group=st.sampled_from("ab"), age=st.sampled_from([0, 0, 0, 50]), delay=st.integers(0, 3))
    def send(self, group: str, age: int, delay: int) -> None:
        model = self.model
        seq = self.line.next(int(model.now))
        assert not model.messages or seq > max(model.messages)
        model.messages[seq] = Known(model.now - age, group)
        self.line.add(seq, model.now - age, group)
        if delay:
            model.messages[seq].until = model.now + delay
            self.line.hide(seq, model.now + delay, False)

    @precondition(lambda self: self.model.messages)
    @rule(pick=st.integers(0, 1000), timeout=st.integers(0, 5))
    def hide(self, pick: int, timeout: int) -> None:
        """Received, or its visibility timeout changed."""
        seq = self._pick(pick)
        known = self.model.messages[seq]
        known.until, known.flying = self.model.now + timeout, True
        self.line.hide(seq, known.until, True)

    @precondition(lambda self: self.model.messages)
    @rule(pick=st.integers(0, 1000))
    def remove(self, pick: int) -> None:
        seq = self._pick(pick)
        del self.model.messages[seq]
        self.line.remove(seq)
        self.line.remove(seq)

    @precondition(lambda self: self.model.messages)
    @rule(pick=st.integers(0, 1000))
    def come_back(self, pick: int) -> None:
        """A commit that deleted a message is undone."""
        seq = self._pick(pick)
        known = self.model.messages[seq]
        known.until = 0.0
        self.line.remove(seq)
        self.line.add(seq, known.sent, known.group)

    @rule(seconds=st.integers(0, 4))
    def advance(self, seconds: int) -> None:
        self.model.now += seconds

    def _pick(self, number: int) -> int:
        return sorted(self.model.messages)[number % len(self.model.messages)]

    @invariant()
    def agree(self) -> None:
        model, line = self.model, self.line
        line.advance(model.now)
        candidates = list(line.candidates())
        assert len(candidates) == len(set(candidates))
        assert set(candidates) == model.receivable()
        groups: dict[str, list[int]] = {}
        for seq in candidates:
            groups.setdefault(model.messages[seq].group, []).append(seq)
        if model.fifo:
            assert all(members == sorted(members) for members in groups.values())
        hidden = [model.messages[s] for s in model.messages if model.hidden(s)]
        assert line.flying == sum(known.flying for known in hidden)
        assert line.delayed == sum(not known.flying for known in hidden)
        assert line.available == len(model.messages) - len(hidden)
        assert line.next_due() == min((known.until for known in hidden), default=None)
        sent = [known.sent for known in model.messages.values()]
        assert line.oldest() == min(sent, default=None)
        limit = model.now - 10
        old = {seq for seq, known in model.messages.items() if known.sent <= limit}
        assert set(line.sent_until(limit, 1000)) == old
        assert len(line.sent_until(limit, 1)) == min(1, len(old))


TestLine = LineMachine.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_is_hidden_long_and_often_is_not_kept_twice() -> None:
    line = Line()
    line.add(1, 0.0)
    for number in range(1000):
        line.hide(1, 10_000.0 + number, True)
    assert len(line._due) < 200
    line.advance(20_000.0)
    assert list(line.candidates()) == [1]
