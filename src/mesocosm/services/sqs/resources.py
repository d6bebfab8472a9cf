"""Queues and their messages as rows, and the index that keeps the messages' order.

A message is one row, written once; receiving it writes a second, small row beside it, so that a
body is stored once however often it is received.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from mesocosm.call.service import Target
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.rules.line import GroupedLine, Line
from mesocosm.services.sqs.rules.messages import Attribute
from mesocosm.wire.errors import AwsError
from mesocosm.world import Change, Table, World

if TYPE_CHECKING:
    from mesocosm.call.call import Call

Key: TypeAlias = tuple[str, int]
"""A store and a sequence number."""


class Queue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A queue. Times are epoch seconds, durations seconds, sizes bytes. `principals` are the unique
    ids of the users and roles that the policy names.

    `store` is where its messages lie: the queue's id, a dot, and a number that grows at each purge.
    """

    name: str
    store: str
    created: float
    modified: float
    fifo: bool = False
    delay: int = 0
    maximum_size: int = 1_048_576
    retention: int = 345_600
    wait: int = 0
    visibility: int = 30
    policy: str = ""
    principals: dict[str, str] = {}
    dead_letter_arn: str = ""
    max_receives: int = 0
    redrive_allow: str = ""
    managed_sse: bool = True
    kms_key: str = ""
    kms_reuse: int = 0
    content_deduplication: bool = False
    deduplication_scope: str = "queue"
    throughput_limit: str = "perQueue"
    tags: dict[str, str] = {}
    purged: float = 0.0

    @property
    def id(self) -> str:
        """What tells this queue from an earlier or later one of the same name."""
        return self.store.partition(".")[0]


class Deleted(msgspec.Struct, frozen=True):
    """A name that may not be used again for a while."""

    at: float


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message as it was sent. `visible`: delayed until then.

    Under a KMS key body and attributes are in `sealed`, `wrapped` is the data key, `sealed_for` the
    ARN of the queue they were encrypted in. `source` is the ARN of the queue it was moved from;
    `receives` and `first` it brought along.
    """

    id: str
    body: str
    sent: float
    sender: str
    visible: float = 0.0
    attributes: dict[str, Attribute] | None = None
    trace: str = ""
    group: str = ""
    deduplication: str = ""
    source: str = ""
    receives: int = 0
    first: float = 0.0
    sealed: bytes = b""
    wrapped: bytes = b""
    sealed_for: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last receiving of a message: hidden until `until`; `nonce` makes the receipt handle."""

    until: float
    nonce: str
    received: float
    receives: int
    first: float


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A deduplication id that was used: the message it stands for."""

    id: str
    seq: int
    at: float


class Attempt(msgspec.Struct, frozen=True):
    """What was given for a ReceiveRequestAttemptId: sequence number, nonce and end of each."""

    at: float
    given: tuple[tuple[int, str, float], ...]


class MoveTask(msgspec.Struct, frozen=True, kw_only=True):
    """A message move task. `source`: a queue's name; `destination`: an ARN, or "" (where from)."""

    source: str
    source_arn: str
    destination: str
    rate: int
    started: float
    to_move: int
    moved: int = 0
    status: str = "RUNNING"
    failure: str = ""


queues: Table[str, Queue] = Table("sqs.queues", Queue)
deleted: Table[str, Deleted] = Table("sqs.deleted", Deleted)
messages = Table("sqs.messages", Message, key=tuple[str, int])
receipts = Table("sqs.receipts", Receipt, key=tuple[str, int])
sent = Table("sqs.sent", Sent, key=tuple[str, str])
attempts = Table("sqs.attempts", Attempt, key=tuple[str, str])
move_tasks: Table[str, MoveTask] = Table("sqs.move_tasks", MoveTask)
by_dead_letter = queues.index("dead_letter", lambda row: row.dead_letter_arn or None)
by_source = move_tasks.index("source", lambda row: row.source)


# -- the order of messages -----------------------------------------------------------------


