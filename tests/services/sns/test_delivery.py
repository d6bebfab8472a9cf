"""What subscribers are sent: queues, raw and not, FIFO, structures, dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.sns.support import (
    ACCOUNT,
    OTHER,
    permit,
    queue_for,
    refusal,
    subscribe,
    topic,
)

from mesocosm.testing.local import LocalCloud
from mesocosm.wire.errors import AwsError


def test_a_notification_in_a_queue(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscription = subscribe(sns, arn, inbox)
    published = sns.publish(
        TopicArn=arn,
        Message="Grüße",
        Subject="News",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "a"},
            "data": {"DataType": "Binary", "BinaryValue": b"\x01"},
        },
    )
    [message] = inbox.receive()
    assert message["Attributes"]["SenderId"] == "sns.amazonaws.com"
    assert message["Body"].startswith('{\n  "Type" : "Notification",\n  "MessageId" : ')
    found = json.loads(message["Body"])
    assert found["MessageId"] == published["MessageId"]
    assert (found["Type"], found["TopicArn"], found["Subject"], found["Message"]) == (
        "Notification",
        arn,
        "News",
        "Grüße",
    )
    assert found["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "a"},
        "data": {"Type": "Binary", "Value": "AQ=="},
    }
    assert found["SignatureVersion"] == "1"
    assert f"Action=Unsubscribe&SubscriptionArn={subscription}" in found["UnsubscribeURL"]
    assert list(found) == [
        "Type",
        "MessageId",
        "TopicArn",
        "Subject",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
        "UnsubscribeURL",
        "MessageAttributes",
    ]


def test_raw_delivery(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox, RawMessageDelivery="true")
    attributes = {"n": {"DataType": "Number", "StringValue": "5"}}
    sns.publish(TopicArn=arn, Message="plain", Subject="unseen", MessageAttributes=attributes)
    [message] = inbox.receive()
    assert message["Body"] == "plain"
    assert message["MessageAttributes"] == attributes
    many = {f"a{n}": {"DataType": "Number", "StringValue": "5"} for n in range(11)}
    sns.publish(TopicArn=arn, Message="too many for a queue", MessageAttributes=many)
    assert inbox.receive() == []


def test_a_text_for_each_protocol(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    for texts in ({"default": "all", "sqs": "queues"}, {"default": "all", "http": "else"}):
        sns.publish(TopicArn=arn, Message=json.dumps(texts), MessageStructure="json")
    assert inbox.texts() == ["queues", "all"]


def test_a_queue_must_let_the_topic_send(sns: Any, sqs: Any) -> None:
    arn, other = topic(sns), topic(sns, "other")
    inbox = queue_for(sqs, arn)
    closed = queue_for(sqs, arn, "closed", allow=False)
    for one in (arn, other):
        for to in (inbox, closed):
            subscribe(sns, one, to)
        sns.publish(TopicArn=one, Message=one)
    assert inbox.texts() == [arn]
    assert closed.receive() == []


def test_messages_that_are_refused(sns: Any) -> None:
    arn = topic(sns)

    def refused(**given: Any) -> tuple[str, str]:
        return refusal(sns.publish, **{"TopicArn": arn, "Message": "x"} | given)

    def wrong(message: str) -> tuple[str, str]:
        return "InvalidParameter", f"Invalid parameter: {message}"

    assert refused(Message="") == wrong("Empty message")
    assert refused(Subject="") == wrong("Subject")
    assert refused(Subject="a\nb") == wrong("Subject")
    assert refused(Subject="a" * 101) == wrong("Subject")
    assert refused(Message="x" * 262_145) == wrong("Message too long")
    assert refused(MessageStructure="json") == wrong(
        "Message Structure - JSON message body failed to parse"
    )
    assert refused(MessageStructure="json", Message='{"a":"b"}') == wrong(
        "Message Structure - No default entry in JSON message body"
    )
    assert refused(MessageDeduplicationId="a") == wrong(
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
        "that is not valid for this topic type"
    )
    assert refused(MessageAttributes={"a": {"DataType": "Text", "StringValue": "b"}}) == (
        "ParameterValueInvalid",
        "The message attribute 'a' has an invalid message attribute type, the set of supported "
        "type prefixes is Binary, Number, and String.",
    )
    assert refused(MessageAttributes={".a": {"DataType": "String", "StringValue": "b"}}) == (
        "ParameterValueInvalid",
        "Invalid message attribute name starting with character '.' was found.",
    )
    attributes = {"a": {"DataType": "String", "StringValue": "x" * 10}}
    assert refused(Message="x" * 262_130, MessageAttributes=attributes) == wrong("Message too long")


def test_a_topic_with_a_size_of_its_own(sns: Any) -> None:
    arn = topic(sns, MaximumMessageSize=1024)
    sns.publish(TopicArn=arn, Message="x" * 1024)
    assert refusal(sns.publish, TopicArn=arn, Message="x" * 1025)[1] == (
        "Invalid parameter: Message too long"
    )


def test_a_batch(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    entries = [{"Id": "a", "Message": "1"}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": "3"}]
    done = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in done["Successful"]] == ["a", "c"]
    assert done["Failed"] == [
        {
            "Id": "b",
            "Code": "InvalidParameter",
            "Message": "Invalid parameter: Empty message",
            "SenderFault": True,
        }
    ]
    assert inbox.texts() == ["1", "3"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "Message": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "Message": "x" * 200_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused(sns: Any, entries: list[dict[str, str]], code: str) -> None:
    arn = topic(sns)
    assert refusal(sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=entries)[0] == code


def test_what_cannot_be_delivered_is_a_dead_letter(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    closed = queue_for(sqs, arn, "closed", allow=False)
    letters = queue_for(sqs, arn, "letters")
    raw = queue_for(sqs, arn, "raw", allow=False)
    policy = {"deadLetterTargetArn": letters.arn}
    subscribe(sns, arn, closed, RedrivePolicy=policy)
    subscribe(sns, arn, raw, RedrivePolicy=policy, RawMessageDelivery="true")
    sns.publish(TopicArn=arn, Message="lost")
    first, second = letters.bodies()
    assert {json.loads(first)["Message"], second} == {"lost"}
    sqs.delete_queue(QueueUrl=closed.url)
    sns.publish(TopicArn=arn, Message="again")
    assert len(letters.bodies()) == 2


def test_dead_letter_queues_that_are_refused(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscription = subscribe(sns, arn, inbox)

    def refused(text: str) -> str:
        code, message = refusal(
            sns.set_subscription_attributes,
            SubscriptionArn=subscription,
            AttributeName="RedrivePolicy",
            AttributeValue=text,
        )
        assert code == "InvalidParameter"
        return message.removeprefix("Invalid parameter: RedrivePolicy: ")

    assert refused("{") == "failed to parse JSON."
    assert refused('{"deadLetterTargetArn":"x"}') == "deadLetterTargetArn is an invalid arn"
    elsewhere = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{OTHER}:q"})
    assert refused(elsewhere).startswith("the dead-letter queue must be in the same AWS account")


# -- FIFO ------------------------------------------------------------------------------------


def test_a_fifo_topic_keeps_order_and_sends_nothing_twice(sns: Any, sqs: Any) -> None:
    arn = topic(sns, "news.fifo", ContentBasedDeduplication="true")
    inbox = queue_for(sqs, arn, "inbox.fifo")
    subscribe(sns, arn, inbox)
    numbers = [
        sns.publish(TopicArn=arn, Message=text, MessageGroupId="g") for text in ("1", "2", "1", "3")
    ]
    assert numbers[0] == {**numbers[2], "ResponseMetadata": numbers[0]["ResponseMetadata"]}
    assert numbers[0]["SequenceNumber"] < numbers[1]["SequenceNumber"]
    assert len(numbers[0]["SequenceNumber"]) == 20
    messages = inbox.receive()
    found = [json.loads(one["Body"]) for one in messages]
    assert [one["Message"] for one in found] == ["1", "2", "3"]
    assert found[0]["SequenceNumber"] == numbers[0]["SequenceNumber"]
    assert "Signature" not in found[0]
    assert {one["Attributes"]["MessageGroupId"] for one in messages} == {"g"}


def test_deduplication_ends_after_five_minutes(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = topic(sns, "news.fifo")
    plain = queue_for(sqs, arn, "plain")
    subscribe(sns, arn, plain)

    def publish() -> str:
        found: str = sns.publish(
            TopicArn=arn, Message="x", MessageGroupId="g", MessageDeduplicationId="d"
        )["MessageId"]
        return found

    first = publish()
    cloud.advance(200)
    assert publish() == first
    cloud.advance(101)
    assert publish() != first
    assert plain.texts() == ["x", "x"]


def test_deduplication_within_a_group(sns: Any, sqs: Any) -> None:
    arn = topic(sns, "news.fifo", FifoThroughputScope="MessageGroup")
    inbox = queue_for(sqs, arn, "plain")
    subscribe(sns, arn, inbox)
    for group in ("a", "b", "a"):
        sns.publish(TopicArn=arn, Message=group, MessageGroupId=group, MessageDeduplicationId="d")
    assert inbox.texts() == ["a", "b"]


def test_what_fifo_topics_refuse(sns: Any, sqs: Any) -> None:
    arn, plain = topic(sns, "news.fifo"), topic(sns)
    assert refusal(sns.publish, TopicArn=arn, Message="x")[1] == (
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    )
    assert refusal(sns.publish, TopicArn=arn, Message="x", MessageGroupId="g")[1] == (
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly"
    )
    assert refusal(sns.subscribe, TopicArn=arn, Protocol="http", Endpoint="http://127.0.0.1/") == (
        "InvalidParameter",
        "Invalid parameter: Invalid protocol type: http",
    )
    inbox = queue_for(sqs, arn, "inbox.fifo")
    assert refusal(sns.subscribe, TopicArn=plain, Protocol="sqs", Endpoint=inbox.arn)[1] == (
        "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be "
        "subscribed to standard SNS topics"
    )


def test_a_group_makes_queues_fair(sns: Any, sqs: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    sns.publish(TopicArn=arn, Message="x", MessageGroupId="tenant")
    assert inbox.receive()[0]["Attributes"]["MessageGroupId"] == "tenant"


# -- across accounts -------------------------------------------------------------------------


def test_a_queue_of_another_account_is_confirmed_by_its_owner(
    sns: Any, client: Callable[..., Any]
) -> None:
    arn = topic(sns)
    theirs = client("sqs", account=OTHER)
    inbox = queue_for(theirs, arn)
    assert subscribe(sns, arn, inbox) == "pending confirmation"
    [asked] = [json.loads(body) for body in inbox.bodies()]
    assert asked["Type"] == "SubscriptionConfirmation"
    sns.publish(TopicArn=arn, Message="too early")
    made = client("sns", account=OTHER).confirm_subscription(TopicArn=arn, Token=asked["Token"])
    [listed] = client("sns", account=OTHER).list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == made["SubscriptionArn"]
    sns.publish(TopicArn=arn, Message="in time")
    assert inbox.texts() == ["in time"]


def test_a_subscriber_of_another_account(sns: Any, client: Callable[..., Any]) -> None:
    arn = topic(sns)
    theirs, their_sns = client("sqs", account=OTHER), client("sns", account=OTHER)
    inbox = queue_for(theirs, arn)
    assert refusal(their_sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint=inbox.arn) == (
        "AuthorizationError",
        f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: SNS:Subscribe on resource: "
        f"{arn} because no resource-based policy allows the SNS:Subscribe action",
    )
    sns.add_permission(
        TopicArn=arn, Label="them", AWSAccountId=[OTHER], ActionName=["Subscribe", "Publish"]
    )
    subscription = subscribe(their_sns, arn, inbox, RawMessageDelivery="true")
    their_sns.publish(TopicArn=arn, Message="hello")
    assert inbox.bodies() == ["hello"]
    listed = their_sns.list_subscriptions()["Subscriptions"]
    assert [one["SubscriptionArn"] for one in listed] == [subscription]
    assert listed[0]["Owner"] == OTHER
    attributes = their_sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert attributes["Owner"] == OTHER
    their_sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="false"
    )
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert len(sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]) == 1
    assert refusal(
        sns.set_subscription_attributes,
        SubscriptionArn=subscription,
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )[0] == ("AuthorizationError")
    their_sns.unsubscribe(SubscriptionArn=subscription)
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsDeleted"] == "1"


def test_a_queue_in_another_region(sns: Any, client: Callable[..., Any]) -> None:
    arn = topic(sns)
    far = client("sqs", region="eu-west-1")
    inbox = queue_for(far, arn)
    permit(far, inbox.url, inbox.arn, arn)
    subscribe(sns, arn, inbox)
    sns.publish(TopicArn=arn, Message="far")
    assert inbox.texts() == ["far"]
    assert inbox.arn.split(":")[3:5] == ["eu-west-1", ACCOUNT]


def test_a_large_fan_out_goes_in_slices(sns: Any, sqs: Any, cloud: LocalCloud) -> None:
    arn = topic(sns)
    inboxes = [queue_for(sqs, arn, f"q{number}") for number in range(105)]
    for inbox in inboxes:
        subscribe(sns, arn, inbox, RawMessageDelivery="true")
    sns.publish(TopicArn=arn, Message="all")
    cloud.advance(1)
    assert all(inbox.bodies() == ["all"] for inbox in inboxes)


# -- trouble on the other side ---------------------------------------------------------------


@pytest.fixture
def broken(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """SQS fails to take messages as often as the number in the list says."""
    service = cloud.cloud.catalogue.service("sqs")
    assert service is not None
    operation = service.operations["SendMessage"]
    send, left = operation.function, [0]

    def sometimes(call: Any, request: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise AwsError("ServiceUnavailable", "not now", status=503)
        return send(call, request)

    monkeypatch.setattr(operation, "function", sometimes)
    return left


def test_a_service_in_trouble_is_tried_again(
    sns: Any, sqs: Any, cloud: LocalCloud, broken: list[int]
) -> None:
    """Three times at once, twice after a second, ten times ever more slowly, then every 20 s."""
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    broken[0] = 20
    cloud.do(cloud.world.clock.pause)
    sns.publish(TopicArn=arn, Message="x")
    cloud.advance(0.5)
    assert broken[0] == 20 - 4
    cloud.advance(2)
    assert broken[0] == 20 - 6
    cloud.advance(20 * 14)
    assert broken[0] == 0
    cloud.advance(21)
    assert inbox.texts() == ["x"]


def test_trouble_holds_up_its_group_only(
    sns: Any, sqs: Any, cloud: LocalCloud, broken: list[int]
) -> None:
    arn = topic(sns, "news.fifo", ContentBasedDeduplication="true")
    inbox = queue_for(sqs, arn, "inbox.fifo")
    subscribe(sns, arn, inbox)
    broken[0] = 5
    for text, group in (("1", "a"), ("2", "a"), ("3", "b"), ("4", "a")):
        sns.publish(TopicArn=arn, Message=text, MessageGroupId=group)
    cloud.advance(60)
    found = inbox.texts()
    assert sorted(found) == ["1", "2", "3", "4"]
    assert [text for text in found if text != "3"] == ["1", "2", "4"]


def test_what_was_tried_in_vain_goes_on_after_a_rewind(
    sns: Any, sqs: Any, cloud: LocalCloud, broken: list[int]
) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    broken[0] = 1_000
    sns.publish(TopicArn=arn, Message="x")
    cloud.advance(30)
    cloud.snapshot("trouble")
    cloud.advance(3_600)
    broken[0] = 0
    cloud.rewind("trouble")
    cloud.advance(21)
    assert inbox.texts() == ["x"]
