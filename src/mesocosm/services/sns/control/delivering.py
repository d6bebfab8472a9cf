"""Delivering: after a message was written down, and again when it failed.

What is handed to a queue or a delivery stream is handed over in the transaction that strikes it off
the message: it arrives once, whatever happens in between. A post to a web server is made outside of
it, and may be made again after a crash.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.engines.post import Answer
from mesocosm.services.sns import sns
from mesocosm.services.sns.control.feedback import Outcome
from mesocosm.services.sns.control.sending import Failed, Sender
from mesocosm.services.sns.engine import Post, Posts
from mesocosm.services.sns.resources import (
    Delivery,
    Message,
    Subscription,
    by_group,
    deliveries,
    messages,
    subscriptions,
    topics,
)
from mesocosm.services.sns.rules import metrics as measured
from mesocosm.services.sns.rules.retries import MANAGED, effective, retries_of
from mesocosm.services.sns.rules.subscriptions import WEB
from mesocosm.world import Change

AT_ONCE = 50
"""Deliveries in one go: a timer with more to do comes back at once, and calls go between."""


# -- a message that was published ----------------------------------------------------------------


@sns.reaction(messages)
def published(call: Call, change: Change) -> None:
    """A message was written down: deliver it."""
    if change.old is None:
        deliver(call, str(change.key))


@sns.timer("deliver")
def deliver(call: Call, key: str) -> None:
    """Hand a message to the subscriptions that wait for it."""
    seq, rows = int(key), call.rows(messages)
    message = rows.get(seq)
    if message is None or not message.waiting:
        return
    topic = call.rows(topics).get(message.topic)
    if topic is None:
        _forget(call, seq)
        return
    sender = Sender(call, seq, message, topic)
    known = call.rows(subscriptions)
    for name in message.waiting[:AT_ONCE]:
        row = known.get(name)
        if row is not None:
            _begin(call, sender, name, row)
    rest = message.waiting[AT_ONCE:]
    if rest:
        rows[seq] = replace(message, waiting=rest)
        call.at(call.now, "deliver", key)
    else:
        _end(call, seq, message)


def _begin(call: Call, sender: Sender, name: str, row: Subscription) -> None:
    """The first attempt; on a FIFO topic what came before in the group goes first."""
    group = f"{name}\n{sender.message.group}" if sender.topic.fifo else ""
    rows = call.rows(deliveries)
    key = (sender.seq, name)
    if row.protocol in WEB or (group and rows.find(by_group, group)):
        rows[key] = Delivery(group=group)
    else:
        _attempt(call, sender, name, row, Delivery(group=group))


def _end(call: Call, seq: int, message: Message) -> None:
    """A message that everybody has is gone; its row stays while deliveries are still to be made."""
    rows, left = call.rows(messages), call.rows(deliveries)
    if next(left.range((seq, ""), (seq + 1, "")), None) is None:
        rows.pop(seq, None)
    elif message.waiting:
        rows[seq] = replace(message, waiting=())


def _forget(call: Call, seq: int) -> None:
    """The topic is gone, and with it what was on its way."""
    left = call.rows(deliveries)
    for key in list(left.range((seq, ""), (seq + 1, ""))):
        del left[key]
    call.rows(messages).pop(seq, None)


# -- one delivery ----------------------------------------------------------------------------------


def _attempt(call: Call, sender: Sender, name: str, row: Subscription, delivery: Delivery) -> None:
    """Hand a message to a queue or a delivery stream."""
    try:
        said = sender.hand_over(name, row)
    except Failed as failure:
        _failed(call, sender, name, row, delivery, failure)
    else:
        if sender.topic.feedback:
            sender.log(row, Outcome(True, said, 200, delivery.attempts + 1))
        _done(call, sender, name, row, delivery, True)


def _done(
    call: Call, sender: Sender, name: str, row: Subscription, delivery: Delivery, made: bool
) -> None:
    """A delivery is at its end: it was made, or given up."""
    again = sender.message.replayed
    if made:
        sender.count(measured.REPLAYED if again else measured.DELIVERED)
    else:
        sender.count(measured.NOT_REPLAYED if again else measured.FAILED)
    rows = call.rows(deliveries)
    key = (sender.seq, name)
    if key in rows:
        del rows[key]
        call.cancel("retry", _timer(key))
        if not sender.message.waiting:
            _end(call, sender.seq, sender.message)
    if delivery.group:
        following = sorted(rows.find(by_group, delivery.group))
        if following:
            call.at(call.now, "retry", _timer(following[0]))


def _failed(
    call: Call,
    sender: Sender,
    name: str,
    row: Subscription,
    delivery: Delivery,
    failure: Failed,
) -> None:
    """Try again later, if it was the other side's fault; else it is a dead letter."""
    attempts = delivery.attempts + 1
    if failure.again:
        policy = MANAGED
        if row.protocol in WEB:
            given = effective(row.delivery_policy, sender.topic.delivery_policy)
            policy = retries_of(given["healthyRetryPolicy"])
        pause = policy.delay(attempts)
        if pause is not None:
            key = (sender.seq, name)
            call.rows(deliveries)[key] = replace(delivery, attempts=attempts)
            call.at(call.now + pause, "retry", _timer(key))
            return
    sender.log(row, Outcome(False, str(failure), failure.status, attempts))
    sender.bury(name, row)
    _done(call, sender, name, row, delivery, False)


