"""Messages on a topic with a KMS key: encrypted while they wait, with the publisher's permission.

Source: developer guide, "Securing Amazon SNS data with server-side encryption". Body and texts are
encrypted; subject, attributes and ids are not. A data key serves a publisher for five minutes.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.services.sns.control.sending import REUSE_SECONDS, about, plain_texts
from mesocosm.services.sns.operations.opened import OpenTopic
from mesocosm.services.sns.resources import Message
from mesocosm.world import World

ERRORS = encryption.worded(
    {
        "AccessDeniedException": "KMSAccessDenied",
        "DisabledException": "KMSDisabled",
        "InvalidKeyUsageException": "KMSInvalidState",
        "KMSInvalidStateException": "KMSInvalidState",
        "NotFoundException": "KMSNotFound",
    }
)


class Proven:
    """The data keys whose publishers have shown that they may decrypt, too."""

    def __init__(self, _: World) -> None:
        self.keys: set[tuple[str, bytes]] = set()


def unencrypted(message: Message) -> Message:
    """As it is: the topic has no key."""
    return message


class Lock:
    """Encrypts the messages of one call. Raises KMSAccessDenied, KMSDisabled and their like."""

    def __init__(self, call: Call, topic: OpenTopic) -> None:
        self._call = call
        self._about = about(topic.arn)
        self._key = encryption.data_key(
            call, topic.row.kms_key, self._about, errors=ERRORS, reuse=REUSE_SECONDS
        )
        proven = call.world.derived(Proven).keys
        name = (call.principal.arn, self._key.wrapped)
        if name not in proven:
            encryption.unwrapped(call, self._key.wrapped, self._about, errors=ERRORS)
            proven.add(name)
        principal = call.principal
        self._sender = replace(
            principal,
            invoked_by=call.service.source,
            called_via=(*principal.called_via, call.service.source),
        )

    def __call__(self, message: Message) -> Message:
        """The message with its texts encrypted."""
        data = encryption.lock(self._call, self._key.plain, plain_texts(message), self._about)
        return replace(
            message,
            body="",
            texts=None,
            sealed=encryption.Sealed(self._key.key, self._key.wrapped, data),
            sender=self._sender,
        )
