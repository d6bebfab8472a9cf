"""Sending, receiving, deleting, and the visibility timeout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations import encrypting, metering
from mesocosm.services.sqs.operations.opened import Opened, find, opened, queue_arn
from mesocosm.services.sqs.resources import (
    Attempt,
    Lines,
    Message,
    Receipt,
    Sent,
    attempts,
    sent,
    split_arn,
)
from mesocosm.services.sqs.rules import messages as rules
from mesocosm.services.sqs.rules.attributes import bad_parameter, unknown
from mesocosm.wire.errors import AwsError

IN_FLIGHT_MAX = 120_000
VISIBILITY_MAX = 43_200
DEAD_LETTERS_AT_ONCE = 1_000
SYSTEM_NAMES = frozenset(
    {
        "All",
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    }
)


class Sendable(Protocol):
    """A message as SendMessage and an entry of SendMessageBatch give it."""

    @property
    def message_body(self) -> str | None: ...
    @property
    def delay_seconds(self) -> int | None: ...
    @property
    def message_attributes(self) -> Mapping[str, api.MessageAttributeValue] | None: ...
    @property
    def message_system_attributes(self) -> Mapping[str, api.MessageSystemAttributeValue] | None: ...
    @property
    def message_deduplication_id(self) -> str | None: ...
    @property
    def message_group_id(self) -> str | None: ...


class Checked(NamedTuple):
    """A message that may be sent, with its size in bytes."""

    message: Message
    body: bytes
    size: int


class Accepted(NamedTuple):
    """What a sender is told."""

    id: str
    body_digest: str
    attributes_digest: str | None
    system_digest: str | None
    sequence_number: str | None


# -- sending -------------------------------------------------------------------------------


def checked(queue: Opened, given: Sendable) -> Checked:
    """The message of a request; raises what AWS would. Nothing is changed yet."""
    call, row = queue.call, queue.queue
    text = given.message_body
    if not text:
        raise rules.missing("MessageBody")
    body = text.encode("utf-8", "surrogatepass")
    attributes = rules.attributes_of(given.message_attributes)
    size = len(body) + (rules.attributes_size(attributes) if attributes else 0)
    if size > row.maximum_size:
        raise rules.invalid(
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {row.maximum_size} bytes."
        )
    rules.check_text(text)
    delay = given.delay_seconds
    if delay is not None:
        if not 0 <= delay <= 900:
            raise bad_parameter(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
        if row.fifo and delay:
            raise bad_parameter(delay, "DelaySeconds", NOT_FOR_KIND)
    if delay is None or row.fifo:
        delay = row.delay
    group, deduplication = _fifo_ids(queue, given, body)
    principal = call.principal
    message = Message(
        id=call.ids.uuid(),
        body=text,
        sent=call.now,
        sender=(principal.id if principal.kind != "anonymous" else call.source_ip)
        or (principal.services[0] if principal.services else principal.account),
        visible=call.now + delay if delay else 0.0,
        attributes=attributes,
        trace=rules.trace_of(given.message_system_attributes),
        group=group,
        deduplication=deduplication,
    )
    return Checked(message, body, size)


NOT_FOR_KIND = "The request include parameter that is not valid for this queue type."


def _fifo_ids(queue: Opened, given: Sendable, body: bytes) -> tuple[str, str]:
    """Message group and deduplication id; a standard queue takes a group alone (fair queues)."""
    group, deduplication = given.message_group_id, given.message_deduplication_id
    if group is not None:
        rules.check_token("MessageGroupId", group)
    if not queue.queue.fifo:
        if deduplication is not None:
            raise bad_parameter(deduplication, "MessageDeduplicationId", NOT_FOR_KIND)
        return group or "", ""
    if group is None:
        raise rules.missing("MessageGroupId")
    if deduplication is None:
        if not queue.queue.content_deduplication:
            raise rules.invalid(
                "The queue should either have ContentBasedDeduplication enabled or "
                "MessageDeduplicationId provided explicitly"
            )
        return group, rules.content_id(body)
    rules.check_token("MessageDeduplicationId", deduplication)
    return group, deduplication


def accept(queue: Opened, given: Checked) -> Accepted:
    """Put a checked message into its queue, or find that it was sent before."""
    message = given.message
    kept = encrypting.sealed(queue, message) if queue.queue.kms_key else message
    name, seq = _put(queue, kept)
    metering.count_sent(queue, given.size)
    trace = {"AWSTraceHeader": ("String", message.trace.encode())} if message.trace else None
    return Accepted(
        name,
        rules.digest(given.body),
        rules.attributes_digest(message.attributes) if message.attributes else None,
        rules.attributes_digest(trace) if trace else None,
        rules.sequence_number(seq) if queue.queue.fifo else None,
    )


def _put(queue: Opened, message: Message) -> tuple[str, int]:
    """The id and the sequence number under which a message is known."""
    call, row = queue.call, queue.queue
    if not row.fifo:
        return message.id, queue.put(message)
    scope = f"{message.group}\n" if row.deduplication_scope == "messageGroup" else ""
    key = (row.id, scope + message.deduplication)
    uses = call.rows(sent, queue.account)
    forgotten = call.now - rules.DEDUPLICATION_SECONDS
    before = uses.get(key)
    if before is not None and before.at > forgotten:
        return before.id, before.seq
    recent = call.world.derived(Lines).recent(queue.account, call.region, row.id)
    for used, at in list(islice(recent.items(), 2)):
        if at <= forgotten and used in uses:
            del uses[used]
    seq = queue.put(message)
    uses[key] = Sent(message.id, seq, call.now)
    return message.id, seq


@sqs.operation(
    "SendMessage",
    resource=queue_arn,
    category="data",
    read_only=False,
    hide=("MessageBody", "MessageAttributes"),
)
def send_message(call: Call, request: api.SendMessageRequest) -> api.SendMessageResult:
    """Put one message into a queue."""
    queue = opened(call, request.queue_url)
    done = accept(queue, checked(queue, request))
    return api.SendMessageResult(
        message_id=done.id,
        md5_of_message_body=done.body_digest,
        md5_of_message_attributes=done.attributes_digest,
        md5_of_message_system_attributes=done.system_digest,
        sequence_number=done.sequence_number,
    )


# -- receiving -----------------------------------------------------------------------------


class Taken(NamedTuple):
    """A message that is given to a receiver."""

    seq: int
    message: Message
    receipt: Receipt


@sqs.operation(
    "ReceiveMessage",
    resource=queue_arn,
    category="data",
    read_only=False,
    hide=("Body", "MessageAttributes"),
)
def receive_message(call: Call, request: api.ReceiveMessageRequest) -> api.ReceiveMessageResult:
    """Take up to ten messages, and hide them from others for a while; wait for one if asked to."""
    queue = opened(call, request.queue_url)
    limit, visibility, wait = _asked(queue, request)
    system = [*(request.attribute_names or ()), *(request.message_system_attribute_names or ())]
    for name in system:
        if name not in SYSTEM_NAMES:
            raise unknown(name)
    attempt = request.receive_request_attempt_id
    if attempt is not None:
        _check_attempt(queue, attempt)
    queue.line.advance(call.now)
    taken = _again(queue, attempt, visibility) if attempt else []
    if not taken:
        taken, moved = _take(queue, limit, visibility)
        if not taken and not moved and call.http is not None and call.now < call.since + wait:
            due = queue.line.next_due()
            until = call.since + wait
            raise call.wait(queue.topic, until if due is None else min(until, due))
        if attempt and taken:
            given = tuple((t.seq, t.receipt.nonce, t.receipt.until) for t in taken)
            _remember(queue, attempt, given)
    if not taken:
        metering.count(queue, metering.empty)
        return api.ReceiveMessageResult()
    metering.count(queue, metering.received, times=len(taken))
    return api.ReceiveMessageResult(messages=[_shown(queue, one, request, system) for one in taken])


def _asked(queue: Opened, request: api.ReceiveMessageRequest) -> tuple[int, int, int]:
    """How many messages, hidden and waited for how many seconds."""
    limit = request.max_number_of_messages
    if limit is None:
        limit = 1
    elif not 1 <= limit <= 10:
        reason = "Must be between 1 and 10, if provided."
        raise bad_parameter(limit, "MaxNumberOfMessages", reason)
    visibility = request.visibility_timeout
    if visibility is None:
        visibility = queue.queue.visibility
    elif not 0 <= visibility <= VISIBILITY_MAX:
        reason = f"Must be >= 0 and <= {VISIBILITY_MAX}, if provided."
        raise bad_parameter(visibility, "VisibilityTimeout", reason)
    wait = request.wait_time_seconds
    if wait is None:
        wait = queue.queue.wait
    elif not 0 <= wait <= 20:
        reason = "Must be >= 0 and <= 20, if provided."
        raise bad_parameter(wait, "WaitTimeSeconds", reason)
    return limit, visibility, wait


def _take(queue: Opened, limit: int, visibility: int) -> tuple[list[Taken], bool]:
    """The next messages, and whether some went to the dead-letter queue instead.

    A call that moved some does not wait on: waiting would undo that.
    """
    row, call, store = queue.queue, queue.call, queue.queue.store
    if queue.line.flying + limit > IN_FLIGHT_MAX and queue.line.flying >= IN_FLIGHT_MAX:
        if row.fifo:
            return [], False
        raise AwsError(
            "OverLimit", f"The maximum number of in flight messages is reached: {IN_FLIGHT_MAX}."
        )
    dead_letters = _dead_letters(queue)
    born_after = call.now - row.retention
    blocked: set[str] = set()
    taken: list[Taken] = []
    moved = 0
    for seq in queue.line.candidates():
        message = queue.messages.get((store, seq))
        # The line knows committed rows only; this transaction may have changed them.
        if message is None or message.sent <= born_after:
            continue
        receipt = queue.receipts.get((store, seq))
        if receipt is not None and receipt.until > call.now:
            blocked.add(message.group)
            continue
        if row.fifo and message.group in blocked:
            continue
        received = receipt.receives - message.receives if receipt is not None else 0
        if dead_letters is not None and receipt is not None and received >= row.max_receives:
            _bury(queue, seq, message, receipt, dead_letters)
            moved += 1
            if moved == DEAD_LETTERS_AT_ONCE:
                return taken, True
            continue
        taken.append(_hide(queue, seq, message, receipt, visibility))
        if len(taken) == limit:
            break
    return taken, moved > 0


def _hide(
    queue: Opened, seq: int, message: Message, before: Receipt | None, visibility: int
) -> Taken:
    now = queue.call.now
    receipt = Receipt(
        until=now + visibility,
        nonce=queue.call.ids.hex(16),
        received=now,
        receives=(before.receives if before else message.receives) + 1,
        first=before.first if before else message.first or now,
    )
    queue.receipts[queue.queue.store, seq] = receipt
    return Taken(seq, message, receipt)


def _dead_letters(queue: Opened) -> Opened | None:
    """The dead-letter queue, if there is one."""
    arn = queue.queue.dead_letter_arn
    named = split_arn(arn) if arn else None
    return find(queue.call, named[1], named[2]) if named else None


def _bury(
    queue: Opened, seq: int, message: Message, receipt: Receipt, dead_letters: Opened
) -> None:
    """Move a message to the dead-letter queue. On FIFO queues its time of sending begins anew.

    Source: developer guide, "Using dead-letter queues in Amazon SQS".
    """
    queue.drop(seq)
    dead_letters.put(
        replace(
            message,
            visible=0.0,
            sent=queue.call.now if queue.queue.fifo else message.sent,
            source=queue.arn,
            receives=receipt.receives,
            first=receipt.first,
        )
    )


def _check_attempt(queue: Opened, attempt: str) -> None:
    if not queue.queue.fifo:
        raise bad_parameter(attempt, "ReceiveRequestAttemptId", NOT_FOR_KIND)
    rules.check_token("ReceiveRequestAttemptId", attempt)


def _again(queue: Opened, attempt: str, visibility: int) -> list[Taken]:
    """What an earlier call with this attempt id was given, if nothing of it has changed since."""
    call, store = queue.call, queue.queue.store
    rows = call.rows(attempts, queue.account)
    before = rows.get((store, attempt))
    if before is None or before.at <= call.now - rules.DEDUPLICATION_SECONDS:
        return []
    found = []
    for seq, nonce, until in before.given:
        message = queue.messages.get((store, seq))
        receipt = queue.receipts.get((store, seq))
        if message is None or receipt is None or receipt.nonce != nonce or receipt.until != until:
            return []
        if until <= call.now:
            return []
        found.append((seq, message, replace(receipt, until=call.now + visibility)))
    for seq, _, receipt in found:
        queue.receipts[store, seq] = receipt
    given = tuple((seq, receipt.nonce, receipt.until) for seq, _, receipt in found)
    rows[store, attempt] = Attempt(before.at, given)
    return [Taken(*one) for one in found]


def _remember(queue: Opened, attempt: str, given: tuple[tuple[int, str, float], ...]) -> None:
    call = queue.call
    key = (queue.queue.store, attempt)
    call.rows(attempts, queue.account)[key] = Attempt(call.now, given)
    due = call.now + rules.DEDUPLICATION_SECONDS
    call.timers.at(due, "sqs", "attempt", f"{key[0]}\n{attempt}", queue.account, call.region)


def _shown(
    queue: Opened, taken: Taken, request: api.ReceiveMessageRequest, asked: list[str]
) -> api.Message:
    seq, message, receipt = taken
    if message.wrapped:
        message = encrypting.opened(queue, message)
    shown = api.Message(
        message_id=message.id,
        receipt_handle=rules.encode_handle(queue.queue.store, seq, receipt.nonce),
        md5_of_body=rules.digest(message.body.encode("utf-8", "surrogatepass")),
        body=message.body,
    )
    if asked:
        shown.attributes = _system_attributes(queue, taken, asked) or None
    if message.attributes and request.message_attribute_names:
        given = rules.wanted(request.message_attribute_names, message.attributes)
        if given:
            shown.md5_of_message_attributes = rules.attributes_digest(given)
            shown.message_attributes = {
                name: api.MessageAttributeValue(
                    data_type=kind,
                    string_value=None if rules.is_binary(kind) else data.decode(),
                    binary_value=data if rules.is_binary(kind) else None,
                )
                for name, (kind, data) in given.items()
            }
    return shown


def _system_attributes(queue: Opened, taken: Taken, asked: Iterable[str]) -> dict[str, str]:
    seq, message, receipt = taken
    known = {
        "SenderId": message.sender,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(receipt.receives),
        "ApproximateFirstReceiveTimestamp": str(int(receipt.first * 1000)),
        "AWSTraceHeader": message.trace,
        "MessageGroupId": message.group,
        "DeadLetterQueueSourceArn": message.source,
    }
    if queue.queue.fifo:
        known["SequenceNumber"] = rules.sequence_number(seq)
        known["MessageDeduplicationId"] = message.deduplication
    every = "All" in asked
    return {name: value for name, value in known.items() if value and (every or name in asked)}


# -- what becomes of a received message ----------------------------------------------------

EXPIRED = "The receipt handle has expired."


def held(queue: Opened, text: str | None) -> tuple[rules.Handle, Message | None, Receipt | None]:
    """What a receipt handle stands for: no message when it is gone, or the handle is an old one."""
    if not text:
        raise rules.missing("ReceiptHandle")
    handle = rules.decode_handle(text)
    if handle.store.partition(".")[0] != queue.queue.id:
        raise AwsError(
            "ReceiptHandleIsInvalid", "The input receipt handle is not valid for this queue."
        )
    key = (handle.store, handle.seq)
    message, receipt = queue.messages.get(key), queue.receipts.get(key)
    if handle.store != queue.queue.store:
        return handle, None, None  # purged
    current = receipt is not None and receipt.nonce == handle.nonce
    ended = not current or receipt is None or receipt.until <= queue.call.now
    if queue.queue.fifo and message is not None and ended:
        raise bad_parameter(text, "ReceiptHandle", EXPIRED)
    return handle, message if current else None, receipt if current else None


def delete(queue: Opened, text: str | None) -> None:
    """Delete the message of a receipt handle; an old handle of a standard queue does nothing."""
    handle, message, _ = held(queue, text)
    metering.count(queue, metering.deleted)
    if message is not None:
        queue.drop(handle.seq)


@sqs.operation("DeleteMessage", resource=queue_arn, category="data", read_only=False)
def delete_message(call: Call, request: api.DeleteMessageRequest) -> None:
    """Delete one message."""
    delete(opened(call, request.queue_url), request.receipt_handle)


def change_visibility(queue: Opened, text: str | None, timeout: int | None) -> None:
    """Hide a received message for so many seconds from now; 0 gives it back."""
    call = queue.call
    if timeout is None:
        raise rules.missing("VisibilityTimeout")
    if not 0 <= timeout <= VISIBILITY_MAX:
        reason = f"Must be between 0 and {VISIBILITY_MAX}, if provided."
        raise bad_parameter(timeout, "VisibilityTimeout", reason)
    handle, message, receipt = held(queue, text)
    if message is None or receipt is None or receipt.until <= call.now:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise bad_parameter(text, "ReceiptHandle", reason)
    if call.now + timeout > receipt.received + VISIBILITY_MAX:
        raise bad_parameter(
            timeout,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit "
            f"[{VISIBILITY_MAX} seconds]",
        )
    queue.receipts[handle.store, handle.seq] = replace(receipt, until=call.now + timeout)
    call.notify(queue.topic)


@sqs.operation("ChangeMessageVisibility", resource=queue_arn, category="data", read_only=False)
def change_message_visibility(call: Call, request: api.ChangeMessageVisibilityRequest) -> None:
    """Change for how long a received message stays hidden."""
    change_visibility(
        opened(call, request.queue_url), request.receipt_handle, request.visibility_timeout
    )
