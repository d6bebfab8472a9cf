"""Web servers: confirming, what is posted, trying again, unsubscribing by link, signatures."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from tests.services.sns.support import (
    Receiver,
    queue_for,
    refusal,
    settle,
    subscribe,
    topic,
)

from mesocosm.testing.local import LocalCloud


def get(url: str) -> str:
    """A document, as a browser fetches it."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        found: str = answer.read().decode()
        return found


def confirmed(sns: Any, arn: str, receiver: Receiver, path: str = "/", **attributes: str) -> str:
    """A subscription of the web server, confirmed. Returns its ARN."""
    sns.subscribe(
        TopicArn=arn, Protocol="http", Endpoint=receiver.url + path, Attributes=attributes
    )
    token = receiver.next().document["Token"]
    found: str = sns.confirm_subscription(TopicArn=arn, Token=token)["SubscriptionArn"]
    return found


def test_a_subscription_is_confirmed_by_its_link(sns: Any, receiver: Receiver) -> None:
    arn = topic(sns)
    answer = sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url + "/in?a=b")
    assert answer["SubscriptionArn"] == "pending confirmation"
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == (
        "PendingConfirmation"
    )
    asked = receiver.next()
    assert asked.path == "/in?a=b"
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.headers["content-type"] == "text/plain; charset=UTF-8"
    assert asked.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    document = asked.document
    assert document["Message"] == (
        f"You have chosen to subscribe to the topic {arn}.\nTo confirm the subscription, visit "
        "the SubscribeURL included in this message."
    )
    assert "<SubscriptionArn>arn:aws:sns:" in get(document["SubscribeURL"])
    [listed] = sns.list_subscriptions()["Subscriptions"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=listed["SubscriptionArn"])
    assert attributes["Attributes"]["ConfirmationWasAuthenticated"] == "false"
    assert attributes["Attributes"]["PendingConfirmation"] == "false"
    sns.publish(TopicArn=arn, Message="hello")
    came = receiver.next()
    assert came.headers["x-amz-sns-message-type"] == "Notification"
    assert came.headers["x-amz-sns-message-id"] == came.document["MessageId"]
    assert came.headers["x-amz-sns-topic-arn"] == arn
    assert came.headers["x-amz-sns-subscription-arn"] == listed["SubscriptionArn"]
    assert came.document["Message"] == "hello"


def test_tokens(sns: Any, receiver: Receiver, cloud: LocalCloud) -> None:
    arn = topic(sns)
    assert refusal(sns.confirm_subscription, TopicArn=arn, Token="x") == (
        "InvalidParameter",
        "Invalid parameter: Token",
    )
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)
    token = receiver.next().document["Token"]
    settle(cloud)
    cloud.advance(2 * 86_400 + 1)
    assert refusal(sns.confirm_subscription, TopicArn=arn, Token=token)[1] == (
        "Invalid parameter: Token"
    )
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_raw_posts(sns: Any, receiver: Receiver) -> None:
    arn = topic(sns)
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    confirmed(sns, arn, receiver, RawMessageDelivery="true", DeliveryPolicy=policy)
    sns.publish(TopicArn=arn, Message='{"a":1}')
    came = receiver.next()
    assert came.body == '{"a":1}'
    assert came.headers["x-amz-sns-rawdelivery"] == "true"
    assert came.headers["content-type"] == "application/json"


def test_a_server_in_trouble_is_tried_again(
    sns: Any, sqs: Any, receiver: Receiver, cloud: LocalCloud
) -> None:
    arn = topic(sns)
    letters = queue_for(sqs, arn, "letters")
    policy = {
        "healthyRetryPolicy": {
            "minDelayTarget": 5,
            "maxDelayTarget": 100,
            "numRetries": 4,
            "numNoDelayRetries": 1,
            "numMinDelayRetries": 1,
            "numMaxDelayRetries": 1,
        }
    }
    confirmed(
        sns,
        arn,
        receiver,
        DeliveryPolicy=json.dumps(policy),
        RedrivePolicy=json.dumps({"deadLetterTargetArn": letters.arn}),
    )
    cloud.do(cloud.world.clock.pause)
    receiver.statuses = [500, 503, 429, 500, 500]
    sns.publish(TopicArn=arn, Message="x")
    first = receiver.next()
    times = [cloud.now()]
    for pause in (0.0, 5.0, 100.0, 100.0):
        if pause:  # what is due now runs by itself
            settle(cloud)
            assert receiver.came == 0
            assert letters.receive() == []
            cloud.advance(pause + 0.01)
        again = receiver.next()
        times.append(cloud.now())
        assert again.headers["x-amz-sns-message-id"] == first.headers["x-amz-sns-message-id"]
    settle(cloud)
    cloud.advance(4_000)
    assert receiver.came == 0
    assert letters.texts() == ["x"]


def test_an_endpoint_that_says_no_is_not_asked_again(
    sns: Any, sqs: Any, receiver: Receiver, cloud: LocalCloud
) -> None:
    arn = topic(sns)
    letters = queue_for(sqs, arn, "letters")
    confirmed(sns, arn, receiver, RedrivePolicy=json.dumps({"deadLetterTargetArn": letters.arn}))
    receiver.statuses = [404]
    sns.publish(TopicArn=arn, Message="x")
    receiver.next()
    settle(cloud)
    assert letters.texts() == ["x"]
    cloud.advance(4_000)
    assert receiver.came == 0


