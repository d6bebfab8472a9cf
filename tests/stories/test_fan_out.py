"""A story of several services: pictures come into a bucket, a topic tells those who want to know.

The gallery (another account) gets pictures only, by a filter on the body; the archive gets
everything, under a key; what the gallery does not take any more is a dead letter, and is moved
back when it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mesocosm.testing.local import LocalCloud

GALLERY = "222222222222"
REGION = "us-east-1"


def allow(service: str, action: str, resource: str, source: str) -> str:
    """A policy that lets a service do one thing for one source."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Inbox:
    """A queue a topic sends to."""

    def __init__(self, sqs: Any, account: str, name: str, topic: str) -> None:
        self.sqs = sqs
        self.arn = f"arn:aws:sqs:{REGION}:{account}:{name}"
        self.policy = allow("sns", "sqs:SendMessage", self.arn, topic)
        made = sqs.create_queue(QueueName=name, Attributes={"Policy": self.policy})
        self.url: str = made["QueueUrl"]

    def keys(self) -> list[str]:
        """The keys of the objects that events in the queue tell of; the events are taken out."""
        found: list[str] = []
        while True:
            batch = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            for message in batch.get("Messages", []):
                event = json.loads(json.loads(message["Body"])["Message"])
                found += [one["s3"]["object"]["key"] for one in event.get("Records", [])]
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            if not batch.get("Messages"):
                return found


def test_pictures_for_the_gallery(cloud: LocalCloud, client: Callable[..., Any]) -> None:
    s3, sns = client("s3"), client("sns")
    account = cloud.settings.account
    topic = sns.create_topic(Name="uploads")["TopicArn"]
    archive = Inbox(client("sqs"), account, "archive", topic)
    gallery = Inbox(client("sqs", account=GALLERY), GALLERY, "gallery", topic)
    letters = Inbox(client("sqs", account=GALLERY), GALLERY, "letters", topic)

    # The gallery subscribes by itself, as the topic's policy lets it.
    sns.add_permission(
        TopicArn=topic, Label="gallery", AWSAccountId=[GALLERY], ActionName=["Subscribe"]
    )
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"] += json.loads(allow("s3", "SNS:Publish", topic, "arn:aws:s3:::uploads"))[
        "Statement"
    ]
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
    )
    wanted = {"Records": {"s3": {"object": {"key": [{"suffix": ".png"}, {"suffix": ".jpg"}]}}}}
    client("sns", account=GALLERY).subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=gallery.arn,
        Attributes={
            "FilterPolicy": json.dumps(wanted),
            "FilterPolicyScope": "MessageBody",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": letters.arn}),
        },
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=archive.arn)

    s3.create_bucket(Bucket="uploads")
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    for key in ("cat.png", "notes.txt", "dog.jpg"):
        s3.put_object(Bucket="uploads", Key=key, Body=b"x")
    assert archive.keys() == ["cat.png", "notes.txt", "dog.jpg"]
    assert gallery.keys() == ["cat.png", "dog.jpg"]

    # The gallery closes its queue by mistake; nothing is lost.
    shut = {"QueueUrl": gallery.url, "Attributes": {"Policy": ""}}
    gallery.sqs.set_queue_attributes(**shut)
    s3.put_object(Bucket="uploads", Key="bird.png", Body=b"x")
    assert gallery.keys() == []
    shut["Attributes"] = {"Policy": gallery.policy}
    gallery.sqs.set_queue_attributes(**shut)
    s3.put_object(Bucket="uploads", Key="fish.png", Body=b"x")
    assert gallery.keys() == ["fish.png"]
    assert letters.keys() == ["bird.png"]
    assert archive.keys() == ["bird.png", "fish.png"]

    under_a_key(cloud, client, topic, archive)


def under_a_key(cloud: LocalCloud, client: Callable[..., Any], topic: str, archive: Inbox) -> None:
    """The events are encrypted, and the key is taken away for a while."""
    s3, sns, kms = client("s3"), client("sns"), client("kms")
    key = kms.create_key()["KeyMetadata"]
    document = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
            "Resource": "*",
        }
    )
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(document))
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key["Arn"]
    )
    s3.put_object(Bucket="uploads", Key="fox.png", Body=b"x")
    assert archive.keys() == ["fox.png"]
    kms.disable_key(KeyId=key["KeyId"])
    cloud.advance(301)
    s3.put_object(Bucket="uploads", Key="owl.png", Body=b"x")
    assert archive.keys() == []
    kms.enable_key(KeyId=key["KeyId"])
    cloud.advance(60)
    assert archive.keys() == ["owl.png"]
