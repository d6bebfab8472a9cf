"""One message on its way: what it looks like to each subscription, and how it is handed over."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from mesocosm.api import firehose as firehose_api
from mesocosm.api import sqs as sqs_api
from mesocosm.call import encryption, roles
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.call.metering import Metric
from mesocosm.call.service import Values
from mesocosm.iam import Principal
from mesocosm.services.sns.control import feedback
from mesocosm.services.sns.engine import PATH, Keys
from mesocosm.services.sns.resources import Message, Subscription, Texts, Topic
from mesocosm.services.sns.rules import metrics as measured
from mesocosm.services.sns.rules.envelope import Envelope
from mesocosm.services.sns.rules.messages import is_binary
from mesocosm.wire.errors import AwsError

PRINCIPAL = service_principal("sns.amazonaws.com")
SQS_ATTRIBUTES_MAX = 10
REUSE_SECONDS = 300.0
"""For how long a data key serves a publisher."""
THROTTLED = frozenset({"RequestThrottled", "ServiceUnavailableException", "ThrottlingException"})


class Failed(Exception):
    """A delivery that could not be made; `again`: it is worth another try."""

    def __init__(self, reason: str, again: bool = False, status: int = 400) -> None:
        super().__init__(reason)
        self.again = again
        self.status = status


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Texts)


def about(arn: str) -> dict[str, str]:
    """The encryption context of a topic's messages."""
    return {"aws:sns:topicArn": arn}


def plain_texts(message: Message) -> bytes:
    """What of a message is to be encrypted."""
    return _encoder.encode(Texts(message.body, message.texts))


