"""Topics that write into delivery streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.services.firehose.support import ARN, Stand, document
from tests.services.sns.support import queue_for, refusal, subscribe, topic

from mesocosm.testing.local import LocalCloud


def role(iam: Any, *actions: str) -> str:
    """A role with which SNS may write into the stream."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    arn: str = iam.create_role(RoleName="sns", AssumeRolePolicyDocument=document(trust))["Role"][
        "Arn"
    ]
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": ARN}
    iam.put_role_policy(RoleName="sns", PolicyName="p", PolicyDocument=document(allow))
    return arn


def test_messages_in_a_stream(
    sns: Any, sqs: Any, cloud: LocalCloud, client: Callable[..., Any]
) -> None:
    stand = Stand(cloud, client)
    stand.create()
    arn = topic(sns)
    given = {"TopicArn": arn, "Protocol": "firehose", "Endpoint": ARN}
    assert refusal(sns.subscribe, **given)[0] == "InvalidParameter"
    writer = role(stand.iam, "firehose:PutRecord")
    made = sns.subscribe(**given, Attributes={"SubscriptionRoleArn": writer})["SubscriptionArn"]
    sns.publish(TopicArn=arn, Message="one")
    sns.set_subscription_attributes(
        SubscriptionArn=made, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    sns.publish(TopicArn=arn, Message="two")
    cloud.advance(400)
    [written] = stand.objects().values()
    envelope, end, raw = written.decode().rpartition("}\n")
    assert (json.loads(envelope + end)["Message"], raw) == ("one", "two\n")


def test_a_stream_that_is_closed_to_the_role(
    sns: Any, sqs: Any, cloud: LocalCloud, client: Callable[..., Any]
) -> None:
    stand = Stand(cloud, client)
    stand.create()
    arn = topic(sns)
    letters = queue_for(sqs, arn, "letters")
    writer = role(stand.iam, "firehose:DescribeDeliveryStream")
    sns.subscribe(
        TopicArn=arn,
        Protocol="firehose",
        Endpoint=ARN,
        Attributes={
            "SubscriptionRoleArn": writer,
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": letters.arn}),
        },
    )
    sns.publish(TopicArn=arn, Message="lost")
    assert letters.texts() == ["lost"]
    assert subscribe(sns, arn, letters).startswith(arn)