class Lines:
    """The lines of every queue of a world, and the deduplication ids of each FIFO queue by age."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lines: dict[tuple[str, str, str], Line] = {}
        self._recent: dict[tuple[str, str, str], OrderedDict[tuple[str, str], float]] = {}
        self._fill()
        self._watched = ((messages, self._message), (receipts, self._receipt), (sent, self._sent))
        for table, function in self._watched:
            world.changes.subscribe(table, function)
        world.changes.reset.append(self._end)

    def line(self, account: str, region: str, store: str, fifo: bool) -> Line:
        """The line of a store."""
        key = (account, region, store)
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = GroupedLine() if fifo else Line()
        return found

    def recent(
        self, account: str, region: str, queue_id: str
    ) -> OrderedDict[tuple[str, str], float]:
        """The keys of the deduplication ids of a queue and when they were used, oldest first."""
        return self._recent.setdefault((account, region, queue_id), OrderedDict())

    def drop(self, account: str, region: str, store: str) -> None:
        """Forget the empty line of a store that is no more."""
        self._lines.pop((account, region, store), None)

    def _end(self) -> None:
        # After a rewind the world makes another one.
        for table, function in self._watched:
            self._world.changes.unsubscribe(table, function)
        self._world.changes.reset.remove(self._end)

    def _fill(self) -> None:
        for account, region, rows in list(self._world.cells(messages)):
            for key in sorted(rows, key=lambda key: key[1]):
                self._add(account, region, key, rows[key])
        for account, region, uses in list(self._world.cells(sent)):
            for used, row in sorted(uses.items(), key=lambda item: item[1].at):
                self.recent(account, region, used[0])[used] = row.at

    def _add(self, account: str, region: str, key: Key, row: Message) -> None:
        line = self.line(account, region, key[0], bool(row.deduplication))
        line.add(key[1], row.sent, row.group)
        receipt = self._world.rows(receipts, account, region).get(key)
        if receipt is not None:
            line.hide(key[1], receipt.until, True)
        elif row.visible:
            line.hide(key[1], row.visible, False)

    def _message(self, change: Change) -> None:
        key: Key = change.key
        if change.new is None:
            line = self._lines.get((change.account, change.region, key[0]))
            if line is not None:
                line.remove(key[1])
            return
        self._add(change.account, change.region, key, change.new)
        if change.old is not None and change.old.visible and not change.new.visible:
            self._lines[change.account, change.region, key[0]].show(key[1])

    def _receipt(self, change: Change) -> None:
        store, seq = change.key
        line = self._lines.get((change.account, change.region, store))
        if line is None:
            return
        if change.new is None:
            line.show(seq)
        else:
            line.hide(seq, change.new.until, True)

    def _sent(self, change: Change) -> None:
        recent = self.recent(change.account, change.region, change.key[0])
        if change.new is None:
            recent.pop(change.key, None)
        else:
            recent[change.key] = change.new.at
            recent.move_to_end(change.key)


# -- names ---------------------------------------------------------------------------------

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def no_such_queue() -> AwsError:
    """AWS's error of a queue that is not there."""
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.")


@lru_cache(maxsize=4096)
def address(url: str) -> tuple[str, str]:
    """The account and the name in a queue's URL; the host is of no concern."""
    parts = url.rsplit("/", 2)
    if len(parts) != 3 or not parts[2] or not _ACCOUNT.fullmatch(parts[1]):
        raise AwsError("InvalidAddress", f"The address {url} is not valid for this endpoint.")
    return parts[1], parts[2]


def arn_of(region: str, account: str, name: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:{region}:{account}:{name}"


@lru_cache(maxsize=4096)
def split_arn(arn: str) -> tuple[str, str, str] | None:
    """Region, account and name of a queue's ARN; None when it is none."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sqs" or not parts[5]:
        return None
    return parts[3], parts[4], parts[5]


def url_of(call: Call, account: str, name: str) -> str:
    """The URL of a queue at the host the client called; from within, at a name that leads here."""
    if call.http is not None and call.http.host:
        return f"{'https' if call.secure else 'http'}://{call.http.host}/{account}/{name}"
    return f"http://sqs.{call.region}.localhost:4566/{account}/{name}"


@sqs.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a queue: its tags and its policy."""
    named = split_arn(arn)
    if named is None:
        return None
    region, account, name = named
    row = world.rows(queues, account, region).get(name)
    if row is None:
        return None
    return Target(
        arn, account, row.tags, row.policy or None, region=region, principals=row.principals
    )
