"""Publishing: a message is written down with whom it is for; what follows delivers it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from mesocosm.api import sns as api
from mesocosm.call.call import Call
from mesocosm.services.sns import sns
from mesocosm.services.sns.control.archive import store
from mesocosm.services.sns.operations.encrypting import Lock, unencrypted
from mesocosm.services.sns.operations.opened import OpenTopic, opened, topic_arn
from mesocosm.services.sns.resources import (
    Message,
    Order,
    Readers,
    Sent,
    Topic,
    messages,
    name_of,
    sent,
)
from mesocosm.services.sns.rules import messages as rules
from mesocosm.services.sns.rules import metrics as measured
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.filters import Attribute, Content
from mesocosm.wire.errors import AwsError

BATCH_FAULTS = frozenset({"ParameterValueInvalid", "ValidationError"})


class Publishable(Protocol):
    """A message as Publish and an entry of PublishBatch give it."""

    @property
    def message(self) -> str | None: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def message_structure(self) -> str | None: ...
    @property
    def message_attributes(self) -> Mapping[str, api.MessageAttributeValue] | None: ...
    @property
    def message_deduplication_id(self) -> str | None: ...
    @property
    def message_group_id(self) -> str | None: ...


class Draft(NamedTuple):
    """A message that may be published. `size` is in bytes."""

    body: str
    subject: str | None
    texts: dict[str, str] | None
    attributes: dict[str, Attribute]
    group: str
    deduplication: str
    size: int


class Accepted(NamedTuple):
    """What a publisher is told."""

    id: str
    sequence_number: str | None


def _destination(call: Call, request: api.PublishInput) -> str:
    """The topic that is published to. Phones and mobile endpoints are refused."""
    if request.phone_number is not None:
        raise call.not_implemented("text messages to phones")
    arn = request.topic_arn or request.target_arn
    if not arn:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in arn:
        raise call.not_implemented("notifications to mobile endpoints")
    return name_of(arn, "TopicArn" if request.topic_arn else "TargetArn").arn


@sns.operation(
    "Publish",
    resource=_destination,
    category="data",
    read_only=False,
    hide=("Message", "MessageAttributes", "PhoneNumber", "Subject"),
)
def publish(call: Call, request: api.PublishInput) -> api.PublishResponse:
    """Send a message to everybody who is subscribed to a topic and wants it."""
    topic = opened(call, _destination(call, request))
    draft = _checked(topic.row, request)
    lock = Lock(call, topic) if topic.row.kms_key else unencrypted
    if draft.size > (topic.row.maximum_size or rules.SIZE_DEFAULT):
        raise invalid("Message too long")
    done = accept(call, topic, draft, lock)
    return api.PublishResponse(message_id=done.id, sequence_number=done.sequence_number)


@sns.operation(
    "PublishBatch",
    action="sns:Publish",
    resource=topic_arn,
    category="data",
    read_only=False,
    hide=("Message", "MessageAttributes", "Subject"),
)
def publish_batch(call: Call, request: api.PublishBatchInput) -> api.PublishBatchResponse:
    """Up to ten messages at once, each of which succeeds or fails by itself."""
    topic = opened(call, request.topic_arn)
    entries = request.publish_batch_request_entries or []
    rules.check_batch(entries)
    drafts: list[tuple[str, Draft]] = []
    failed: list[api.BatchResultErrorEntry] = []
    for entry in entries:
        try:
            drafts.append((entry.id, _checked(topic.row, entry)))
        except AwsError as error:
            if error.code in BATCH_FAULTS or "FIFO" in error.message:
                raise
            failed.append(
                api.BatchResultErrorEntry(
                    id=entry.id, code=error.code, message=error.message, sender_fault=True
                )
            )
    if sum(draft.size for _, draft in drafts) > (topic.row.maximum_size or rules.SIZE_DEFAULT):
        raise AwsError(
            "BatchRequestTooLong",
            "The length of all the messages put together is more than the limit.",
        )
    lock = Lock(call, topic) if topic.row.kms_key and drafts else unencrypted
    done = [(name, accept(call, topic, draft, lock)) for name, draft in drafts]
    return api.PublishBatchResponse(
        successful=[
            api.PublishBatchResultEntry(
                id=name, message_id=one.id, sequence_number=one.sequence_number
            )
            for name, one in done
        ],
        failed=failed,
    )


def _checked(topic: Topic, given: Publishable) -> Draft:
    """The message of a request; raises what AWS would. Nothing is changed yet."""
    message = given.message
    if not message:
        raise invalid("Empty message")
    group, deduplication = given.message_group_id, given.message_deduplication_id
    rules.check_fifo_ids(topic.fifo, topic.content_deduplication, group, deduplication)
    attributes = rules.attributes_of(given.message_attributes)
    rules.check_subject(given.subject)
    texts = rules.structure(message, given.message_structure)
    if topic.fifo and deduplication is None:
        deduplication = hashlib.sha256(message.encode("utf-8", "surrogatepass")).hexdigest()
    return Draft(
        texts["default"] if texts else message,
        given.subject,
        texts,
        attributes,
        group or "",
        deduplication or "",
        rules.size(message, attributes),
    )


def accept(
    call: Call, topic: OpenTopic, draft: Draft, lock: Callable[[Message], Message]
) -> Accepted:
    """Write a message down, or find that it was sent before."""
    row, (region, account, *_) = topic.row, topic.name
    meter = call.cloud.meter
    dimensions = (("TopicName", row.name),)
    meter.count(account, region, measured.PUBLISHED, dimensions)
    meter.count(account, region, measured.SIZE, dimensions, float(draft.size))
    order = call.world.derived(Order)
    if row.fifo:
        before = _before(call, topic, draft)
        if before is not None:
            return Accepted(before.id, sequence_number(before.seq))
    seq, name = order.next(), call.ids.uuid()
    http = call.http
    message = Message(
        id=name,
        topic=row.name,
        at=call.now,
        body=draft.body,
        waiting=_wanting(call, topic, draft),
        subject=draft.subject,
        attributes=draft.attributes,
        texts=draft.texts,
        group=draft.group,
        deduplication=draft.deduplication,
        trace=(http.headers.get("x-amzn-trace-id") or "") if http is not None else "",
    )
    if message.waiting or row.archive:
        message = lock(message)
    if message.waiting:
        call.rows(messages, account, region)[seq] = message
    if not row.fifo:
        return Accepted(name, None)
    scope = f"{draft.group}\n" if row.group_scope else "\n"
    key = (row.id, scope + draft.deduplication)
    call.rows(sent, account, region)[key] = Sent(name, seq, call.now)
    if row.archive:
        store(call, account, region, row.id, seq, message)
    return Accepted(name, sequence_number(seq))


def sequence_number(seq: int) -> str:
    """A sequence number as clients see it: 20 digits, growing."""
    return str(10_000_000_000_000_000_000 + seq)


def _before(call: Call, topic: OpenTopic, draft: Draft) -> Sent | None:
    """The message that was sent with this deduplication id in the last five minutes."""
    row, name = topic.row, topic.name
    uses = call.rows(sent, name.account, name.region)
    scope = f"{draft.group}\n" if row.group_scope else "\n"
    before = uses.get((row.id, scope + draft.deduplication))
    if before is not None and before.at > call.now - rules.DEDUPLICATION_SECONDS:
        return before
    if call.timers.get("sns", "stale", row.id, name.account, name.region) is None:
        due = call.now + rules.DEDUPLICATION_SECONDS
        call.timers.at(due, "sns", "stale", row.id, name.account, name.region)
    return None


def _wanting(call: Call, topic: OpenTopic, draft: Draft) -> tuple[str, ...]:
    """The subscriptions whose filters let the message pass."""
    name = topic.name
    found = []
    contents: dict[str, Content] = {}
    for reader in call.world.derived(Readers).of(name.account, name.region, name.topic):
        if reader.row.replay and not reader.row.live:
            continue  # it comes from the archive, in its place
        if reader.filter is None:
            found.append(reader.id)
            continue
        text = draft.texts.get(reader.row.protocol, draft.body) if draft.texts else draft.body
        content = contents.get(text)
        if content is None:
            content = contents[text] = Content(text, draft.attributes)
        wanted = reader.filter.wants(content)
        if wanted:
            found.append(reader.id)
        else:
            _count_out(call, topic, wanted, reader.row.scope, draft)
    return tuple(found)


def _count_out(call: Call, topic: OpenTopic, wanted: bool | None, scope: str, draft: Draft) -> None:
    """A message that a filter kept from a subscription, in CloudWatch."""
    of_body = scope == "MessageBody"
    kinds = [measured.OUT, measured.OUT_BODY if of_body else measured.OUT_ATTRIBUTES]
    if wanted is None:
        kinds.append(measured.OUT_INVALID_BODY)
    elif not of_body and not draft.attributes:
        kinds.append(measured.OUT_NO_ATTRIBUTES)
    for kind in kinds:
        call.cloud.meter.count(
            topic.name.account, topic.name.region, kind, (("TopicName", topic.name.topic),)
        )
