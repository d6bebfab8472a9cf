"""Sending, receiving and deleting on standard queues."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tests.services.sqs.support import bodies, counts, queue, receive, refusal

from mesocosm.testing.local import LocalCloud


def test_a_message_is_received_with_what_was_sent(sqs: Any) -> None:
    url = queue(sqs)
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="grüße\n",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "bytes": {"DataType": "Binary.png", "BinaryValue": b"\0\xff"},
            "count": {"DataType": "Number.int", "StringValue": "-12.5e3"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}
        },
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5("grüße\n".encode()).hexdigest()
    (message,) = receive(
        sqs, url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
    )
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "grüße\n"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["bytes"] == {
        "DataType": "Binary.png",
        "BinaryValue": b"\0\xff",
    }
    assert message["MessageAttributes"]["count"]["StringValue"] == "-12.5e3"
    system = message["Attributes"]
    assert system["AWSTraceHeader"] == "Root=1-2-3"
    assert system["ApproximateReceiveCount"] == "1"
    assert system["SenderId"] == "000000000000"
    assert int(system["ApproximateFirstReceiveTimestamp"]) >= int(system["SentTimestamp"])


def test_the_digest_of_attributes_is_the_one_of_aws(sqs: Any) -> None:
    # The vector of AWS's own SDK tests: one String attribute "test_attribute_name_1".
    url = queue(sqs)
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="derp",
        MessageAttributes={"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}},
    )
    assert sent["MD5OfMessageAttributes"] == "235c5c510d26fb653d073faed50ae77c"


def test_only_the_attributes_asked_for_are_given(sqs: Any) -> None:
    url = queue(sqs, VisibilityTimeout=0)
    named = {
        name: {"DataType": "String", "StringValue": name} for name in ("bar.one", "bar.two", "foo")
    }
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=named)

    def given(*names: str) -> list[str]:
        (message,) = receive(sqs, url, MessageAttributeNames=list(names))
        return sorted(message.get("MessageAttributes", {}))

    assert given("foo", "other") == ["foo"]
    assert given("bar.*") == ["bar.one", "bar.two"]
    assert given(".*") == given("All") == ["bar.one", "bar.two", "foo"]
    assert given("none") == []


def test_a_received_message_is_hidden_until_its_timeout(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert bodies(sqs, url) == ["a"]
    assert counts(sqs, url) == (0, 1, 0)
    assert bodies(sqs, url) == []
    cloud.advance(31)
    assert counts(sqs, url) == (1, 0, 0)
    (message,) = receive(sqs, url, AttributeNames=["ApproximateReceiveCount"])
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}


def test_deleting_takes_the_message_away_for_good(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    handle = receive(sqs, url)[0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    cloud.advance(60)
    assert bodies(sqs, url) == []
    assert counts(sqs, url) == (0, 0, 0)


def test_an_old_handle_deletes_nothing_and_the_newest_does(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    old = receive(sqs, url)[0]["ReceiptHandle"]
    cloud.advance(31)
    new = receive(sqs, url)[0]["ReceiptHandle"]
    assert new != old
    sqs.delete_message(QueueUrl=url, ReceiptHandle=old)
    cloud.advance(31)
    assert counts(sqs, url) == (1, 0, 0)
    # Its visibility timeout is over, but nobody has received the message since.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=new)
    assert counts(sqs, url) == (0, 0, 0)


def test_a_handle_that_is_none_or_of_another_queue_is_refused(sqs: Any) -> None:
    url, other = queue(sqs), queue(sqs, "other")
    sqs.send_message(QueueUrl=other, MessageBody="a")
    handle = receive(sqs, other)[0]["ReceiptHandle"]
    assert refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle="nonsense") == (
        "ReceiptHandleIsInvalid",
        'The input receipt handle "nonsense" is not a valid receipt handle.',
    )
    assert refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle)[0] == (
        "ReceiptHandleIsInvalid"
    )


def test_visibility_can_be_given_changed_and_taken_back(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    handle = receive(sqs, url, VisibilityTimeout=10)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=100)
    cloud.advance(99)
    assert bodies(sqs, url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert bodies(sqs, url) == ["a"]
    code, message = refusal(
        sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5
    )
    assert code == "InvalidParameterValue"
    assert message == (
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
        "is not available for visibility timeout change."
    )


def test_a_message_stays_hidden_for_twelve_hours_at_most(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    handle = receive(sqs, url, VisibilityTimeout=3600)[0]["ReceiptHandle"]
    cloud.advance(600)
    change = {"QueueUrl": url, "ReceiptHandle": handle}
    assert refusal(sqs.change_message_visibility, **change, VisibilityTimeout=43200) == (
        "InvalidParameterValue",
        "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
        "for the message is beyond the limit [43200 seconds]",
    )
    assert refusal(sqs.change_message_visibility, **change, VisibilityTimeout=43201)[1] == (
        "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and "
        "43200, if provided."
    )


def test_a_delayed_message_comes_when_its_time_has_come(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs, DelaySeconds=60)
    sqs.send_message(QueueUrl=url, MessageBody="queue")
    sqs.send_message(QueueUrl=url, MessageBody="own", DelaySeconds=10)
    sqs.send_message(QueueUrl=url, MessageBody="none", DelaySeconds=0)
    assert counts(sqs, url) == (1, 0, 2)
    assert bodies(sqs, url) == ["none"]
    cloud.advance(11)
    assert bodies(sqs, url) == ["own"]
    cloud.advance(50)
    assert bodies(sqs, url) == ["none", "own", "queue"]
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901) == (
        "InvalidParameterValue",
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= "
        "900.",
    )


def test_messages_beyond_the_retention_period_are_gone(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs, MessageRetentionPeriod=60)
    sqs.send_message(QueueUrl=url, MessageBody="old")
    sqs.send_message(QueueUrl=url, MessageBody="in flight")
    receive(sqs, url, 1, VisibilityTimeout=1000)
    cloud.advance(30)
    sqs.send_message(QueueUrl=url, MessageBody="young")
    assert counts(sqs, url) == (2, 1, 0)
    cloud.advance(31)
    assert counts(sqs, url) == (1, 0, 0)
    assert bodies(sqs, url) == ["young"]
    cloud.advance(30)
    assert counts(sqs, url) == (0, 0, 0)


def test_a_shorter_retention_period_reaches_messages_already_there(
    sqs: Any, cloud: LocalCloud
) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    cloud.advance(120)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    cloud.advance(1)
    assert counts(sqs, url) == (0, 0, 0)


def test_a_body_has_a_size_and_characters(sqs: Any) -> None:
    url = queue(sqs, MaximumMessageSize=1024)
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="") == (
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="ä" * 513) == (
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
    )
    attribute = {"a": {"DataType": "String", "StringValue": "x"}}
    sqs.send_message(QueueUrl=url, MessageBody="ä" * 508, MessageAttributes=attribute)
    assert refusal(
        sqs.send_message, QueueUrl=url, MessageBody="ä" * 509, MessageAttributes=attribute
    )[0] == ("InvalidParameterValue")
    code, message = refusal(sqs.send_message, QueueUrl=url, MessageBody="bell\x07")
    assert code == "InvalidMessageContents"
    assert message.startswith("Invalid characters found. Valid unicode characters are #x9 | #xA")


def test_a_body_of_one_mebibyte_goes_through(sqs: Any) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    assert len(bodies(sqs, url)[0]) == 1_048_576


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "a",
            {"DataType": "", "StringValue": "x"},
            "The message attribute 'a' must contain non-empty message attribute type.",
        ),
        (
            "a",
            {"DataType": "Text", "StringValue": "x"},
            "The message attribute 'a' has an invalid message attribute type, the set of supported "
            "type prefixes is Binary, Number, and String.",
        ),
        (
            "a",
            {"DataType": "Number", "StringValue": "many"},
            "Can't cast the value of message (user) attribute 'a' to a number.",
        ),
        (
            "a",
            {"DataType": "String", "StringValue": ""},
            "The message attribute 'a' must contain non-empty message attribute value for message "
            "attribute type 'String'.",
        ),
        (
            "ö",
            {"DataType": "String", "StringValue": "x"},
            "The message attribute name 'ö' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
            "underscore (_), hyphen (-), and period (.) characters.",
        ),
    ],
)
def test_message_attributes_that_do_not_hold_are_refused(
    sqs: Any, name: str, value: dict[str, str], message: str
) -> None:
    url = queue(sqs)
    assert refusal(
        sqs.send_message, QueueUrl=url, MessageBody="x", MessageAttributes={name: value}
    ) == ("InvalidParameterValue", message)


def test_ten_message_attributes_at_most(sqs: Any) -> None:
    url = queue(sqs)
    many = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x", MessageAttributes=many) == (
        "InvalidParameterValue",
        "Number of message attributes [11] exceeds the allowed maximum [10].",
    )


def test_receiving_has_its_limits(sqs: Any) -> None:
    url = queue(sqs)
    assert refusal(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11) == (
        "InvalidParameterValue",
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, "
        "if provided.",
    )
    assert refusal(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21) == (
        "InvalidParameterValue",
        "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if "
        "provided.",
    )


def test_a_system_attribute_that_does_not_exist(sqs: Any) -> None:
    url = queue(sqs)
    assert refusal(sqs.receive_message, QueueUrl=url, AttributeNames=["Colour"]) == (
        "InvalidAttributeName",
        "Unknown Attribute Colour.",
    )


def test_too_many_messages_in_flight_are_over_the_limit(
    sqs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesocosm.services.sqs.operations import messages

    monkeypatch.setattr(messages, "IN_FLIGHT_MAX", 2)
    url, fifo = queue(sqs), queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    for n in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{n}", MessageGroupId=f"{n}")
    for _ in range(2):
        receive(sqs, url, 1)
        receive(sqs, fifo, 1)
    assert refusal(sqs.receive_message, QueueUrl=url)[0] == "OverLimit"
    assert receive(sqs, fifo) == []


def test_a_queue_that_is_not_there(sqs: Any) -> None:
    url = queue(sqs)
    assert refusal(sqs.send_message, QueueUrl=url + "x", MessageBody="x") == (
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    )
    assert refusal(sqs.receive_message, QueueUrl="http://localhost/")[0] == "InvalidAddress"


def test_any_host_in_the_url_leads_to_the_queue(sqs: Any) -> None:
    queue(sqs)
    elsewhere = "https://sqs.us-east-1.amazonaws.com/000000000000/orders"
    sqs.send_message(QueueUrl=elsewhere, MessageBody="a")
    assert bodies(sqs, elsewhere) == ["a"]