def _timer(key: tuple[int, str]) -> str:
    return f"{key[0]} {key[1]}"


@sns.timer("retry")
def retry(call: Call, text: str) -> None:
    """Another attempt of a delivery."""
    seq, _, name = text.partition(" ")
    _again(call, (int(seq), name))


def _again(call: Call, key: tuple[int, str]) -> None:
    found = _opened(call, key)
    if found is None:
        return
    sender, row, delivery = found
    if delivery.group and min(call.rows(deliveries).find(by_group, delivery.group)) != key:
        return  # what came before goes first
    if row.protocol in WEB:
        _post(call, sender, key, row)
    else:
        _attempt(call, sender, key[1], row, delivery)


def _opened(call: Call, key: tuple[int, str]) -> tuple[Sender, Subscription, Delivery] | None:
    """A delivery with what it needs; without a topic or a subscription there is none."""
    delivery, message = call.rows(deliveries).get(key), call.rows(messages).get(key[0])
    if delivery is None or message is None:
        return None
    topic = call.rows(topics).get(message.topic)
    if topic is None:
        _forget(call, key[0])
        return None
    row = delivery.to or call.rows(subscriptions).get(key[1])
    sender = Sender(call, key[0], message, topic)
    if row is None:
        del call.rows(deliveries)[key]
        if not message.waiting:
            _end(call, key[0], message)
        return None
    return sender, row, delivery


# -- web servers -----------------------------------------------------------------------------------


@sns.reaction(deliveries)
def written(call: Call, change: Change) -> None:
    """A delivery to a web server, or a request to confirm, was written down: make it."""
    delivery: Delivery | None = change.new
    if change.old is None and delivery is not None and not delivery.attempts:
        _again(call, change.key)


def _post(call: Call, sender: Sender, key: tuple[int, str], row: Subscription) -> None:
    posts = call.world.derived(Posts)
    policy = effective(row.delivery_policy, sender.topic.delivery_policy)
    rate = (policy["throttlePolicy"] or {}).get("maxReceivesPerSecond")
    if rate:
        due = posts.turn(key, call.now, rate)
        if due > call.now:
            call.at(due, "retry", _timer(key))
            return
    try:
        headers, body = sender.posted(key[1], row, policy["requestPolicy"]["headerContentType"])
    except Failed as failure:
        finished(call, key, Answer(403, str(failure)))
        return
    posts.send(call, Post(key, row.endpoint, headers, body), finished)


def finished(call: Call, key: tuple[int, str], answer: Answer) -> None:
    """A web server has answered, or not. 4xx is the endpoint's word (429 is none), 5xx and silence
    its trouble.
    """
    found = _opened(call, key)
    if found is None:
        return
    sender, row, delivery = found
    status = answer.status
    if 200 <= status < 300:
        sender.log(row, Outcome(True, answer.text, status, delivery.attempts + 1))
        _done(call, sender, key[1], row, delivery, True)
        return
    again = status == 0 or status == 429 or status >= 500 or status < 200
    _failed(call, sender, key[1], row, delivery, Failed(answer.text, again, status))


@sns.start
def resume(call: Call) -> None:
    """What was on its way when the cloud stopped goes on."""
    timers: Any = call.timers
    for account, region, rows in list(call.world.cells(messages)):
        for seq, message in rows.items():
            if message.waiting and timers.get("sns", "deliver", str(seq), account, region) is None:
                timers.at(call.now, "sns", "deliver", str(seq), account, region)
    for account, region, left in list(call.world.cells(deliveries)):
        for key in left:
            if timers.get("sns", "retry", _timer(key), account, region) is None:
                timers.at(call.now, "sns", "retry", _timer(key), account, region)
