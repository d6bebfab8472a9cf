"""What is forgotten in time: tokens, deduplication ids, what deleted topics leave behind."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.resources import archived, former, sent, subscriptions
from mesocosm.services.sns.rules.messages import DEDUPLICATION_SECONDS

AT_ONCE = 500
"""Rows changed in one go: a timer with more to do comes back at once, and calls go between."""


@sns.timer("unconfirmed")
def unconfirmed(call: Call, name: str) -> None:
    """A subscription that nobody confirmed in time is gone."""
    rows = call.rows(subscriptions)
    row = rows.get(name)
    if row is not None and not row.confirmed:
        del rows[name]


@sns.timer("former")
def forget_former(call: Call, token: str) -> None:
    """A subscription that was ended by its link cannot be brought back any longer."""
    call.rows(former).pop(token, None)


@sns.timer("stale")
def stale(call: Call, topic_id: str) -> None:
    """Forget the deduplication ids of a topic that hold no longer."""
    uses = call.rows(sent)
    gone, following = [], 0.0
    for key, row in uses.items():
        if key[0] != topic_id:
            continue
        if row.at <= call.now - DEDUPLICATION_SECONDS:
            gone.append(key)
        elif not following or row.at < following:
            following = row.at
    for key in gone[:AT_ONCE]:
        del uses[key]
    if len(gone) > AT_ONCE:
        call.at(call.now, "stale", topic_id)
    elif following:
        call.at(max(following + DEDUPLICATION_SECONDS, call.now + 60.0), "stale", topic_id)


@sns.timer("forget")
def forget(call: Call, topic_id: str) -> None:
    """Forget the deduplication ids and the archive of a deleted topic."""
    uses = call.rows(sent)
    gone = [key for key in uses if key[0] == topic_id]
    for key in gone[:AT_ONCE]:
        del uses[key]
    call.world.segments(archived, call.account, call.region).drop(topic_id)
    call.cancel("stale", topic_id)
    call.cancel("expire", topic_id)
    if len(gone) > AT_ONCE:
        call.at(call.now, "forget", topic_id)
