"""Queues under a KMS key: senders and receivers need it, and bodies are really encrypted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.sqs.support import arn, attributes, queue, receive, refusal

from mesocosm.services.sqs.resources import messages
from mesocosm.testing.local import LocalCloud

ACCOUNT, OTHER = "000000000000", "111111111111"
REUSE = 301
ATTRIBUTE = {"a": {"DataType": "String", "StringValue": "attribute-text"}}


@pytest.fixture
def key(client: Callable[..., Any]) -> str:
    """The ARN of a key."""
    found: str = client("kms").create_key()["KeyMetadata"]["Arn"]
    return found


def user(client: Callable[..., Any], name: str, *actions: str) -> Any:
    """The SQS client of a new user who may do some actions."""
    iam = client("iam")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    return client("sqs", credentials=iam.create_access_key(UserName=name)["AccessKey"])


def test_messages_are_kept_encrypted(sqs: Any, key: str, cloud: LocalCloud) -> None:
    url = queue(sqs, KmsMasterKeyId=key)
    shown = attributes(sqs, url)
    assert (shown["KmsMasterKeyId"], shown["KmsDataKeyReusePeriodSeconds"]) == (key, "300")
    assert shown["SqsManagedSseEnabled"] == "false"
    made = sqs.send_message(QueueUrl=url, MessageBody="body-text", MessageAttributes=ATTRIBUTE)

    def kept() -> str:
        cells = cloud.cloud.world.cells(messages)
        return str([row for _, _, rows in cells for row in rows.values()])

    text = cloud.do(kept)
    assert made["MessageId"] in text
    assert "body-text" not in text
    assert "attribute-text" not in text
    (got,) = receive(sqs, url, MessageAttributeNames=["All"])
    assert got["Body"] == "body-text"
    assert got["MD5OfBody"] == made["MD5OfMessageBody"]
    assert got["MessageAttributes"] == ATTRIBUTE
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert "KmsMasterKeyId" not in attributes(sqs, url)


def test_sender_and_receiver_need_the_key(client: Callable[..., Any], sqs: Any, key: str) -> None:
    url = queue(sqs, KmsMasterKeyId=key)
    half = user(client, "half", "sqs:*", "kms:GenerateDataKey")
    code, message = refusal(half.send_message, QueueUrl=url, MessageBody="x")
    assert code == "KMS.AccessDeniedException"
    assert f"kms:Decrypt on resource: {key}" in message
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert refusal(half.receive_message, QueueUrl=url)[0] == "KMS.AccessDeniedException"
    whole = user(client, "whole", "sqs:*", "kms:Decrypt")
    assert [one["Body"] for one in receive(whole, url)] == ["x"]
    code, message = refusal(
        whole.send_message_batch,
        QueueUrl=url,
        Entries=[{"Id": "1", "MessageBody": "x"}],
    )
    assert "kms:GenerateDataKey" in message


def test_a_disabled_key_closes_the_queue_when_the_data_key_is_used_up(
    client: Callable[..., Any], sqs: Any, key: str, cloud: LocalCloud
) -> None:
    kms = client("kms")
    url = queue(sqs, KmsMasterKeyId=key, VisibilityTimeout=0)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(sqs, url)) == 1

    def calls() -> list[str]:
        return [one.operation for one in cloud.cloud.calls if one.service == "kms"]

    assert cloud.do(calls) == ["CreateKey", "GenerateDataKey", "Decrypt"]
    kms.disable_key(KeyId=key)
    assert len(receive(sqs, url)) == 1
    cloud.advance(REUSE)
    wanted = ("KMS.DisabledException", f"{key} is disabled.")
    assert refusal(sqs.receive_message, QueueUrl=url) == wanted
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == wanted
    kms.enable_key(KeyId=key)
    assert len(receive(sqs, url)) == 1
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.advance(REUSE)
    assert refusal(sqs.receive_message, QueueUrl=url)[0] == "KMS.InvalidStateException"


def test_the_managed_key_is_the_queue_owners(client: Callable[..., Any], sqs: Any) -> None:
    url = queue(sqs, KmsMasterKeyId="alias/aws/sqs")
    sender = user(client, "sender", "sqs:SendMessage")
    sender.send_message(QueueUrl=url, MessageBody="x")
    assert [one["Body"] for one in receive(sqs, url)] == ["x"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": "sqs:SendMessage",
        "Resource": arn(sqs, url),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    other = client("sqs", account=OTHER)
    assert refusal(other.send_message, QueueUrl=url, MessageBody="x")[0] == (
        "KMS.AccessDeniedException"
    )


def test_a_key_that_is_not_there(sqs: Any) -> None:
    url = queue(sqs, KmsMasterKeyId="alias/none")
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == (
        "KMS.NotFoundException",
        f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found.",
    )


def test_dead_letters_stay_as_they_were_encrypted(
    client: Callable[..., Any], sqs: Any, key: str, cloud: LocalCloud
) -> None:
    dead = queue(sqs, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1})
    url = queue(sqs, KmsMasterKeyId=key, VisibilityTimeout=0, RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    receive(sqs, url)
    assert receive(sqs, url) == []
    assert [one["Body"] for one in receive(sqs, dead, VisibilityTimeout=0)] == ["x"]
    client("kms").disable_key(KeyId=key)
    cloud.advance(REUSE)
    assert refusal(sqs.receive_message, QueueUrl=dead)[0] == "KMS.DisabledException"


def test_a_service_sends_with_a_key_policy_that_names_it(
    client: Callable[..., Any], sqs: Any, key: str, cloud: LocalCloud
) -> None:
    kms, sns = client("kms"), client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    url = queue(sqs, KmsMasterKeyId=key)
    condition = {"ArnEquals": {"aws:SourceArn": topic}}
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Resource": "*"}
    send = {**allow, "Action": "sqs:SendMessage", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn(sqs, url))
    sns.publish(TopicArn=topic, Message="too early")
    cloud.advance(5)
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    owner = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    uses = ["kms:GenerateDataKey", "kms:Decrypt"]
    through = {**allow, "Action": uses, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner, through]})
    kms.put_key_policy(KeyId=key, Policy=policy)
    sns.publish(TopicArn=topic, Message="in time")
    cloud.advance(5)
    assert [json.loads(one["Body"])["Message"] for one in receive(sqs, url)] == ["in time"]
