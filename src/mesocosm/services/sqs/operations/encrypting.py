"""Server-side encryption with a KMS key: bodies and attributes of messages, never their metadata.

A data key serves a sender or receiver for the queue's reuse period, then KMS is asked again. A
message stays as it was encrypted when it came, also in another queue. Source: SQS developer guide,
"Encryption at rest in Amazon SQS".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from mesocosm.call import encryption
from mesocosm.services.sqs.resources import Message
from mesocosm.services.sqs.rules.messages import Attribute

if TYPE_CHECKING:
    from mesocosm.services.sqs.operations.opened import Opened

CONTEXT = "aws:sqs:arn"
REUSE_SECONDS = 300
ERRORS = encryption.worded(
    {
        "AccessDeniedException": "KmsAccessDenied",
        "DisabledException": "KmsDisabled",
        "InvalidKeyUsageException": "KmsInvalidKeyUsage",
        "KMSInvalidStateException": "KmsInvalidState",
        "NotFoundException": "KmsNotFound",
        "InvalidArnException": "KmsNotFound",
    }
)

Plain = tuple[bytes, dict[str, Attribute] | None]


def _reuse(queue: Opened) -> float:
    return float(queue.queue.kms_reuse or REUSE_SECONDS)


def sealed(queue: Opened, message: Message) -> Message:
    """The message as its queue keeps it. The sender must be allowed to use the data key both ways.

    Raises KmsAccessDenied, KmsDisabled, KmsInvalidKeyUsage, KmsInvalidState, KmsNotFound.
    """
    context = {CONTEXT: queue.arn}
    made = encryption.data_key(
        queue.call,
        queue.queue.kms_key,
        context,
        errors=ERRORS,
        reuse=_reuse(queue),
        account=queue.account,
        verified=True,
    )
    plain: Plain = (message.body.encode("utf-8", "surrogatepass"), message.attributes)
    return replace(
        message,
        body="",
        attributes=None,
        sealed=encryption.lock(queue.call, made.plain, msgspec.msgpack.encode(plain), context),
        wrapped=made.wrapped,
        sealed_for=queue.arn,
    )


def opened(queue: Opened, message: Message) -> Message:
    """The message as it was sent, if the receiver may use its key."""
    context = {CONTEXT: message.sealed_for}
    key = encryption.unwrapped(
        queue.call, message.wrapped, context, errors=ERRORS, reuse=_reuse(queue)
    )
    data = encryption.unlock(key, message.sealed, context)
    body, attributes = msgspec.msgpack.decode(data, type=Plain)
    return replace(message, body=body.decode("utf-8", "surrogatepass"), attributes=attributes)
