"""The archive of FIFO topics, and its replay to a subscription.

A replay takes its subscription out of what is published: until it has caught up, everything comes
from the archive, so that the order of the messages is the archive's.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.control.sending import Failed, Sender
from mesocosm.services.sns.resources import (
    Message,
    Order,
    Subscription,
    Topic,
    archived,
    messages,
    subscriptions,
    topics,
)
from mesocosm.services.sns.rules import subscriptions as rules
from mesocosm.services.sns.rules.filters import Content, Filter

AT_ONCE = 100
"""Archived messages looked at in one go."""
DAY = 86_400.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, Message])


def store(call: Call, account: str, region: str, topic_id: str, seq: int, message: Message) -> None:
    """Put a message into its topic's archive."""
    payload = _encoder.encode((seq, replace(message, waiting=())))
    log = call.world.segments(archived, account, region)
    log.append(topic_id, call.now, call.now, 1, payload)
    if call.timers.get("sns", "expire", topic_id, account, region) is None:
        call.timers.at(call.now + DAY, "sns", "expire", topic_id, account, region)


def _topic_of(call: Call, topic_id: str) -> Topic | None:
    return next((row for row in call.rows(topics).values() if row.id == topic_id), None)


@sns.timer("expire")
def expire(call: Call, topic_id: str) -> None:
    """Drop what is older than the retention of the archive, once a day."""
    topic = _topic_of(call, topic_id)
    if topic is None or not topic.archive:
        return
    call.world.segments(archived, call.account, call.region).drop(
        topic_id, call.now - topic.archive * DAY
    )
    call.at(call.now + DAY, "expire", topic_id)


@sns.timer("unarchive")
def unarchive(call: Call, topic_id: str) -> None:
    """The archive was given up: drop it, and end the replays from it."""
    topic = _topic_of(call, topic_id)
    if topic is not None and topic.archive:
        return
    call.world.segments(archived, call.account, call.region).drop(topic_id)
    rows = call.rows(subscriptions)
    for name, row in list(rows.items()):
        if topic is not None and row.topic == topic.name and row.replay_status in RUNNING:
            rows[name] = replace(row, replay_status="Failed")


RUNNING = ("Pending", "In progress")


@sns.timer("replay")
def replay(call: Call, name: str) -> None:
    """Send some of what is archived to a subscription; the timer comes back until all is sent."""
    rows = call.rows(subscriptions)
    row = rows.get(name)
    policy = rules.replay(row.replay) if row is not None and row.replay else None
    if row is None or policy is None:
        return
    topic = call.rows(topics).get(row.topic)
    if topic is None or not topic.archive:
        rows[name] = replace(row, replay_status="Failed")
        return
    wants = Filter(row.filter, row.scope) if row.filter else None
    since = max(policy.start, call.now - topic.archive * DAY)
    last, seen = row.replayed, 0
    log = call.world.segments(archived, call.account, call.region)
    for chunk in log.scan(topic.id, since, float("inf")):
        if chunk.sequence < row.replayed or chunk.start < since:
            continue
        if policy.end is not None and chunk.start > policy.end:
            break
        if seen == AT_ONCE:
            rows[name] = replace(row, replay_status="In progress", replayed=last)
            call.at(call.now, "replay", name)
            return
        seen += 1
        last = chunk.sequence + 1
        try:
            _send(call, topic, name, row, wants, chunk.payload)
        except Failed:
            rows[name] = replace(row, replay_status="Failed")
            return
    _caught_up(call, name, replace(row, replayed=last), policy)


def _send(
    call: Call, topic: Topic, name: str, row: Subscription, wants: Filter | None, payload: bytes
) -> None:
    seq, message = _decoder.decode(payload)
    if wants is not None:
        text = Sender(call, seq, message, topic).text(row.protocol)
        if not wants.wants(Content(text, message.attributes)):
            return
    call.rows(messages)[call.world.derived(Order).next()] = replace(
        message, waiting=(name,), replayed=seq
    )


def _caught_up(call: Call, name: str, row: Subscription, policy: rules.Replay) -> None:
    """Everything archived is sent: the subscription goes on with what is published, up to the end
    of the replay if it has one.
    """
    rows = call.rows(subscriptions)
    if policy.end is None:
        rows[name] = replace(row, replay_status="Completed", live=True)
    elif policy.end > call.now:
        rows[name] = replace(row, replay_status="In progress", live=True)
        call.at(policy.end, "replayed", name)
    else:
        rows[name] = replace(row, replay_status="Completed")


@sns.timer("replayed")
def replayed(call: Call, name: str) -> None:
    """The end of a replay has come: nothing more is sent to its subscription."""
    rows = call.rows(subscriptions)
    row = rows.get(name)
    policy = rules.replay(row.replay) if row is not None and row.replay else None
    if row is None or policy is None or policy.end is None or policy.end > call.now:
        return
    rows[name] = replace(row, replay_status="Completed", live=False)
