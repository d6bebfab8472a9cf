"""The order of the messages of one queue: who is ready, who is hidden until when, who is oldest.

A line is an index over rows, never the truth: it is told of committed rows only, and whoever takes
a message from it looks at the row again. Time is epoch seconds of the world's clock. Messages are
known by their sequence number, which grows with each message of a queue.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import dropwhile, islice, takewhile

from sortedcontainers import SortedList

SLACK = 64


class Line:
    """A standard queue: what is ready is given in the order in which it became so."""

    def __init__(self) -> None:
        self.ready: OrderedDict[int, None] = OrderedDict()
        self.hidden: dict[int, tuple[float, bool]] = {}
        """Until when, and whether in flight (received) or else delayed."""
        self.flying = 0
        self._due: list[tuple[float, int]] = []
        self._sent: OrderedDict[int, float] = OrderedDict()
        self._newest = 0.0
        self._early: SortedList = (
            SortedList()
        )  # (sent, seq) of messages that came with an earlier time
        self._early_sent: dict[int, float] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._sent) + len(self._early_sent)

    def __contains__(self, seq: int) -> bool:
        return seq in self._sent or seq in self._early_sent

    def next(self, began: int) -> int:
        """A new sequence number: always greater than the last, also of those gone before a restart,
        since `began`, the journal's position at the start, is. No time is in it: a seed repeats it.
        """
        self._last = max(self._last + 1, began * 1_000_000)
        return self._last

    def used(self, seq: int) -> None:
        """A sequence number that was given before."""
        self._last = max(self._last, seq)

    # -- told of rows ----------------------------------------------------------------------------

    def add(self, seq: int, sent: float, group: str = "") -> None:
        """A message, ready until `hide` says otherwise."""
        if seq in self:
            return
        self.used(seq)
        if sent >= self._newest:
            self._newest = sent
            self._sent[seq] = sent
        else:
            self._early.add((sent, seq))
            self._early_sent[seq] = sent
        self._join(seq, group)

    def hide(self, seq: int, until: float, flying: bool) -> None:
        """A message is in flight or delayed until a time (which may be past)."""
        if seq not in self:
            return
        before = self.hidden.get(seq)
        self.hidden[seq] = (until, flying)
        self.flying += flying - (before[1] if before else False)
        heappush(self._due, (until, seq))
        if len(self._due) > 2 * len(self.hidden) + SLACK:
            self._due = [(until, seq) for seq, (until, _) in self.hidden.items()]
            heapify(self._due)
        self._leave(seq, before)

    def show(self, seq: int) -> None:
        """A message is hidden no longer."""
        before = self.hidden.pop(seq, None)
        if before is not None:
            self.flying -= before[1]
            self._return(seq, before)

    def remove(self, seq: int) -> None:
        """A message is gone."""
        if seq not in self:
            return
        before = self.hidden.pop(seq, None)
        if before is not None:
            self.flying -= before[1]
        if self._sent.pop(seq, None) is None:
            self._early.remove((self._early_sent.pop(seq), seq))
        self._part(seq, before)

    # -- asked -------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """What is hidden until `now` or earlier is ready again."""
        due = self._due
        while due and due[0][0] <= now:
            until, seq = heappop(due)
            state = self.hidden.get(seq)
            if state is not None and state[0] == until:
                self.show(seq)

    def candidates(self) -> Iterator[int]:
        """What can be received, in order; call `advance` first, and change nothing meanwhile."""
        return iter(self.ready)

    def next_due(self) -> float | None:
        """When the next hidden message becomes ready."""
        due = self._due
        while due:
            until, seq = due[0]
            state = self.hidden.get(seq)
            if state is not None and state[0] == until:
                return until
            heappop(due)
        return None

    @property
    def delayed(self) -> int:
        """How many messages are delayed."""
        return len(self.hidden) - self.flying

    @property
    def available(self) -> int:
        """How many messages are neither delayed nor in flight."""
        return len(self) - len(self.hidden)

    def oldest(self) -> float | None:
        """When the oldest message was sent."""
        first = next(iter(self._sent.values()), None)
        if self._early and (first is None or self._early[0][0] < first):
            earliest: float = self._early[0][0]
            return earliest
        return first

    def sent_until(self, limit: float, count: int) -> list[int]:
        """At most `count` messages that were sent at `limit` or earlier."""
        found = list(
            islice((s for s, _ in takewhile(lambda e: e[1] <= limit, self._sent.items())), count)
        )
        early = takewhile(lambda e: e[0] <= limit, self._early)
        return found + [seq for _, seq in islice(early, count - len(found))]

    def some(self, count: int) -> list[int]:
        """At most `count` of all messages."""
        return self.sent_until(float("inf"), count)

    def after(self, seq: int, count: int) -> list[int]:
        """At most `count` messages with a later sequence number, in that order; those that came
        with an earlier time (they were moved here) are left out.
        """
        return list(islice(dropwhile(lambda other: other <= seq, self._sent), count))

    # -- the order proper --------------------------------------------------------------------------

    def _join(self, seq: int, group: str) -> None:
        self.ready[seq] = None

    def _leave(self, seq: int, before: tuple[float, bool] | None) -> None:
        self.ready.pop(seq, None)

    def _return(self, seq: int, before: tuple[float, bool]) -> None:
        self.ready[seq] = None

    def _part(self, seq: int, before: tuple[float, bool] | None) -> None:
        self.ready.pop(seq, None)


class Group:
    """The messages of one message group, in order, and how many of them are in flight."""

    __slots__ = ("flying", "members")

    def __init__(self) -> None:
        self.members: OrderedDict[int, None] = OrderedDict()
        self.flying = 0


class GroupedLine(Line):
    """A FIFO queue: strict order within a group, and none of it while one is in flight."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: dict[str, Group] = {}
        self._group_of: dict[int, str] = {}
        self._open: OrderedDict[str, None] = OrderedDict()

    def candidates(self) -> Iterator[int]:
        for name in self._open:
            for seq in self._groups[name].members:
                if seq in self.hidden:
                    break
                yield seq

    def _join(self, seq: int, group: str) -> None:
        self._group_of[seq] = group
        members = self._groups.setdefault(group, Group()).members
        members[seq] = None
        if len(members) > 1 and next(reversed(members)) < next(islice(reversed(members), 1, None)):
            # Only after an undone commit: back to its place.
            for other in sorted(members):
                members.move_to_end(other)
        self._settle(group)

    def _leave(self, seq: int, before: tuple[float, bool] | None) -> None:
        group = self._group_of[seq]
        self._groups[group].flying += self.hidden[seq][1] - (before[1] if before else False)
        self._settle(group)

    def _return(self, seq: int, before: tuple[float, bool]) -> None:
        group = self._group_of[seq]
        self._groups[group].flying -= before[1]
        self._settle(group)

    def _part(self, seq: int, before: tuple[float, bool] | None) -> None:
        name = self._group_of.pop(seq)
        group = self._groups[name]
        del group.members[seq]
        group.flying -= before[1] if before else False
        self._settle(name)
        if not group.members:
            del self._groups[name]

    def _settle(self, name: str) -> None:
        group = self._groups[name]
        head = next(iter(group.members), None)
        if head is None or group.flying or head in self.hidden:
            self._open.pop(name, None)
        else:
            self._open.setdefault(name, None)
