"""A topic or a subscription as an operation holds it: its row, in the cell its ARN names."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mesocosm.call.call import Call
from mesocosm.call.service import Need
from mesocosm.services.sns.resources import (
    Name,
    Subscription,
    Topic,
    name_of,
    subscriptions,
    topics,
)
from mesocosm.services.sns.rules.errors import invalid, no_subscription, no_topic

PAGE = 100
BASE = "http://sns.{region}.localhost:4566"


class OfTopic(Protocol):
    """A request that names a topic."""

    @property
    def topic_arn(self) -> str | None: ...


class OfSubscription(Protocol):
    """A request that names a subscription."""

    @property
    def subscription_arn(self) -> str | None: ...


class OfResource(Protocol):
    """A request that names a topic as a resource."""

    @property
    def resource_arn(self) -> str | None: ...


class OpenTopic(NamedTuple):
    """A topic that is there."""

    name: Name
    row: Topic

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return self.name.arn


class OpenSubscription(NamedTuple):
    """A subscription that is there. `name` is what its ARN says."""

    name: Name
    row: Subscription

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{self.name.arn}:{self.name.id}"


def topic_arn(call: Call, request: OfTopic) -> str:
    """The ARN of the topic a request names; a malformed one is refused."""
    return name_of(request.topic_arn, "TopicArn").arn


def every_arn(call: Call, request: object) -> str:
    """What AWS authorises the lists of topics and subscriptions on: a policy for
    `arn:aws:sns:us-east-1:111111111111:*` allows them, one for a single topic does not.
    """
    return call.arn("*")


def mendable_arn(call: Call, request: OfTopic) -> str:
    """The topic, whose owner's root user its policy cannot lock out."""
    return call.unlock(topic_arn(call, request))


def resource_arn(call: Call, request: OfResource) -> str:
    """The ARN of the topic a request names as its resource."""
    return name_of(request.resource_arn, "ResourceArn").arn


def opened(call: Call, arn: str | None, parameter: str = "TopicArn") -> OpenTopic:
    """The topic of an ARN. Raises NotFound, or InvalidParameter for one of another Region."""
    name = name_of(arn, parameter)
    if name.region != call.region and call.principal.kind != "anonymous":
        raise invalid(parameter)
    row = call.rows(topics, name.account, name.region).get(name.topic)
    if row is None:
        raise no_topic()
    return OpenTopic(name, row)


def keep(call: Call, topic: OpenTopic, row: Topic) -> None:
    """Store a topic's row."""
    call.rows(topics, topic.name.account, topic.name.region)[row.name] = row


def subscribed(call: Call, arn: str | None) -> OpenSubscription:
    """The subscription of an ARN. Raises NotFound, or InvalidParameter for no ARN of one."""
    name = name_of(arn, "SubscriptionArn")
    row = call.rows(subscriptions, name.account, name.region).get(name.id)
    if row is None or row.topic != name.topic:
        raise no_subscription()
    return OpenSubscription(name, row)


def subscription_topic(call: Call, request: OfSubscription) -> str:
    """What is authorised to act on a subscription: its topic. To the subscription's owner, whose
    own it is, the topic's policy has no say.
    """
    name = name_of(request.subscription_arn, "SubscriptionArn")
    row = call.rows(subscriptions, name.account, name.region).get(name.id)
    target = call.cloud.gate.target(call, name.arn)
    if row is not None and row.owner == call.account != target.account:
        call.targets[name.arn] = target._replace(account=row.owner, policy=None, open=None)
    return name.arn


def passing(role: str) -> Need:
    """The decision whether a role may be handed to SNS."""
    return Need("iam:PassRole", role, {"iam:PassedToService": "sns.amazonaws.com"})


def base_of(call: Call) -> str:
    """The URL of this cloud: the host the client called; from within, a name that leads here."""
    if call.http is not None and call.http.host:
        return f"{'https' if call.secure else 'http'}://{call.http.host}"
    return BASE.format(region=call.region)