class Sender:
    """A message of a topic, in one transaction."""

    def __init__(self, call: Call, seq: int, message: Message, topic: Topic) -> None:
        self.call = call
        self.seq = seq
        self.topic = topic
        self.arn = f"arn:aws:sns:{call.region}:{call.account}:{topic.name}"
        self.message = message
        self._read: Message | None = None
        self._envelope: Envelope | None = None
        self._certificate: str | None = None
        self._roles: dict[str, Principal] = {}
        self._conditions: Mapping[str, Values] = {
            "aws:SourceArn": self.arn,
            "aws:SourceAccount": call.account,
        }
        self._dimensions = (("TopicName", topic.name),)

    def count(self, metric: Metric) -> None:
        """One more, in CloudWatch."""
        self.call.cloud.meter.count(self.call.account, self.call.region, metric, self._dimensions)

    # -- what is sent --------------------------------------------------------------------------

    def _content(self) -> Message:
        """The message, decrypted as the publisher's, if it is encrypted. Raises Failed."""
        if self._read is None:
            message = self.message
            if message.sealed is not None:
                try:
                    data = encryption.unseal(
                        self.call,
                        message.sealed,
                        about(self.arn),
                        principal=message.sender,
                        reuse=REUSE_SECONDS,
                    )
                except AwsError as error:
                    raise Failed(error.message) from None
                texts = _decoder.decode(data)
                message = replace(message, body=texts.body, texts=texts.texts, sealed=None)
            self._read = message
        return self._read

    def _documents(self) -> Envelope:
        if self._envelope is None:
            version = self.topic.signature_version or "1"
            number = ""
            if self.topic.fifo and self.message.kind == "Notification":
                number = str(10_000_000_000_000_000_000 + (self.message.replayed or self.seq))
            keys = self.call.world.derived(Keys)
            self._envelope = Envelope(
                self._content(),
                self.arn,
                number,
                version,
                lambda data: keys.sign(self.call, version, data),
            )
        return self._envelope

    def text(self, protocol: str) -> str:
        """What the message says over a protocol. Raises Failed."""
        return self._documents().text(protocol)

    def _body(self, name: str, row: Subscription) -> str:
        if row.raw and self.message.kind == "Notification":
            return self.text(row.protocol)
        if self._certificate is None:
            signer = self.call.world.derived(Keys).signer(self.call)
            self._certificate = PATH.format(name=signer.name)
        return self._documents().document(row, f"{self.arn}:{name}", self._certificate)

    def posted(
        self, name: str, row: Subscription, content_type: str
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body for a web server. Raises Failed."""
        body = self._body(name, row).encode("utf-8", "surrogatepass")
        return self._documents().headers(row, f"{self.arn}:{name}", content_type), body

    # -- handing over ----------------------------------------------------------------------------

    def hand_over(self, name: str, row: Subscription) -> str:
        """Give the message to a queue or a delivery stream; returns the id it has there. Raises
        Failed.
        """
        if row.protocol == "firehose":
            return self._to_stream(name, row)
        return self._to_queue(row.endpoint, self._body(name, row), row.raw)

    def log(self, row: Subscription, outcome: feedback.Outcome) -> None:
        """Write down how a delivery ended, if the topic asks for it."""
        if self.topic.feedback and self.message.kind == "Notification":
            try:
                message = self._content()
            except Failed:
                message = self.message
            feedback.log(self.call, self.topic, self.arn, message, row, outcome)

    def bury(self, name: str, row: Subscription) -> None:
        """Give the message to the dead-letter queue, if there is one that takes it."""
        if not row.dead_letter:
            return
        try:
            self._to_queue(row.dead_letter, self._body(name, row), row.raw)
        except Failed:
            self.count(measured.NOT_REDRIVEN)
        else:
            self.count(measured.REDRIVEN)

    def _to_queue(self, arn: str, body: str, raw: bool) -> str:
        region, account, queue = arn.split(":")[3:6]
        message = self.message
        request = sqs_api.SendMessageRequest(
            queue_url=f"https://sqs.{region}.amazonaws.com/{account}/{queue}", message_body=body
        )
        if queue.endswith(".fifo"):
            request.message_group_id = message.group or message.topic
            request.message_deduplication_id = message.deduplication or message.id
        elif message.group and not self.topic.fifo:
            request.message_group_id = message.group
        if raw and message.attributes:
            if len(message.attributes) > SQS_ATTRIBUTES_MAX:
                raise Failed(f"a queue takes at most {SQS_ATTRIBUTES_MAX} message attributes")
            request.message_attributes = self._attributes()
        if message.trace:
            request.message_system_attributes = {
                "AWSTraceHeader": sqs_api.MessageSystemAttributeValue(
                    data_type="String", string_value=message.trace
                )
            }
        try:
            answer = self.call.invoke(
                "sqs",
                "SendMessage",
                request,
                principal=PRINCIPAL,
                account=account,
                region=region,
                conditions=self._conditions,
            )
        except AwsError as error:
            raise _failure(error) from None
        return f'{{"sqsMessageId":"{answer.message_id}"}}'

    def _attributes(self) -> dict[str, sqs_api.MessageAttributeValue]:
        return {
            name: sqs_api.MessageAttributeValue(
                data_type=kind,
                string_value=None if is_binary(kind) else value.decode(),
                binary_value=value if is_binary(kind) else None,
            )
            for name, (kind, value) in self.message.attributes.items()
        }

    def _to_stream(self, name: str, row: Subscription) -> str:
        _, _, _, region, account, rest = row.endpoint.split(":", 5)
        data = self._body(name, row).encode("utf-8", "surrogatepass")
        try:
            answer = self.call.invoke(
                "firehose",
                "PutRecord",
                firehose_api.PutRecordInput(
                    delivery_stream_name=rest.partition("/")[2],
                    record=firehose_api.Record(data=data + b"\n"),
                ),
                principal=self._role(row.role),
                account=account,
                region=region,
            )
        except AwsError as error:
            raise _failure(error) from None
        return f'{{"firehoseRecordId":"{answer.record_id}"}}'

    def _role(self, role: str) -> Principal:
        found = self._roles.get(role)
        if found is None:
            found = roles.assumed(self.call, role, "sns", self._conditions)
            self._roles[role] = found
        return found


def _failure(error: AwsError) -> Failed:
    again = (error.status or 400) >= 500 and error.code != "NotImplemented"
    return Failed(error.message, again or error.code in THROTTLED, error.status or 400)
