"""What a subscriber is sent: the documents of SNS, and their HTTP headers.

Source: developer guide, "Parsing message formats", "HTTP/HTTPS headers".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesocosm.services.sns.resources import Message, Subscription
from mesocosm.services.sns.rules import messages as rules

VERSION = "Version=2010-03-31"
"""In the links: a host that is not named after SNS does not say whose operation is meant."""
AGENT = "Amazon Simple Notification Service Agent"

Sign = Callable[[bytes], str]


class Envelope:
    """The documents of one message: what they share is made, and signed, once."""

    def __init__(
        self, message: Message, topic_arn: str, number: str, version: str, sign: Sign
    ) -> None:
        self._message = message
        self._arn = topic_arn
        self._number = number
        """The sequence number on a FIFO topic, which signs nothing; else ""."""
        self._version = version
        self._sign = sign
        self._openings: dict[str, tuple[str, dict[str, str]]] = {}
        self._parts: dict[tuple[str, str, str], str] = {}
        self._tail = _tail(message)

    def text(self, protocol: str) -> str:
        """What the message says over a protocol."""
        message = self._message
        return message.texts.get(protocol, message.body) if message.texts else message.body

    def document(self, to: Subscription, arn: str, certificate: str) -> str:
        """The JSON document for a subscription; `certificate` is the path of the certificate."""
        if self._message.kind != "Notification":
            return self._confirmation(to, certificate)
        name = (self.text(to.protocol), to.base, certificate)
        head = self._parts.get(name)
        if head is None:
            head = self._parts[name] = self._head(*name)
        return head + arn + self._tail

    def _head(self, text: str, base: str, certificate: str) -> str:
        """The document up to where the ARN of the subscription stands."""
        made = self._openings.get(text)
        if made is None:
            made = self._openings[text] = self._opening(text)
        opening, signed = made
        rest = dict(signed)
        if signed:
            rest["SigningCertURL"] = base + certificate
        rest["UnsubscribeURL"] = f"{base}/?Action=Unsubscribe&SubscriptionArn="
        return opening + rules.closing(rest).removesuffix('"\n}')

    def _opening(self, text: str) -> tuple[str, dict[str, str]]:
        message = self._message
        members: dict[str, Any] = {"Type": "Notification", "MessageId": message.id}
        if self._number:
            members["SequenceNumber"] = self._number
        members["TopicArn"] = self._arn
        if message.subject is not None:
            members["Subject"] = message.subject
        members |= {"Message": text, "Timestamp": rules.instant(message.at)}
        return rules.opening(members), {} if self._number else self._signed(members)

    def _signed(self, members: Mapping[str, Any]) -> dict[str, str]:
        return {
            "SignatureVersion": self._version,
            "Signature": self._sign(rules.to_sign(members["Type"], members)),
        }

    def _confirmation(self, to: Subscription, certificate: str) -> str:
        message = self._message
        link = f"{to.base}/?Action=ConfirmSubscription&TopicArn={self._arn}"
        members: dict[str, Any] = {
            "Type": message.kind,
            "MessageId": message.id,
            "Token": message.token,
            "TopicArn": self._arn,
            "Message": message.body,
            "SubscribeURL": f"{link}&Token={message.token}&{VERSION}",
            "Timestamp": rules.instant(message.at),
        }
        members |= self._signed(members)
        members["SigningCertURL"] = to.base + certificate
        return rules.document(members)

    def headers(self, to: Subscription, arn: str, content_type: str) -> dict[str, str]:
        """The headers of a POST."""
        message = self._message
        found = {
            "x-amz-sns-message-type": message.kind,
            "x-amz-sns-message-id": message.id,
            "x-amz-sns-topic-arn": self._arn,
        }
        if message.kind != "SubscriptionConfirmation":
            found["x-amz-sns-subscription-arn"] = arn
        if to.raw and message.kind == "Notification":
            found["x-amz-sns-rawdelivery"] = "true"
        return found | {"Content-Type": content_type, "User-Agent": AGENT}


def _tail(message: Message) -> str:
    """The document from after the ARN of the subscription."""
    found: dict[str, Any] = {}
    if message.attributes:
        found["MessageAttributes"] = rules.shown(message.attributes)
    if message.replayed:
        found["Replayed"] = "true"
    return f'&{VERSION}"' + (",\n" + rules.closing(found) if found else "\n}")
