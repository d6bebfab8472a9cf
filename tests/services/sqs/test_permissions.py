"""Who may use a queue: AddPermission, queue policies, other accounts, IAM."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from tests.services.sqs.support import arn, attributes, bodies, queue, refusal

OTHER = "111111111111"


def test_permissions_are_statements_of_the_policy(sqs: Any) -> None:
    url = queue(sqs)
    sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    sqs.add_permission(
        QueueUrl=url,
        Label="two",
        AWSAccountIds=[OTHER, "222222222222"],
        Actions=["ReceiveMessage", "DeleteMessage"],
    )
    name = arn(sqs, url)
    assert json.loads(attributes(sqs, url)["Policy"]) == {
        "Version": "2008-10-17",
        "Id": f"{name}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "one",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
                "Action": "SQS:SendMessage",
                "Resource": name,
            },
            {
                "Sid": "two",
                "Effect": "Allow",
                "Principal": {
                    "AWS": [f"arn:aws:iam::{OTHER}:root", "arn:aws:iam::222222222222:root"]
                },
                "Action": ["SQS:ReceiveMessage", "SQS:DeleteMessage"],
                "Resource": name,
            },
        ],
    }
    sqs.remove_permission(QueueUrl=url, Label="one")
    assert len(json.loads(attributes(sqs, url)["Policy"])["Statement"]) == 1
    sqs.remove_permission(QueueUrl=url, Label="two")
    assert "Policy" not in attributes(sqs, url)


def test_permissions_that_are_refused(sqs: Any) -> None:
    url = queue(sqs)

    def refused(label: str, account: str, *actions: str) -> tuple[str, str]:
        return refusal(
            sqs.add_permission,
            QueueUrl=url,
            Label=label,
            AWSAccountIds=[account],
            Actions=list(actions),
        )

    sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=[OTHER], Actions=["*"])
    assert refused("one", OTHER, "SendMessage") == (
        "InvalidParameterValue",
        "Value one for parameter Label is invalid. Reason: Already exists.",
    )
    assert refused("two", OTHER, "CreateQueue") == (
        "InvalidParameterValue",
        "Value SQS:CreateQueue for parameter ActionName is invalid. Reason: Only the queue owner "
        "is allowed to invoke this action.",
    )
    assert refused("two", "1", "SendMessage") == (
        "InvalidParameterValue",
        "Value [1] for parameter PrincipalId is invalid. Reason: Unable to verify.",
    )
    assert refused("two", OTHER, *["SendMessage"] * 8) == (
        "OverLimit",
        "8 Actions were found, maximum allowed is 7.",
    )
    assert refusal(sqs.remove_permission, QueueUrl=url, Label="none") == (
        "InvalidParameterValue",
        "Value none for parameter Label is invalid. Reason: can't find label.",
    )


def test_another_account_may_what_the_policy_says(client: Callable[..., Any], sqs: Any) -> None:
    url = queue(sqs)
    other = client("sqs", account=OTHER)
    assert refusal(other.send_message, QueueUrl=url, MessageBody="a")[0] == "AccessDenied"
    sqs.add_permission(
        QueueUrl=url,
        Label="one",
        AWSAccountIds=[OTHER],
        Actions=["SendMessage", "GetQueueUrl"],
    )
    found = other.get_queue_url(QueueName="orders", QueueOwnerAWSAccountId="000000000000")
    assert found["QueueUrl"] == url
    # SendMessage is the action of the batch as well.
    other.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "a"}])
    assert refusal(other.receive_message, QueueUrl=url)[0] == "AccessDenied"
    assert bodies(sqs, url) == ["a"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("delete_queue", {}),
        ("set_queue_attributes", {"Attributes": {"DelaySeconds": "1"}}),
        ("tag_queue", {"Tags": {"a": "b"}}),
        ("list_queue_tags", {}),
    ],
)
def test_some_operations_are_the_owners_alone(
    client: Callable[..., Any], sqs: Any, operation: str, arguments: dict[str, Any]
) -> None:
    url = queue(sqs)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": OTHER},
                "Action": "sqs:*",
                "Resource": arn(sqs, url),
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    other = client("sqs", account=OTHER)
    assert refusal(getattr(other, operation), QueueUrl=url, **arguments)[0] == "AccessDenied"


def test_tags_of_the_queue_decide(client: Callable[..., Any], sqs: Any) -> None:
    iam = client("iam")
    iam.create_user(UserName="u")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}},
            }
        ],
    }
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    user = client("sqs", credentials=key)
    blue = sqs.create_queue(QueueName="blue", tags={"team": "blue"})["QueueUrl"]
    red = sqs.create_queue(QueueName="red", tags={"team": "red"})["QueueUrl"]
    user.send_message(QueueUrl=blue, MessageBody="a")
    code, message = refusal(user.send_message, QueueUrl=red, MessageBody="a")
    assert code == "AccessDenied"
    assert "is not authorized to perform: sqs:sendmessage on resource: " in message.lower()


def test_a_policy_means_the_users_there_are(sqs: Any, client: Callable[..., Any]) -> None:
    url, iam = queue(sqs), client("iam")
    name = "arn:aws:iam::000000000000:user/bob"
    named = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": name},
                "Action": "sqs:SendMessage",
                "Resource": arn(sqs, url),
            }
        ],
    }
    given = {"QueueUrl": url, "Attributes": {"Policy": json.dumps(named)}}
    assert refusal(sqs.set_queue_attributes, **given) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter Policy.",
    )
    old = iam.create_user(UserName="bob")["User"]["UserId"]
    sqs.set_queue_attributes(**given)
    iam.delete_user(UserName="bob")
    iam.create_user(UserName="bob")
    bob = client("sqs", credentials=iam.create_access_key(UserName="bob")["AccessKey"])
    assert refusal(bob.send_message, QueueUrl=url, MessageBody="x")[0].endswith("AccessDenied")
    shown = json.loads(attributes(sqs, url)["Policy"])
    assert shown["Statement"][0]["Principal"] == {"AWS": old}


def test_the_owners_root_user_is_not_locked_out_of_the_attributes(sqs: Any) -> None:
    url = queue(sqs)
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn(sqs, url)}
    text = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x")[0].endswith("AccessDenied")
    assert attributes(sqs, url)["Policy"] == text
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    sqs.send_message(QueueUrl=url, MessageBody="x")


def test_a_public_queue_takes_unsigned_calls(cloud: Any, sqs: Any) -> None:
    url = queue(sqs)
    public = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
        "Resource": arn(sqs, url),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    unsigned = cloud.client("sqs", config=Config(signature_version=UNSIGNED))
    unsigned.send_message(QueueUrl=url, MessageBody="hello")
    received = unsigned.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert [(one["Body"], one["Attributes"]["SenderId"]) for one in received] == [
        ("hello", "127.0.0.1")
    ]
    denied = ("AccessDenied", f"Access to the resource {cloud.endpoint}/ is denied.")
    assert refusal(unsigned.purge_queue, QueueUrl=url) == denied
    assert refusal(unsigned.get_queue_url, QueueName="orders") == denied
    assert refusal(unsigned.list_queues) == denied
    closed = queue(sqs, "closed")
    assert refusal(unsigned.send_message, QueueUrl=closed, MessageBody="hello") == denied
    assert refusal(unsigned.create_queue, QueueName="new") == denied


def test_an_unsigned_call_goes_to_the_region_of_its_host(cloud: Any) -> None:
    sqs = cloud.client("sqs", region="eu-west-1")
    url = queue(sqs)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    path = url.split("/", 3)[3]
    line = HTTPConnection("127.0.0.1", cloud.port)
    host = {"Host": f"sqs.eu-west-1.localhost:{cloud.port}"}
    line.request("GET", f"/{path}?Action=SendMessage&MessageBody=hello", headers=host)
    answer = line.getresponse()
    assert (answer.status, b"<MessageId>" in answer.read()) == (200, True)
    line.request("GET", f"/{path}x?Action=SendMessage&MessageBody=hello", headers=host)
    answer = line.getresponse()
    denied = f"Access to the resource http://{host['Host']}/{path}x is denied.".encode()
    assert (answer.status, denied in answer.read()) == (403, True)
    line.close()
    assert bodies(sqs, url) == ["hello"]
