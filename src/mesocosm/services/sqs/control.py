"""What queues do by themselves: messages expire and are moved, what was purged is cleared away."""

from __future__ import annotations

from itertools import islice

from mesocosm.call.call import Call
from mesocosm.call.metering import Meter
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations import metering
from mesocosm.services.sqs.operations.moves import move_some
from mesocosm.services.sqs.operations.opened import find
from mesocosm.services.sqs.operations.queues import delay_again
from mesocosm.services.sqs.resources import (
    Lines,
    attempts,
    deleted,
    messages,
    queues,
    receipts,
    sent,
)

AT_ONCE = 500
"""Rows changed in one go: a timer with more to do comes back at once, and calls go between."""

ROUNDING = 0.001


@sqs.gauge(60)
def show_state(call: Call, meter: Meter) -> bool:
    """What is in the queues that were used in the last six hours."""
    last = call.world.derived(metering.Activity).last
    for one in meter.fresh:
        if one.metric.namespace == metering.NAMESPACE:
            last[one.account, one.region, one.dimensions] = one.time
    lines = call.world.derived(Lines)
    for (account, region, where), used in list(last.items()):
        row = call.world.rows(queues, account, region).get(where[0][1])
        if row is None or used < call.now - metering.ACTIVE:
            del last[account, region, where]
            continue
        line = lines.line(account, region, row.store, row.fifo)
        line.advance(call.now)
        oldest = line.oldest()
        age = call.now - oldest if oldest is not None else 0.0
        for metric, value in (
            (metering.visible, line.available),
            (metering.in_flight, line.flying),
            (metering.delayed, line.delayed),
            (metering.oldest, age),
        ):
            meter.sample(account, region, metric, where, float(value))
    return bool(last)


@sqs.timer("expire")
def expire(call: Call, name: str) -> None:
    """Delete the messages of a queue that are older than its retention period."""
    queue = find(call, call.account, name)
    if queue is None:
        return
    call.cancel("expire", name)
    retention = queue.queue.retention
    # The margin is for the rounding of sums of seconds: a timer must find what it was set for.
    gone = queue.line.sent_until(call.now - retention + ROUNDING, AT_ONCE)
    for seq in gone:
        queue.drop(seq)
    oldest = queue.line.oldest()
    if gone:
        queue.expire_at(call.now)  # the line will then know what is left
    elif oldest is not None:
        queue.expire_at(oldest + retention)


@sqs.timer("delay")
def delay(call: Call, key: str) -> None:
    """A new delay of a FIFO queue reaches the next of the messages that are there."""
    name, _, after = key.partition("\n")
    queue = find(call, call.account, name)
    if queue is not None:
        delay_again(queue, queue.queue.delay, int(after))


@sqs.timer("clear")
def clear(call: Call, store: str) -> None:
    """Delete the rows of a store that no queue uses any longer."""
    lines = call.world.derived(Lines)
    line = lines.line(call.account, call.region, store, False)
    rows, given = call.rows(messages), call.rows(receipts)
    gone = line.some(AT_ONCE)
    for seq in gone:
        del rows[store, seq]
        given.pop((store, seq), None)
    if gone:
        call.at(call.now, "clear", store)
    else:
        lines.drop(call.account, call.region, store)


@sqs.timer("forget")
def forget(call: Call, queue_id: str) -> None:
    """Delete the deduplication ids of a deleted queue."""
    recent = call.world.derived(Lines).recent(call.account, call.region, queue_id)
    uses = call.rows(sent)
    gone = [key for key in islice(recent, AT_ONCE) if uses.pop(key, None) is not None]
    if gone:
        call.at(call.now, "forget", queue_id)


@sqs.timer("attempt")
def forget_attempt(call: Call, key: str) -> None:
    """A ReceiveRequestAttemptId holds for five minutes."""
    store, _, attempt = key.partition("\n")
    call.rows(attempts).pop((store, attempt), None)


@sqs.timer("name")
def free_name(call: Call, name: str) -> None:
    """The name of a deleted queue may be used again."""
    call.rows(deleted).pop(name, None)


@sqs.timer("move")
def move(call: Call, task: str) -> None:
    """Move the messages of one second of a message move task."""
    move_some(call, task)
