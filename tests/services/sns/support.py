"""What the tests of SNS share."""

from __future__ import annotations

import json
import queue
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from mesocosm.services.sns.engine import Posts
from mesocosm.testing.local import LocalCloud

ACCOUNT = "000000000000"
OTHER = "111111111111"
PATIENCE = 20


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def topic(sns: Any, name: str = "news", **attributes: Any) -> str:
    """A new topic; attributes as keywords. Returns its ARN."""
    if name.endswith(".fifo"):
        attributes["FifoTopic"] = "true"
    given = {key: str(value) for key, value in attributes.items()}
    arn: str = sns.create_topic(Name=name, Attributes=given)["TopicArn"]
    return arn


class Queue(NamedTuple):
    """A queue that a topic may send to."""

    sqs: Any
    url: str
    arn: str

    def receive(self) -> list[dict[str, Any]]:
        """Everything that is in it, received and deleted."""
        found: list[dict[str, Any]] = []
        while True:
            some = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            for one in some:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
            found += some
            if not some:
                return found

    def bodies(self) -> list[str]:
        """The bodies of everything in it."""
        return [one["Body"] for one in self.receive()]

    def texts(self) -> list[str]:
        """The messages in the notifications in it."""
        return [json.loads(body)["Message"] for body in self.bodies()]


def queue_for(sqs: Any, topic_arn: str, name: str = "inbox", allow: bool = True) -> Queue:
    """A new queue, whose policy lets the topic send to it."""
    attributes = {}
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    if allow:
        permit(sqs, url, arn, topic_arn)
    return Queue(sqs, url, arn)


def permit(sqs: Any, url: str, arn: str, topic_arn: str) -> None:
    """Let a topic send to a queue."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def subscribe(sns: Any, topic_arn: str, queue: Queue, **attributes: Any) -> str:
    """Subscribe a queue; attributes as keywords, documents as objects. Returns the ARN."""
    given = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in attributes.items()
    }
    arn: str = sns.subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint=queue.arn, Attributes=given
    )["SubscriptionArn"]
    return arn


# -- a web server ----------------------------------------------------------------------------


class Posted(NamedTuple):
    """A POST that came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        """The body, read."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """A web server that answers with the statuses it is told, 200 after that."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.statuses: list[int] = []
        self._came: queue.Queue[Posted] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._came.put(Posted(self.path, headers, body))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Not to the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def next(self) -> Posted:
        """The next POST."""
        return self._came.get(timeout=PATIENCE)

    @property
    def came(self) -> int:
        """How many came that were not looked at."""
        return self._came.qsize()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def settle(cloud: LocalCloud) -> None:
    """Return when every post that is under way was answered."""

    async def wait() -> None:
        while (posts := cloud.world.derived(Posts)).under_way:
            until = cloud.world.clock.now() + PATIENCE
            await cloud.cloud.waiting.wait(f"sns-posts:{len(posts.under_way) - 1}", until)

    cloud.run(wait())
