"""A queue through its operations, against a model of what AWS promises, with the clock in hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.call.cloud import Settings
from mesocosm.iam import Principal
from mesocosm.services import assemble
from mesocosm.services.sqs import sqs
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

RETENTION, VISIBILITY, RECEIVES = 60, 10, 3
ROOT = Principal(kind="root", account="000000000000", id="000000000000")


@dataclass
class Expected:
    """A message as it should be."""

    body: str
    group: str
    sent: float
    visible: float
    order: int
    received: int = 0
    handle: str = ""

    def alive(self, now: float) -> bool:
        return now < self.sent + RETENTION


class QueueMachine(RuleBasedStateMachine):
    """Operations in any order, the clock advanced in between, the world forked now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World.open(Path(self.folder.name), seed=1)
        self.cloud = assemble(self.world, Settings())
        self.world.clock.pause()
        self.expected: dict[str, Expected] = {}
        self.used: dict[str, tuple[float, str]] = {}
        self.dead: set[str] = set()
        self.count = self.rewinds = 0

    def teardown(self) -> None:
        self.world.close()
        self.folder.cleanup()

    def call(self, name: str, request: Any) -> Any:
        """One call, in a transaction of its own."""
        operation = sqs.operations[name]
        with self.world.transaction():
            call = Call(self.cloud, sqs, operation, ROOT, ROOT.account, "us-east-1", "id")
            return operation.function(call, request)

    @initialize(fifo=st.booleans())
    def create(self, fifo: bool) -> None:
        self.fifo = fifo
        tail, kind = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
        keep = {"MessageRetentionPeriod": str(RETENTION)}
        self.call(
            "CreateQueue",
            api.CreateQueueRequest(queue_name="dead" + tail, attributes={**kind}),
        )
        arn = f"arn:aws:sqs:us-east-1:{ROOT.account}:dead{tail}"
        policy = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{RECEIVES}}}'
        given = {**kind, **keep, "VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": policy}
        self.url = self.call(
            "CreateQueue", api.CreateQueueRequest(queue_name="q" + tail, attributes=given)
        ).queue_url
        self.dead_url = self.url.replace("/q", "/dead")

    @property
    def now(self) -> float:
        return self.world.clock.now()

    @rule(group=st.sampled_from("ab"), delay=st.sampled_from([0, 0, 5]), token=st.integers(0, 2))
    def send(self, group: str, delay: int, token: int) -> None:
        self.count += 1
        body = f"message {self.count}"
        request = api.SendMessageRequest(queue_url=self.url, message_body=body)
        if self.fifo:
            request.message_group_id = group
            request.message_deduplication_id = str(token)
            delay = 0
        elif delay:
            request.delay_seconds = delay
        name = self.call("SendMessage", request).message_id
        before = self.used.get(str(token)) if self.fifo else None
        if before is not None and self.now < before[0] + 300:
            assert name == before[1]
            return
        assert name not in self.expected
        self.used[str(token)] = (self.now, name)
        self.expected[name] = Expected(body, group, self.now, self.now + delay, self.count)

    def receivable(self) -> list[str]:
        """What may be given now, the FIFO order of each group kept."""
        found = []
        blocked = set()
        for message in self.expected.values():
            if self.fifo and message.visible > self.now:
                blocked.add(message.group)
        for name, message in sorted(self.expected.items(), key=lambda item: item[1].order):
            if message.visible <= self.now and not (self.fifo and message.group in blocked):
                found.append(name)
        return found

    @rule(limit=st.sampled_from([1, 2, 10]), visibility=st.sampled_from([None, 0, 0, 3]))
    def receive(self, limit: int, visibility: int | None) -> None:
        may = self.receivable()
        request = api.ReceiveMessageRequest(queue_url=self.url, max_number_of_messages=limit)
        if visibility is not None:
            request.visibility_timeout = visibility
        given = self.call("ReceiveMessage", request).messages or []
        left = [name for name in may if self.expected[name].received < RECEIVES]
        assert len(given) == min(limit, len(left))
        names = [message.message_id for message in given]
        assert set(names) <= set(left)
        if self.fifo:
            for group in "ab":
                mine = [name for name in left if self.expected[name].group == group]
                got = [name for name in names if self.expected[name].group == group]
                assert got == mine[: len(got)]
        for message in given:
            known = self.expected[message.message_id]
            assert message.body == known.body
            known.received += 1
            known.handle = message.receipt_handle
            known.visible = self.now + (VISIBILITY if visibility is None else visibility)
        self._bury(may)

    def _bury(self, may: list[str]) -> None:
        """What was received too often may have gone; what went is in the dead-letter queue."""
        there = self._names_in(self.dead_url)
        for name in may:
            if name in there:
                assert self.expected.pop(name).received >= RECEIVES
                self.dead.add(name)

    def _names_in(self, url: str) -> set[str]:
        from mesocosm.services.sqs.resources import messages, queues

        store = self.world.rows(queues, ROOT.account, "us-east-1")[url.rsplit("/", 1)[1]].store
        rows = self.world.rows(messages, ROOT.account, "us-east-1")
        return {row.id for key, row in rows.items() if key[0] == store}

    @rule(pick=st.integers(0, 100))
    def delete(self, pick: int) -> None:
        held = [name for name, message in self.expected.items() if message.handle]
        if not held:
            return
        name = held[pick % len(held)]
        request = api.DeleteMessageRequest(
            queue_url=self.url, receipt_handle=self.expected[name].handle
        )
        if self.fifo and self.expected[name].visible <= self.now:
            self._refused(lambda: self.call("DeleteMessage", request))
            return
        self.call("DeleteMessage", request)
        del self.expected[name]

    @rule(pick=st.integers(0, 100), timeout=st.integers(0, 20))
    def change(self, pick: int, timeout: int) -> None:
        held = [name for name, message in self.expected.items() if message.handle]
        if not held:
            return
        message = self.expected[held[pick % len(held)]]
        request = api.ChangeMessageVisibilityRequest(
            queue_url=self.url, receipt_handle=message.handle, visibility_timeout=timeout
        )
        if message.visible <= self.now:
            self._refused(lambda: self.call("ChangeMessageVisibility", request))
            return
        self.call("ChangeMessageVisibility", request)
        message.visible = self.now + timeout

    def _refused(self, function: Callable[[], Any]) -> None:
        with pytest.raises(AwsError) as raised:
            function()
        assert raised.value.code == "InvalidParameterValue"

    @rule(seconds=st.sampled_from([1, 4, 11, 11, 30, 250]))
    def advance(self, seconds: int) -> None:
        import asyncio

        asyncio.run(self.world.clock.advance(seconds))
        self.expected = {n: m for n, m in self.expected.items() if m.alive(self.now)}

    @rule()
    def look_anew(self) -> None:
        """As after a restart: the order is made again from the rows."""
        self.rewinds += 1
        self.world.rewind(self.world.snapshot(f"s{self.rewinds}").name)

    @invariant()
    def counted(self) -> None:
        if not hasattr(self, "url"):
            return
        shown = self.call(
            "GetQueueAttributes",
            api.GetQueueAttributesRequest(queue_url=self.url, attribute_names=["All"]),
        ).attributes
        hidden = [m for m in self.expected.values() if m.visible > self.now]
        flying = sum(m.received > 0 for m in hidden)
        assert int(shown["ApproximateNumberOfMessagesNotVisible"]) == flying
        assert int(shown["ApproximateNumberOfMessagesDelayed"]) == len(hidden) - flying
        assert int(shown["ApproximateNumberOfMessages"]) == len(self.expected) - len(hidden)
        assert self._names_in(self.url) == set(self.expected)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
