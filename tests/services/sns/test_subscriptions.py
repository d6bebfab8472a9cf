"""Subscriptions: finding them, their attributes, archives and replay."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.services.sns.support import ACCOUNT, queue_for, refusal, subscribe, topic

from mesocosm.testing.local import LocalCloud


def test_a_subscription_is_made_once(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    made = subscribe(sns, arn, inbox, RawMessageDelivery="true")
    assert made.startswith(f"{arn}:")
    assert subscribe(sns, arn, inbox) == made
    assert subscribe(sns, arn, inbox, RawMessageDelivery="true") == made
    assert refusal(
        sns.subscribe,
        TopicArn=arn,
        Protocol="sqs",
        Endpoint=inbox.arn,
        Attributes={"RawMessageDelivery": "false"},
    ) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Subscription already exists with different "
        "attributes",
    )


def test_attributes(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    made = subscribe(sns, arn, inbox, FilterPolicy={"a": ["b"]})
    found = sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    assert found == {
        "SubscriptionArn": made,
        "TopicArn": arn,
        "Owner": ACCOUNT,
        "Protocol": "sqs",
        "Endpoint": inbox.arn,
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true",
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": f"arn:aws:iam::{ACCOUNT}:root",
        "FilterPolicy": '{"a": ["b"]}',
        "FilterPolicyScope": "MessageAttributes",
    }
    sns.set_subscription_attributes(
        SubscriptionArn=made, AttributeName="FilterPolicyScope", AttributeValue="MessageBody"
    )
    sns.set_subscription_attributes(
        SubscriptionArn=made, AttributeName="FilterPolicy", AttributeValue=""
    )
    found = sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    assert "FilterPolicy" not in found


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Colour", "red", "AttributeName"),
        (
            "RawMessageDelivery",
            "maybe",
            "RawMessageDelivery: Invalid value [maybe]. Must be true or false.",
        ),
        (
            "FilterPolicyScope",
            "x",
            "FilterPolicyScope: Invalid value [x]. Please use either MessageBody or "
            "MessageAttributes",
        ),
        ("FilterPolicy", "{", "FilterPolicy: failed to parse JSON."),
        (
            "FilterPolicy",
            '{"a":{"b":["c"]}}',
            "FilterPolicy: Filter policy scope MessageAttributes does not support nested filter "
            "policy",
        ),
        ("FilterPolicy", '{"a":[]}', "FilterPolicy: Empty arrays are not allowed"),
        ("ReplayPolicy", "{}", "ReplayPolicy is only supported for FIFO topics"),
        ("DeliveryPolicy", '{"http":{}}', "DeliveryPolicy: Unexpected JSON member: http"),
    ],
)
def test_attributes_that_are_refused(
    sns: Any, sqs: Any, name: str, value: str, message: str
) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    made = subscribe(sns, arn, inbox)
    assert refusal(
        sns.set_subscription_attributes,
        SubscriptionArn=made,
        AttributeName=name,
        AttributeValue=value,
    ) == ("InvalidParameter", f"Invalid parameter: {message}")
    if name in ("Colour", "RawMessageDelivery"):
        sns.unsubscribe(SubscriptionArn=made)
        given = {"TopicArn": arn, "Protocol": "sqs", "Endpoint": inbox.arn}
        _, told = refusal(sns.subscribe, **given, Attributes={name: value})
        assert told == f"Invalid parameter: Attributes Reason: {message}"


def test_what_is_not_there(sns: Any) -> None:
    arn = topic(sns)
    gone = f"{arn}:00000000-0000-4000-8000-000000000000"
    assert refusal(sns.get_subscription_attributes, SubscriptionArn=gone) == (
        "NotFound",
        "Subscription does not exist",
    )
    assert refusal(sns.unsubscribe, SubscriptionArn="x") == (
        "InvalidParameter",
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
    )
    assert refusal(sns.unsubscribe, SubscriptionArn=arn) == (
        "InvalidParameter",
        "Invalid parameter: SubscriptionId",
    )
    sns.unsubscribe(SubscriptionArn=gone)


def test_subscriptions_are_listed_by_a_hundred(sns: Any) -> None:
    arn = topic(sns)
    for number in range(110):
        sns.subscribe(
            TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q{number}"
        )
    for function, given in (
        (sns.list_subscriptions, {}),
        (sns.list_subscriptions_by_topic, {"TopicArn": arn}),
    ):
        first = function(**given)
        assert len(first["Subscriptions"]) == 100
        assert len(function(NextToken=first["NextToken"], **given)["Subscriptions"]) == 10


# -- archives --------------------------------------------------------------------------------


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def archive(sns: Any, days: int = 30) -> str:
    return topic(
        sns,
        "news.fifo",
        ContentBasedDeduplication="true",
        ArchivePolicy=json.dumps({"MessageRetentionPeriod": str(days)}),
    )


def publish(sns: Any, arn: str, *texts: str) -> None:
    for text in texts:
        sns.publish(TopicArn=arn, Message=text, MessageGroupId="g")


def status(sns: Any, subscription: str) -> str:
    found: str = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"][
        "ReplayStatus"
    ]
    return found


def test_an_archive_is_replayed_in_order(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = archive(sns)
    cloud.do(cloud.world.clock.pause)
    began = cloud.now()
    publish(sns, arn, "1", "2")
    cloud.advance(60)
    middle = cloud.now()
    publish(sns, arn, "3", "other")
    inbox = queue_for(sqs, arn, "inbox.fifo")
    policy = {"PointType": "Timestamp", "StartingPoint": moment(began - 1)}
    made = subscribe(sns, arn, inbox, ReplayPolicy=policy)
    cloud.advance(1)
    assert status(sns, made) == "Completed"
    publish(sns, arn, "4")
    found = [json.loads(body) for body in inbox.bodies()]
    assert [one["Message"] for one in found] == ["1", "2", "3", "other", "4"]
    assert found[0]["Replayed"] == "true"
    assert "Replayed" not in found[-1]
    later = queue_for(sqs, arn, "later.fifo")
    subscribe(
        sns,
        arn,
        later,
        ReplayPolicy=policy
        | {"StartingPoint": moment(middle - 0.5), "EndingPoint": moment(middle + 0.5)},
    )
    cloud.advance(2)
    publish(sns, arn, "5")
    assert later.texts() == ["3", "other"]


def test_an_archive_forgets(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = archive(sns, days=2)
    began = cloud.now()
    publish(sns, arn, "old")
    cloud.advance(1.5 * 86_400)
    publish(sns, arn, "new")
    cloud.advance(86_400)
    inbox = queue_for(sqs, arn, "inbox")
    policy = {"PointType": "Timestamp", "StartingPoint": moment(began - 1)}
    subscribe(sns, arn, inbox, ReplayPolicy=policy)
    cloud.advance(1)
    assert inbox.texts() == ["new"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["ArchivePolicy"] == '{"MessageRetentionPeriod":"2"}'
    beginning = datetime.fromisoformat(attributes["BeginningArchiveTime"]).timestamp()
    assert beginning == pytest.approx(cloud.now() - 2 * 86_400, abs=60)


def test_a_topic_with_an_archive_is_not_deleted(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = archive(sns)
    assert refusal(sns.delete_topic, TopicArn=arn)[0] == "InvalidState"
    sns.set_topic_attributes(TopicArn=arn, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert "ArchivePolicy" not in sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    sns.delete_topic(TopicArn=arn)


def test_replays_that_are_refused(sns: Any, sqs: Any) -> None:
    plain = topic(sns, "plain.fifo")
    inbox = queue_for(sqs, plain, "inbox.fifo")
    made = subscribe(sns, plain, inbox)

    def refused(value: str) -> str:
        return refusal(
            sns.set_subscription_attributes,
            SubscriptionArn=made,
            AttributeName="ReplayPolicy",
            AttributeValue=value,
        )[1].removeprefix("Invalid parameter: ReplayPolicy: ")

    assert refused('{"PointType":"Offset"}') == "PointType must be Timestamp"
    assert refused('{"PointType":"Timestamp","StartingPoint":"x"}').startswith("StartingPoint")
    assert refused('{"PointType":"Timestamp","StartingPoint":"2023-10-03T00:00:00.000Z"}') == (
        "the topic has no archive policy"
    )
