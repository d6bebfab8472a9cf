"""Confirming and ending subscriptions: by whoever has the token or the link, signed or not."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.operations.opened import (
    OpenSubscription,
    OpenTopic,
    opened,
    subscribed,
    subscription_topic,
)
from mesocosm.services.sns.resources import (
    Delivery,
    Message,
    Order,
    Subscription,
    by_token,
    deliveries,
    former,
    messages,
    name_of,
    subscriptions,
    topics,
)
from mesocosm.services.sns.rules.errors import denied, invalid
from mesocosm.services.sns.rules.subscriptions import TOKEN_SECONDS, WEB
from mesocosm.services.sns.rules.topics import flag
from mesocosm.wire.errors import AwsError

PLEASE = (
    "You have chosen to subscribe to the topic {arn}.\nTo confirm the subscription, visit the "
    "SubscribeURL included in this message."
)
GONE = (
    "You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore the "
    "subscription, visit the SubscribeURL included in this message."
)


def ask(call: Call, topic: OpenTopic, name: str, row: Subscription) -> None:
    """Send the token of a pending subscription to its endpoint; it holds for two days."""
    account, region = topic.name.account, topic.name.region
    _send(call, topic, name, row, "SubscriptionConfirmation", PLEASE.format(arn=topic.arn))
    call.timers.at(row.expires, "sns", "unconfirmed", name, account, region)


def _send(call: Call, topic: OpenTopic, name: str, row: Subscription, kind: str, text: str) -> None:
    account, region = topic.name.account, topic.name.region
    seq = call.world.derived(Order).next()
    call.rows(messages, account, region)[seq] = Message(
        id=call.ids.uuid(),
        topic=topic.name.topic,
        at=call.now,
        body=text,
        kind=kind,
        token=row.token,
    )
    call.rows(deliveries, account, region)[seq, name] = Delivery(to=row)


@sns.operation("ConfirmSubscription", anonymous=True, public=True, hide=("Token",))
def confirm_subscription(
    call: Call, request: api.ConfirmSubscriptionInput
) -> api.ConfirmSubscriptionResponse:
    """Confirm a subscription by its token; again is no error. A signature may forbid others to end
    it.
    """
    signed = call.principal.kind != "anonymous"
    name = name_of(request.topic_arn, "TopicArn")
    if signed:
        # The token is the topic's word; what the caller may do is for the caller's account to say.
        target = call.cloud.gate.target(call, name.arn)
        call.targets[name.arn] = target._replace(account=call.account, policy=None, open=None)
        call.require("sns:ConfirmSubscription", name.arn)
    topic = opened(call, request.topic_arn)
    rows = call.rows(subscriptions, name.account, name.region)
    asked = request.authenticate_on_unsubscribe
    lock = signed and bool(asked) and flag("AuthenticateOnUnsubscribe", asked or "")
    known = [one for one in rows.find(by_token, request.token) if rows[one].topic == name.topic]
    if known:
        row, found = rows[known[0]], known[0]
    else:
        row, found = _restored(call, topic, request.token)
    if row.expires <= call.now:
        raise invalid("Token")
    if not row.confirmed:
        row = replace(
            row,
            confirmed=True,
            authenticated=signed,
            locked=lock,
            owner=call.account if signed else row.owner,
        )
        rows[found] = row
        call.timers.cancel("sns", "unconfirmed", found, name.account, name.region)
    return api.ConfirmSubscriptionResponse(subscription_arn=f"{name.arn}:{found}")


def _restored(call: Call, topic: OpenTopic, token: str) -> tuple[Subscription, str]:
    """A subscription that was ended by its link, and is wanted back."""
    rows = call.rows(former, topic.name.account, topic.name.region)
    row = rows.get(token)
    if row is None or row.topic != topic.name.topic:
        raise invalid("Token")
    del rows[token]
    return row, call.ids.uuid()


@sns.operation("Unsubscribe", anonymous=True, public=True)
def unsubscribe(call: Call, request: api.UnsubscribeInput) -> None:
    """End a subscription; one that is not there has ended already. Unless it was forbidden, the
    link alone does; the endpoint is told then, and how to undo it.
    """
    signed = call.principal.kind != "anonymous"
    if signed:
        call.require("sns:Unsubscribe", subscription_topic(call, request))
    try:
        found = subscribed(call, request.subscription_arn)
    except AwsError as error:
        if error.code == "NotFound":
            return
        raise
    row = found.row
    if not row.confirmed:
        raise invalid("This subscription has not been confirmed yet")
    if not signed and row.locked:
        raise denied("Unsubscribing this subscription requires authentication.")
    account, region = found.name.account, found.name.region
    del call.rows(subscriptions, account, region)[found.name.id]
    topic = call.rows(topics, account, region).get(row.topic)
    if topic is None:
        return
    call.rows(topics, account, region)[row.topic] = replace(
        topic, unsubscribed=topic.unsubscribed + 1
    )
    if row.protocol in WEB and (not signed or call.account != row.owner):
        _tell(call, found, OpenTopic(found.name, topic))


def _tell(call: Call, found: OpenSubscription, topic: OpenTopic) -> None:
    row = replace(
        found.row,
        token=call.ids.hex(256),
        expires=call.now + TOKEN_SECONDS,
        confirmed=False,
    )
    account, region = found.name.account, found.name.region
    call.rows(former, account, region)[row.token] = row
    call.timers.at(row.expires, "sns", "former", row.token, account, region)
    text = GONE.format(arn=found.arn)
    _send(call, topic, found.name.id, row, "UnsubscribeConfirmation", text)
