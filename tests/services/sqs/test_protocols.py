"""The former query protocol of SQS, as older SDKs speak it."""

from __future__ import annotations

import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.error import HTTPError

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.services.sqs.support import queue

from mesocosm.testing.local import LocalCloud

SPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def call(cloud: LocalCloud, path: str = "/", **form: str) -> ElementTree.Element:
    """A signed query request; returns the answer's root."""
    body = urllib.parse.urlencode({"Version": "2012-11-05", **form})
    request = AWSRequest(
        "POST",
        cloud.endpoint + path,
        {"Content-Type": "application/x-www-form-urlencoded"},
        body,
    )
    SigV4Auth(Credentials("000000000000", "any"), "sqs", "us-east-1").add_auth(request)
    sent = urllib.request.Request(
        cloud.endpoint + path, body.encode(), dict(request.headers.items()), method="POST"
    )
    try:
        with urllib.request.urlopen(sent, timeout=20) as answer:
            return ElementTree.fromstring(answer.read())
    except HTTPError as error:
        return ElementTree.fromstring(error.read())


def test_a_message_by_the_query_protocol(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    sent = call(
        cloud,
        Action="SendMessage",
        QueueUrl=url,
        MessageBody="a",
        **{
            "MessageAttribute.1.Name": "x",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "y",
        },
    )
    name = sent.findtext(f"{SPACE}SendMessageResult/{SPACE}MessageId")
    got = call(
        cloud,
        Action="ReceiveMessage",
        QueueUrl=url,
        **{"MessageAttributeName.1": "All", "AttributeName.1": "SentTimestamp"},
    )
    message = got.find(f"{SPACE}ReceiveMessageResult/{SPACE}Message")
    assert message is not None
    assert message.findtext(f"{SPACE}MessageId") == name
    assert message.findtext(f"{SPACE}Attribute/{SPACE}Name") == "SentTimestamp"
    assert message.findtext(f"{SPACE}MessageAttribute/{SPACE}Value/{SPACE}StringValue") == "y"


def test_an_error_by_the_query_protocol(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    error = call(cloud, Action="SendMessage", QueueUrl=url + "x", MessageBody="a")
    assert error.findtext(f"{SPACE}Error/{SPACE}Code") == "AWS.SimpleQueueService.NonExistentQueue"


def test_the_path_names_the_queue_when_no_parameter_does(sqs: Any, cloud: LocalCloud) -> None:
    queue(sqs)
    call(cloud, "/000000000000/orders", Action="SendMessage", MessageBody="a")
    found = call(
        cloud,
        "/000000000000/orders",
        Action="GetQueueAttributes",
        **{"AttributeName.1": "ApproximateNumberOfMessages"},
    )
    assert found.findtext(f".//{SPACE}Value") == "1"
