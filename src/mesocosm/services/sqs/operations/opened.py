"""A queue as an operation holds it: its row, its messages and their order, in its own cell."""

from __future__ import annotations

from typing import Protocol

from mesocosm.call.call import Call
from mesocosm.services.sqs.resources import (
    Lines,
    Message,
    Queue,
    address,
    arn_of,
    messages,
    no_such_queue,
    queues,
    receipts,
)
from mesocosm.wire.errors import AwsError


class OfQueue(Protocol):
    """A request that names a queue by its URL."""

    @property
    def queue_url(self) -> str | None: ...


def queue_arn(call: Call, request: OfQueue) -> str:
    """The ARN of the queue a request names."""
    account, name = address(request.queue_url or "")
    return arn_of(call.region, account, name)


class Opened:
    """A queue that is there."""

    __slots__ = ("account", "call", "line", "messages", "name", "queue", "receipts")

    def __init__(self, call: Call, account: str, queue: Queue) -> None:
        self.call = call
        self.account = account
        self.queue = queue
        self.name = queue.name
        # The lines come first: made in the middle of a transaction, they must not see its rows.
        self.line = call.world.derived(Lines).line(account, call.region, queue.store, queue.fifo)
        self.messages = call.rows(messages, account)
        self.receipts = call.rows(receipts, account)

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return arn_of(self.call.region, self.account, self.name)

    @property
    def topic(self) -> str:
        """What receivers wait for."""
        return f"sqs:{self.account}:{self.call.region}:{self.name}"

    def put(self, message: Message) -> int:
        """Add a message at the end; returns its sequence number."""
        call, line, queue = self.call, self.line, self.queue
        seq = line.next(call.world.began)
        self.messages[queue.store, seq] = message
        oldest = line.oldest()
        if oldest is None or message.sent < oldest:
            self.expire_at(message.sent + queue.retention)
        call.notify(self.topic)
        return seq

    def drop(self, seq: int) -> None:
        """Take a message away."""
        key = (self.queue.store, seq)
        del self.messages[key]
        self.receipts.pop(key, None)
        if self.queue.fifo:
            # What comes next in its group may now be received.
            self.call.notify(self.topic)

    def expire_at(self, due: float) -> None:
        """Look for messages beyond the retention period at a time, or earlier if so set."""
        call = self.call
        set_before = call.timers.get("sqs", "expire", self.name, self.account, call.region)
        if set_before is None or set_before.due > due:
            call.timers.at(due, "sqs", "expire", self.name, self.account, call.region)


def find(call: Call, account: str, name: str) -> Opened | None:
    """The queue of that name, or None."""
    row = call.rows(queues, account).get(name)
    return Opened(call, account, row) if row is not None else None


def opened(call: Call, url: str | None) -> Opened:
    """The queue of a URL; raises QueueDoesNotExist or InvalidAddress."""
    account, name = address(url or "")
    found = find(call, account, name)
    if found is None:
        raise no_such_queue()
    return found


def own(call: Call, url: str | None) -> Opened:
    """A queue of the caller's own account, where cross-account permissions do not apply."""
    account, _ = address(url or "")
    if account != call.account:
        raise AwsError("AccessDenied", f"Access to the resource {url} is denied.", status=403)
    return opened(call, url)
