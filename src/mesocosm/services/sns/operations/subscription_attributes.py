"""The attributes of subscriptions: what setting one changes, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.sns.operations.attributes import (
    LARGE_PROTOCOLS,
    LARGE_SUBSCRIPTIONS_MAX,
)
from mesocosm.services.sns.operations.opened import OpenSubscription, OpenTopic
from mesocosm.services.sns.resources import Subscription, by_topic, subscriptions, topics
from mesocosm.services.sns.rules import retries
from mesocosm.services.sns.rules import subscriptions as rules
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.filters import Filter
from mesocosm.services.sns.rules.messages import SIZE_DEFAULT
from mesocosm.services.sns.rules.patterns import BadPattern
from mesocosm.services.sns.rules.topics import flag
from mesocosm.wire.errors import AwsError

RAW = frozenset({"firehose", "http", "https", "sqs"})
SCOPES = ("MessageAttributes", "MessageBody")
FIELDS: dict[str, tuple[str, ...]] = {
    "DeliveryPolicy": ("delivery_policy",),
    "FilterPolicy": ("filter",),
    "FilterPolicyScope": ("scope",),
    "RawMessageDelivery": ("raw",),
    "RedrivePolicy": ("dead_letter",),
    "ReplayPolicy": ("replay",),
    "SubscriptionRoleArn": ("role",),
}
"""The attributes that can be set -> members of the row."""


def given(
    call: Call, topic: OpenTopic, row: Subscription, values: Mapping[str, str]
) -> Subscription:
    """The row with the attributes of a Subscribe."""
    before = "Attributes Reason: "
    for name, value in values.items():
        row = changed(call, topic, row, name, value, before)
    check(row, before)
    return row


def changed(
    call: Call, topic: OpenTopic, row: Subscription, name: str, value: str, before: str
) -> Subscription:
    """The row with an attribute set; `before` begins the reason of a refusal."""
    match name:
        case "DeliveryPolicy":
            return replace(row, delivery_policy=retries.check(value) if value else "")
        case "FilterPolicy":
            return replace(row, filter=value)
        case "FilterPolicyScope":
            if value not in SCOPES:
                raise invalid(
                    f"{before}FilterPolicyScope: Invalid value [{value}]. Please use either "
                    "MessageBody or MessageAttributes"
                )
            return replace(row, scope=value)
        case "RawMessageDelivery":
            raw = flag(name, value, before)
            if raw and row.protocol not in RAW:
                raise invalid(
                    f"Delivery protocol [{row.protocol}] does not support raw message delivery."
                )
            return replace(row, raw=raw)
        case "RedrivePolicy":
            fifo = row.endpoint.endswith(".fifo")
            arn = rules.redrive(value, before, fifo, topic.name.region, row.owner)
            return replace(row, dead_letter=arn)
        case "SubscriptionRoleArn":
            if row.protocol != "firehose":
                raise invalid(f"{before}SubscriptionRoleArn: only for the protocol firehose")
            return replace(row, role=value)
        case "ReplayPolicy":
            return _replaying(topic, row, value, before)
    raise invalid(f"{before}AttributeName")


def _replaying(topic: OpenTopic, row: Subscription, value: str, before: str) -> Subscription:
    if not topic.row.fifo:
        raise invalid(f"{before}ReplayPolicy is only supported for FIFO topics")
    policy = rules.replay(value, before)
    if policy is None:
        return replace(row, replay="", replay_status="", replayed=0, live=False)
    if not topic.row.archive:
        raise invalid(f"{before}ReplayPolicy: the topic has no archive policy")
    return replace(row, replay=value, replay_status="Pending", replayed=0, live=False)


def begin_replay(call: Call, topic: OpenTopic, name: str) -> None:
    """A timer sends what is archived."""
    call.timers.at(call.now, "sns", "replay", name, topic.name.account, topic.name.region)


def check(row: Subscription, before: str) -> None:
    """What holds of a subscription as a whole: the filter fits its scope."""
    if row.filter:
        try:
            Filter(row.filter, row.scope or SCOPES[0])
        except BadPattern as error:
            raise invalid(f"{before}FilterPolicy: {error}") from None


def check_filters(call: Call, topic: OpenTopic) -> None:
    """One more filter policy of a topic."""
    rows = call.rows(subscriptions, topic.name.account, topic.name.region)
    names = rows.find(by_topic, topic.name.topic)
    if sum(bool(rows[name].filter) for name in names) >= rules.FILTERS_MAX:
        raise AwsError("FilterPolicyLimitExceeded", "Filter policy limit exceeded for the topic")


def check_large(topic: OpenTopic, protocol: str, count: int) -> None:
    """One more subscription of a topic that takes large messages."""
    if topic.row.maximum_size > SIZE_DEFAULT and (
        protocol not in LARGE_PROTOCOLS or count > LARGE_SUBSCRIPTIONS_MAX
    ):
        raise invalid(
            f"a topic with a MaximumMessageSize above {SIZE_DEFAULT} bytes must have "
            f"{LARGE_SUBSCRIPTIONS_MAX} or fewer subscriptions, each of them of the protocol sqs, "
            "firehose or lambda"
        )


def shown(call: Call, found: OpenSubscription) -> dict[str, str]:
    """Every attribute of a subscription, as GetSubscriptionAttributes shows it."""
    row = found.row
    values = {
        "SubscriptionArn": found.arn,
        "TopicArn": found.name.arn,
        "Owner": row.owner,
        "Protocol": row.protocol,
        "Endpoint": row.endpoint,
        "PendingConfirmation": _flag(not row.confirmed),
        "ConfirmationWasAuthenticated": _flag(row.confirmed and row.authenticated),
        "RawMessageDelivery": _flag(row.raw),
        "SubscriptionPrincipal": row.principal,
        "DeliveryPolicy": row.delivery_policy,
        "FilterPolicy": row.filter,
        "FilterPolicyScope": (row.scope or SCOPES[0]) if row.filter else row.scope,
        "RedrivePolicy": rules.redrive_text(row.dead_letter) if row.dead_letter else "",
        "SubscriptionRoleArn": row.role,
        "ReplayPolicy": row.replay,
        "ReplayStatus": row.replay_status,
    }
    if row.protocol in rules.WEB:
        topic = call.rows(topics, found.name.account, found.name.region).get(row.topic)
        policy = retries.effective(row.delivery_policy, topic.delivery_policy if topic else "")
        values["EffectiveDeliveryPolicy"] = json.dumps(policy, separators=(",", ":"))
    return {name: value for name, value in values.items() if value}


def _flag(value: bool) -> str:
    return "true" if value else "false"
