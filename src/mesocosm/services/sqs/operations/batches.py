"""Ten at a time: each entry succeeds or fails by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mesocosm.api import sqs as api
from mesocosm.call.call import Call
from mesocosm.services.sqs import sqs
from mesocosm.services.sqs.operations.messages import (
    Checked,
    accept,
    change_visibility,
    checked,
    delete,
)
from mesocosm.services.sqs.operations.opened import opened, queue_arn
from mesocosm.services.sqs.rules import messages as rules
from mesocosm.wire.errors import AwsError

E = TypeVar("E", bound=rules.Entry)
R = TypeVar("R")

Failures = list[api.BatchResultErrorEntry]


def each(entries: list[E], function: Callable[[E], R]) -> tuple[list[tuple[E, R]], Failures]:
    """What became of each entry. A function that raises has changed nothing."""
    done: list[tuple[E, R]] = []
    failed: Failures = []
    for entry in entries:
        try:
            done.append((entry, function(entry)))
        except AwsError as error:
            failed.append(
                api.BatchResultErrorEntry(
                    id=entry.id, sender_fault=True, code=error.code, message=error.message
                )
            )
    return done, failed


@sqs.operation(
    "SendMessageBatch",
    action="sqs:SendMessage",
    resource=queue_arn,
    category="data",
    read_only=False,
    hide=("MessageBody", "MessageAttributes"),
)
def send_message_batch(
    call: Call, request: api.SendMessageBatchRequest
) -> api.SendMessageBatchResult:
    """Put up to ten messages into a queue."""
    queue = opened(call, request.queue_url)
    rules.check_batch("SendMessageBatch", request.entries)
    fit, failed = each(request.entries, lambda entry: checked(queue, entry))
    _check_size(request.entries)
    done: list[tuple[api.SendMessageBatchRequestEntry, Checked]] = fit
    accepted = [(entry, accept(queue, message)) for entry, message in done]
    return api.SendMessageBatchResult(
        successful=[
            api.SendMessageBatchResultEntry(
                id=entry.id,
                message_id=made.id,
                md5_of_message_body=made.body_digest,
                md5_of_message_attributes=made.attributes_digest,
                md5_of_message_system_attributes=made.system_digest,
                sequence_number=made.sequence_number,
            )
            for entry, made in accepted
        ],
        failed=failed or None,
    )


def _check_size(entries: list[api.SendMessageBatchRequestEntry]) -> None:
    size = 0
    for entry in entries:
        size += len((entry.message_body or "").encode("utf-8", "surrogatepass"))
        for name, value in (entry.message_attributes or {}).items():
            size += len(name.encode()) + len((value.data_type or "").encode())
            size += len((value.string_value or "").encode()) + len(value.binary_value or b"")
    if size > rules.BATCH_MAX_BYTES:
        raise AwsError(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {rules.BATCH_MAX_BYTES} bytes. "
            f"You have sent {size} bytes.",
        )


@sqs.operation(
    "DeleteMessageBatch",
    action="sqs:DeleteMessage",
    resource=queue_arn,
    category="data",
    read_only=False,
)
def delete_message_batch(
    call: Call, request: api.DeleteMessageBatchRequest
) -> api.DeleteMessageBatchResult:
    """Delete up to ten messages."""
    queue = opened(call, request.queue_url)
    rules.check_batch("DeleteMessageBatch", request.entries)
    done, failed = each(request.entries, lambda entry: delete(queue, entry.receipt_handle))
    return api.DeleteMessageBatchResult(
        successful=[api.DeleteMessageBatchResultEntry(id=entry.id) for entry, _ in done],
        failed=failed or None,
    )


@sqs.operation(
    "ChangeMessageVisibilityBatch",
    action="sqs:ChangeMessageVisibility",
    resource=queue_arn,
    category="data",
    read_only=False,
)
def change_message_visibility_batch(
    call: Call, request: api.ChangeMessageVisibilityBatchRequest
) -> api.ChangeMessageVisibilityBatchResult:
    """Change how long up to ten messages stay hidden."""
    queue = opened(call, request.queue_url)
    rules.check_batch("ChangeMessageVisibilityBatch", request.entries)
    done, failed = each(
        request.entries,
        lambda entry: change_visibility(queue, entry.receipt_handle, entry.visibility_timeout),
    )
    return api.ChangeMessageVisibilityBatchResult(
        successful=[api.ChangeMessageVisibilityBatchResultEntry(id=entry.id) for entry, _ in done],
        failed=failed or None,
    )