def test_nobody_there(sns: Any, sqs: Any, receiver: Receiver, cloud: LocalCloud) -> None:
    arn = topic(sns)
    letters = queue_for(sqs, arn, "letters")
    confirmed(sns, arn, receiver, RedrivePolicy=json.dumps({"deadLetterTargetArn": letters.arn}))
    receiver.close()
    cloud.do(cloud.world.clock.pause)
    sns.publish(TopicArn=arn, Message="x")
    for _ in range(4):
        settle(cloud)
        cloud.advance(20.01)
    settle(cloud)
    assert letters.texts() == ["x"]


def test_a_throttle(sns: Any, receiver: Receiver, cloud: LocalCloud) -> None:
    arn = topic(sns)
    policy = {"throttlePolicy": {"maxReceivesPerSecond": 1}}
    confirmed(sns, arn, receiver, DeliveryPolicy=json.dumps(policy))
    cloud.do(cloud.world.clock.pause)
    cloud.advance(2)  # the request to confirm had its turn, too
    for _ in range(3):
        sns.publish(TopicArn=arn, Message="x")
    for _ in range(2):
        receiver.next()
        settle(cloud)
        assert receiver.came == 0
        cloud.advance(1.01)
    receiver.next()


def test_unsubscribing_by_link_can_be_undone(sns: Any, receiver: Receiver) -> None:
    arn = topic(sns)
    subscription = confirmed(sns, arn, receiver)
    sns.publish(TopicArn=arn, Message="x")
    get(receiver.next().document["UnsubscribeURL"])
    assert sns.list_subscriptions()["Subscriptions"] == []
    told = receiver.next()
    assert told.headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation"
    assert told.document["Message"].startswith(
        f"You have chosen to deactivate subscription {subscription}."
    )
    get(told.document["SubscribeURL"])
    sns.publish(TopicArn=arn, Message="back")
    assert receiver.next().document["Message"] == "back"


def test_a_link_that_was_forbidden(sns: Any, receiver: Receiver) -> None:
    arn = topic(sns)
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)
    token = receiver.next().document["Token"]
    subscription = sns.confirm_subscription(
        TopicArn=arn, Token=token, AuthenticateOnUnsubscribe="true"
    )["SubscriptionArn"]
    sns.publish(TopicArn=arn, Message="x")
    with pytest.raises(urllib.request.HTTPError) as raised:
        get(receiver.next().document["UnsubscribeURL"])
    assert raised.value.code == 403
    raised.value.close()
    sns.unsubscribe(SubscriptionArn=subscription)
    assert sns.list_subscriptions()["Subscriptions"] == []
    sns.unsubscribe(SubscriptionArn=subscription)


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_hold(
    sns: Any, sqs: Any, receiver: Receiver, cloud: LocalCloud, version: str
) -> None:
    arn = topic(sns, SignatureVersion=version)
    inbox = queue_for(sqs, arn)
    subscribe(sns, arn, inbox)
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)
    asked = receiver.next().document
    sns.publish(TopicArn=arn, Message="m", Subject="s")
    sns.publish(TopicArn=arn, Message="m")
    for document in (asked, *map(json.loads, inbox.bodies())):
        check_signature(document, version)


def check_signature(document: dict[str, Any], version: str) -> None:
    """As the developer guide says ("Verifying the signatures of Amazon SNS messages")."""
    assert document["SignatureVersion"] == version
    certificate = x509.load_pem_x509_certificate(get(document["SigningCertURL"]).encode())
    names = (
        ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if document["Type"] == "Notification"
        else ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    )
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    key.verify(base64.b64decode(document["Signature"]), text.encode(), PKCS1v15(), digest)


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a web server at 127.0.0.1 needs, and the file of the authority that vouches for it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate


def test_https_with_a_certificate_somebody_vouches_for(
    sns: Any, cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = topic(sns)
    context, authority = certified(tmp_path)
    server = Receiver(context)
    cloud.do(cloud.world.clock.pause)
    try:
        address = server.url.replace("//", "//me:secret@")
        sns.subscribe(TopicArn=arn, Protocol="https", Endpoint=address)
        settle(cloud)
        assert server.came == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        cloud.advance(20.01)
        asked = server.next()
    finally:
        server.close()
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_there_is_no_other_certificate(cloud: LocalCloud) -> None:
    with pytest.raises(urllib.request.HTTPError) as raised:
        get(f"{cloud.endpoint}/_sns/SimpleNotificationService-{'0' * 32}.pem")
    assert raised.value.code == 404
    raised.value.close()


def test_what_was_on_its_way_goes_on_after_a_rewind(
    sns: Any, receiver: Receiver, cloud: LocalCloud
) -> None:
    arn = topic(sns)
    confirmed(sns, arn, receiver)
    cloud.do(cloud.world.clock.pause)
    receiver.statuses = [500]
    sns.publish(TopicArn=arn, Message="x")
    receiver.next()
    settle(cloud)
    cloud.snapshot("failed")
    cloud.advance(20.01)
    receiver.next()
    settle(cloud)
    cloud.rewind("failed")
    cloud.advance(20.01)
    assert receiver.next().document["Message"] == "x"
    settle(cloud)


def test_endpoints_that_are_refused(sns: Any, client: Callable[..., Any]) -> None:
    arn = topic(sns)

    def refused(protocol: str, endpoint: str) -> str:
        code, message = refusal(sns.subscribe, TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        assert code == "InvalidParameter"
        return message.removeprefix("Invalid parameter: ")

    assert refused("http", "https://localhost/") == "Endpoint must match the specified protocol"
    assert refused("sqs", "inbox") == "SQS endpoint ARN"
    assert refused("pigeon", "x") == "Amazon SNS does not support this protocol string: pigeon"
