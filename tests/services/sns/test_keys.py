"""Topics with a KMS key, access policies, and what services may publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.sns.support import ACCOUNT, OTHER, queue_for, refusal, subscribe, topic

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.services.sns import sns as service
from mesocosm.services.sns.resources import Message, messages
from mesocosm.testing.local import LocalCloud


def test_messages_under_a_key(
    sns: Any, sqs: Any, client: Callable[..., Any], cloud: LocalCloud
) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    arn = topic(sns, KmsMasterKeyId=key)
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"] == key
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    changes: list[Message] = []
    cloud.do(
        cloud.world.changes.subscribe,
        messages,
        lambda change: changes.append(change.new) if change.new else None,
    )
    sns.publish(TopicArn=arn, Message="secret")
    assert inbox.texts() == ["secret"]
    assert changes
    assert all(one.body == "" and one.sealed is not None for one in changes)
    kms.disable_key(KeyId=key)
    cloud.advance(301)
    assert refusal(sns.publish, TopicArn=arn, Message="x")[0] == "KMSDisabled"
    kms.enable_key(KeyId=key)
    sns.publish(TopicArn=arn, Message="again")
    assert inbox.texts() == ["again"]


def test_a_publisher_needs_the_key(sns: Any, sqs: Any, client: Callable[..., Any]) -> None:
    iam, kms = client("iam"), client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    arn = topic(sns, KmsMasterKeyId=key)
    iam.create_user(UserName="ann")
    keys = iam.create_access_key(UserName="ann")["AccessKey"]
    theirs = client(
        "sns",
        credentials={
            "AccessKeyId": keys["AccessKeyId"],
            "SecretAccessKey": keys["SecretAccessKey"],
        },
    )

    def allow(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": ["sns:Publish", *actions], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy)

    allow()
    assert refusal(theirs.publish, TopicArn=arn, Message="x")[0] == "KMSAccessDenied"
    allow("kms:GenerateDataKey")
    assert refusal(theirs.publish, TopicArn=arn, Message="x")[0] == "KMSAccessDenied"
    allow("kms:GenerateDataKey", "kms:Decrypt")
    theirs.publish(TopicArn=arn, Message="x")


def test_the_managed_key(sns: Any, sqs: Any) -> None:
    arn = topic(sns, KmsMasterKeyId="alias/aws/sns")
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    sns.publish_batch(
        TopicArn=arn,
        PublishBatchRequestEntries=[{"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2"}],
    )
    assert inbox.texts() == ["1", "2"]


# -- policies --------------------------------------------------------------------------------


def test_permissions_are_statements_of_the_policy(sns: Any) -> None:
    arn = topic(sns)
    given = {"TopicArn": arn, "Label": "them", "AWSAccountId": [OTHER], "ActionName": ["Publish"]}
    sns.add_permission(**given)
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert policy["Statement"][1] == {
        "Sid": "them",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "SNS:Publish",
        "Resource": arn,
    }
    assert refusal(sns.add_permission, **given) == (
        "InvalidParameter",
        "Invalid parameter: Statement already exists",
    )
    assert refusal(sns.add_permission, **given | {"ActionName": ["Shout"]}) == (
        "InvalidParameter",
        "Invalid parameter: Policy statement action out of service scope!",
    )
    sns.remove_permission(TopicArn=arn, Label="them")
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert len(policy["Statement"]) == 1


def test_a_policy_that_asks_for_protocol_and_endpoint(sns: Any, client: Callable[..., Any]) -> None:
    arn = topic(sns)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": "SNS:Subscribe",
        "Resource": arn,
        "Condition": {
            "StringEquals": {"sns:Protocol": "sqs"},
            "StringLike": {"sns:Endpoint": f"arn:aws:sqs:*:{OTHER}:*"},
        },
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    theirs = client("sns", account=OTHER)

    def ask(protocol: str, endpoint: str) -> None:
        theirs.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)

    ask("sqs", f"arn:aws:sqs:us-east-1:{OTHER}:q")
    for protocol, endpoint in (
        ("http", "http://127.0.0.1:1/"),
        ("sqs", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"),
    ):
        assert refusal(ask, protocol=protocol, endpoint=endpoint)[0] == "AuthorizationError"


def publish_as(cloud: LocalCloud, name: str, arn: str, account: str) -> None:
    """Publish as a service does, on behalf of an account."""

    def run(call: Call) -> None:
        call.invoke(
            "sns",
            "Publish",
            api.PublishInput(topic_arn=arn, message="from a service"),
            principal=service_principal(f"{name}.amazonaws.com"),
            account=ACCOUNT,
            conditions={
                "aws:SourceArn": f"arn:aws:{name}:us-east-1:{account}:thing",
                "aws:SourceAccount": account,
            },
        )

    cloud.do(cloud.cloud.happened, service, ACCOUNT, "us-east-1", run)


@pytest.mark.parametrize(
    ("name", "account", "count"),
    [("cloudwatch", ACCOUNT, 1), ("cloudwatch", OTHER, 0), ("s3", ACCOUNT, 0)],
)
def test_what_the_default_policy_lets_services_do(
    sns: Any, sqs: Any, cloud: LocalCloud, name: str, account: str, count: int
) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    publish_as(cloud, name, arn, account)
    assert len(inbox.texts()) == count


def test_what_sns_measures(sns: Any, sqs: Any, cloud: LocalCloud, client: Any) -> None:
    arn = topic(sns)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox, FilterPolicy={"a": ["b"]})
    closed = queue_for(sqs, arn, "closed", allow=False)
    subscribe(sns, arn, closed)
    began = cloud.now()
    attributes = {"a": {"DataType": "String", "StringValue": "b"}}
    sns.publish(TopicArn=arn, Message="four")
    sns.publish(TopicArn=arn, Message="four", MessageAttributes=attributes)
    cloud.advance(120)

    def total(metric: str) -> float:
        points = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SNS",
            MetricName=metric,
            Dimensions=[{"Name": "TopicName", "Value": "news"}],
            StartTime=began - 120,
            EndTime=began + 120,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    assert total("NumberOfMessagesPublished") == 2
    assert total("PublishSize") == 4 + 4 + 8
    assert total("NumberOfNotificationsDelivered") == 1
    assert total("NumberOfNotificationsFailed") == 2
    assert total("NumberOfNotificationsFilteredOut") == 1
    assert total("NumberOfNotificationsFilteredOut-NoMessageAttributes") == 1
