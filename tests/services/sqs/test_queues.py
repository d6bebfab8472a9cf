"""Queues: names, attributes, listing, deleting, purging, tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.sqs.support import arn, attributes, bodies, counts, queue, receive, refusal

from mesocosm.testing.local import LocalCloud


def test_a_new_queue_has_the_defaults_of_aws(sqs: Any) -> None:
    url = queue(sqs)
    found = attributes(sqs, url)
    assert url.endswith("/000000000000/orders")
    assert int(found.pop("CreatedTimestamp")) == int(found.pop("LastModifiedTimestamp"))
    assert found == {
        "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "VisibilityTimeout": "30",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }
    assert sqs.get_queue_attributes(QueueUrl=url).get("Attributes") is None
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])[
        "Attributes"
    ] == {"DelaySeconds": "0"}


@pytest.mark.parametrize("name", ["", "with space", "x" * 81, "dotted.name", "q.fifo", "ä"])
def test_names_that_a_standard_queue_cannot_have(sqs: Any, name: str) -> None:
    assert refusal(sqs.create_queue, QueueName=name) == (
        "InvalidParameterValue",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    )


def test_a_fifo_queue_is_named_so(sqs: Any) -> None:
    code, message = refusal(sqs.create_queue, QueueName="plain", Attributes={"FifoQueue": "true"})
    assert code == "InvalidParameterValue"
    assert message.startswith("The name of a FIFO queue can only include")
    assert refusal(sqs.create_queue, QueueName="q", Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeName",
        "Unknown Attribute FifoQueue.",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DelaySeconds", "901"),
        ("DelaySeconds", "-1"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "long"),
        ("SqsManagedSseEnabled", "maybe"),
        ("KmsDataKeyReusePeriodSeconds", "59"),
    ],
)
def test_attribute_values_out_of_range(sqs: Any, name: str, value: str) -> None:
    assert refusal(sqs.create_queue, QueueName="q", Attributes={name: value}) == (
        "InvalidAttributeValue",
        f"Invalid value for the parameter {name}.",
    )


def test_attributes_that_do_not_exist_here(sqs: Any) -> None:
    url = queue(sqs)
    for name in ("Colour", "ContentBasedDeduplication", "QueueArn", "FifoQueue"):
        assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={name: "true"}) == (
            "InvalidAttributeName",
            f"Unknown Attribute {name}.",
        )
    assert refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"]) == (
        "InvalidAttributeName",
        "Unknown Attribute Colour.",
    )


def test_high_throughput_needs_deduplication_by_group(sqs: Any) -> None:
    url = queue(sqs, "q.fifo")
    code, _ = refusal(
        sqs.set_queue_attributes,
        QueueUrl=url,
        Attributes={"FifoThroughputLimit": "perMessageGroupId"},
    )
    assert code == "InvalidAttributeValue"


def test_creating_again_finds_the_queue_unless_attributes_differ(sqs: Any) -> None:
    url = queue(sqs, VisibilityTimeout=40)
    assert queue(sqs) == url
    assert queue(sqs, VisibilityTimeout=40) == url
    assert refusal(
        sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "41"}
    ) == (
        "QueueAlreadyExists",
        "A queue already exists with the same name and a different value for attribute "
        "VisibilityTimeout",
    )


def test_setting_attributes_changes_them_and_the_time(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    before = attributes(sqs, url)
    cloud.advance(100)
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5", "Policy": policy})
    after = attributes(sqs, url)
    assert after["VisibilityTimeout"] == "5"
    assert after["Policy"] == policy
    assert after["CreatedTimestamp"] == before["CreatedTimestamp"]
    assert int(after["LastModifiedTimestamp"]) >= int(before["LastModifiedTimestamp"]) + 100
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes(sqs, url)
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": "no"})[0] == (
        "InvalidAttributeValue"
    )


def test_finding_a_queue_by_name(sqs: Any) -> None:
    url = queue(sqs)
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert refusal(sqs.get_queue_url, QueueName="other")[0] == (
        "AWS.SimpleQueueService.NonExistentQueue"
    )


def test_queues_are_of_an_account_and_a_region(client: Callable[..., Any], sqs: Any) -> None:
    queue(sqs)
    assert "QueueUrls" not in client("sqs", region="eu-west-1").list_queues()
    other = client("sqs", account="111111111111")
    assert "QueueUrls" not in other.list_queues()
    assert queue(other).endswith("/111111111111/orders")


def test_listing_by_prefix_and_by_page(sqs: Any) -> None:
    urls = [queue(sqs, name) for name in ("a-1", "a-2", "a-3", "b-1")]
    assert sqs.list_queues()["QueueUrls"] == urls
    assert sqs.list_queues(QueueNamePrefix="b")["QueueUrls"] == urls[3:]
    first = sqs.list_queues(QueueNamePrefix="a", MaxResults=2)
    assert first["QueueUrls"] == urls[:2]
    second = sqs.list_queues(QueueNamePrefix="a", MaxResults=2, NextToken=first["NextToken"])
    assert second["QueueUrls"] == urls[2:3]
    assert "NextToken" not in second
    assert refusal(sqs.list_queues, MaxResults=2, NextToken="x")[0] == "InvalidParameterValue"
    assert refusal(sqs.list_queues, MaxResults=1001)[0] == "InvalidParameterValue"


def test_a_deleted_queue_is_gone_and_its_name_is_not_free_for_a_minute(
    sqs: Any, cloud: LocalCloud
) -> None:
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.delete_queue(QueueUrl=url)
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="a")[0] == (
        "AWS.SimpleQueueService.NonExistentQueue"
    )
    assert refusal(sqs.create_queue, QueueName="orders") == (
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name.",
    )
    cloud.advance(61)
    assert counts(sqs, queue(sqs)) == (0, 0, 0)
    assert rows_of(cloud) == 0


def rows_of(cloud: LocalCloud) -> int:
    """How many messages and receipts there are at all."""
    from mesocosm.services.sqs.resources import messages, receipts

    def count() -> int:
        world = cloud.world
        return sum(
            len(rows) for table in (messages, receipts) for _, _, rows in list(world.cells(table))
        )

    return cloud.do(count)


def test_purging_empties_a_queue_once_a_minute(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    for n in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    handle = receive(sqs, url, 1)[0]["ReceiptHandle"]
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert refusal(sqs.purge_queue, QueueUrl=url) == (
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        "Only one PurgeQueue operation on orders is allowed every 60 seconds.",
    )
    sqs.send_message(QueueUrl=url, MessageBody="after")
    cloud.advance(61)
    assert bodies(sqs, url) == ["after"]
    assert rows_of(cloud) == 2
    sqs.purge_queue(QueueUrl=url)
    cloud.advance(1)
    assert rows_of(cloud) == 0


def test_tags(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="q", tags={"a": "1"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"b": "2", "a": "3"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "3", "b": "2"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "none"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    assert refusal(sqs.tag_queue, QueueUrl=url, Tags={f"k{n}": "v" for n in range(50)}) == (
        "InvalidParameterValue",
        "Too many tags added for queue q.",
    )
    assert refusal(sqs.tag_queue, QueueUrl=url, Tags={})[0] == "MissingParameter"


def test_the_arn_names_the_queue(sqs: Any) -> None:
    assert arn(sqs, queue(sqs)) == "arn:aws:sqs:us-east-1:000000000000:orders"
