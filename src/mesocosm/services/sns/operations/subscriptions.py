"""Subscriptions: subscribing, finding, their attributes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.sns import sns
from mesocosm.services.sns.operations import subscription_attributes as attributes
from mesocosm.services.sns.operations.confirming import ask
from mesocosm.services.sns.operations.opened import (
    PAGE,
    OpenTopic,
    base_of,
    every_arn,
    opened,
    passing,
    subscribed,
    subscription_topic,
    topic_arn,
)
from mesocosm.services.sns.resources import (
    Subscription,
    by_endpoint,
    by_owner,
    by_topic,
    name_of,
    subscriptions,
)
from mesocosm.services.sns.rules import subscriptions as rules
from mesocosm.services.sns.rules.errors import denied, invalid
from mesocosm.services.sns.rules.topics import bad_token
from mesocosm.wire.errors import AwsError

PENDING = "PendingConfirmation"
ASKED = "pending confirmation"


def _asked(call: Call, request: api.SubscribeInput) -> Mapping[str, str | None]:
    return {"sns:Protocol": request.protocol, "sns:Endpoint": request.endpoint}


def _role(call: Call, request: api.SubscribeInput) -> list[Need]:
    role = (request.attributes or {}).get("SubscriptionRoleArn")
    return [passing(role)] if role else []


@sns.operation("Subscribe", resource=topic_arn, conditions=_asked, needs=_role)
def subscribe(call: Call, request: api.SubscribeInput) -> api.SubscribeResponse:
    """Subscribe an endpoint. Of a URL, or a queue of another account, the owner must confirm."""
    topic = opened(call, request.topic_arn)
    protocol = request.protocol
    rules.check_protocol(protocol, topic.row.fifo)
    if protocol not in rules.MADE:
        raise call.not_implemented(f"the protocol {protocol}")
    endpoint = rules.check_endpoint(protocol, request.endpoint, topic.row.fifo)
    row = Subscription(
        topic=topic.name.topic,
        owner=call.account,
        protocol=protocol,
        endpoint=endpoint,
        created=call.now,
        principal=call.principal.arn,
        base=base_of(call),
        confirmed=protocol == "firehose"
        or (protocol == "sqs" and endpoint.split(":")[4] == call.account),
    )
    row = attributes.given(call, topic, row, request.attributes or {})
    if protocol == "firehose" and not row.role:
        raise invalid("Attributes Reason: SubscriptionRoleArn: no value for required parameter")
    rows = call.rows(subscriptions, topic.name.account, topic.name.region)
    known = rows.find(by_endpoint, (row.topic, protocol, endpoint))
    if known:
        row = _again(rows[known[0]], row, request.attributes or {})
        name = known[0]
    else:
        _check_limits(call, topic, row)
        name = call.ids.uuid()
        if row.replay:
            attributes.begin_replay(call, topic, name)
    if not row.confirmed:
        row = replace(row, token=call.ids.hex(256), expires=call.now + rules.TOKEN_SECONDS)
        ask(call, topic, name, row)
    rows[name] = row
    shown = row.confirmed or request.return_subscription_arn
    return api.SubscribeResponse(subscription_arn=f"{topic.arn}:{name}" if shown else ASKED)


def _again(before: Subscription, row: Subscription, given: Mapping[str, str]) -> Subscription:
    """A subscription that is there already: it stays, if nothing else is asked for."""
    for name in given:
        for field in attributes.FIELDS[name]:
            if getattr(before, field) != getattr(row, field):
                raise invalid(
                    "Attributes Reason: Subscription already exists with different attributes"
                )
    return before


def _check_limits(call: Call, topic: OpenTopic, row: Subscription) -> None:
    rows = call.rows(subscriptions, topic.name.account, topic.name.region)
    names = rows.find(by_topic, topic.name.topic)
    if topic.row.fifo and len(names) >= rules.FIFO_SUBSCRIPTIONS_MAX:
        raise AwsError("SubscriptionLimitExceeded", "Subscription limit exceeded for the topic")
    if row.filter:
        attributes.check_filters(call, topic)
    attributes.check_large(topic, row.protocol, len(names) + 1)


# -- finding -------------------------------------------------------------------------------


def _shown(arn: str, row: Subscription) -> api.Subscription:
    return api.Subscription(
        subscription_arn=arn if row.confirmed else PENDING,
        owner=row.owner,
        protocol=row.protocol,
        endpoint=row.endpoint,
        topic_arn=arn.rpartition(":")[0],
    )


@sns.operation("ListSubscriptions", resource=every_arn)
def list_subscriptions(
    call: Call, request: api.ListSubscriptionsInput
) -> api.ListSubscriptionsResponse:
    """The caller's subscriptions in this Region, to whoever's topics; a hundred at a time."""
    found: dict[str, Subscription] = {}
    for account, region, rows in call.world.cells(subscriptions):
        if region == call.region:
            for name in rows.find(by_owner, call.account):
                row = rows[name]
                found[f"arn:aws:sns:{region}:{account}:{row.topic}:{name}"] = row
    arns, token = page(found, lambda arn: arn, request.next_token, PAGE, bad_token)
    return api.ListSubscriptionsResponse(
        subscriptions=[_shown(arn, found[arn]) for arn in arns], next_token=token
    )


@sns.operation("ListSubscriptionsByTopic", resource=topic_arn)
def list_subscriptions_by_topic(
    call: Call, request: api.ListSubscriptionsByTopicInput
) -> api.ListSubscriptionsByTopicResponse:
    """The subscriptions of a topic, whoever owns them; a hundred at a time."""
    topic = opened(call, request.topic_arn)
    rows = call.rows(subscriptions, topic.name.account, topic.name.region)
    names, token = page(
        rows.find(by_topic, topic.name.topic),
        lambda name: name,
        request.next_token,
        PAGE,
        bad_token,
    )
    return api.ListSubscriptionsByTopicResponse(
        subscriptions=[_shown(f"{topic.arn}:{name}", rows[name]) for name in names],
        next_token=token,
    )


@sns.operation("GetSubscriptionAttributes", resource=subscription_topic)
def get_subscription_attributes(
    call: Call, request: api.GetSubscriptionAttributesInput
) -> api.GetSubscriptionAttributesResponse:
    """Every attribute of a subscription."""
    found = subscribed(call, request.subscription_arn)
    return api.GetSubscriptionAttributesResponse(attributes=attributes.shown(call, found))


def _new_role(call: Call, request: api.SetSubscriptionAttributesInput) -> list[Need]:
    given = request.attribute_name == "SubscriptionRoleArn" and request.attribute_value
    return [passing(given)] if given else []


@sns.operation("SetSubscriptionAttributes", resource=subscription_topic, needs=_new_role)
def set_subscription_attributes(call: Call, request: api.SetSubscriptionAttributesInput) -> None:
    """Change one attribute; an empty value takes it away. Only the subscription's owner may."""
    found = subscribed(call, request.subscription_arn)
    if found.row.owner != call.account:
        raise denied(
            f"User: {call.principal.arn} is not authorized to perform: "
            f"SNS:SetSubscriptionAttributes on resource: {found.arn}"
        )
    topic = opened(call, found.name.arn)
    name, value = request.attribute_name, request.attribute_value or ""
    row = attributes.changed(call, topic, found.row, name, value, "")
    attributes.check(row, "")
    if row.filter and not found.row.filter:
        attributes.check_filters(call, topic)
    call.rows(subscriptions, found.name.account, found.name.region)[found.name.id] = row
    if name == "ReplayPolicy" and row.replay:
        attributes.begin_replay(call, topic, name_of(found.arn, "SubscriptionArn").id)
