"""Messages: what may be published, and how it is shown to subscribers.

Sources: Amazon SNS API reference, Publish and PublishBatch; developer guide, "Amazon SNS message
attributes", "Parsing message formats".
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from mesocosm.services.sns.rules.errors import bad_value, invalid
from mesocosm.services.sns.rules.filters import Attribute
from mesocosm.wire.errors import AwsError

SIZE_DEFAULT = 262_144
SUBJECT_MAX = 100
BATCH_MAX = 10
DEDUPLICATION_SECONDS = 300.0

_KIND = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_\-.]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TOKEN = re.compile(r"[a-zA-Z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}", re.ASCII)
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AttributeValue(Protocol):
    """A message attribute as a client sends it."""

    @property
    def data_type(self) -> str | None: ...
    @property
    def string_value(self) -> str | None: ...
    @property
    def binary_value(self) -> bytes | None: ...


# -- what may be published -----------------------------------------------------------------


def attributes_of(given: Mapping[str, AttributeValue] | None) -> dict[str, Attribute]:
    """The message attributes as they are kept. Raises ParameterValueInvalid."""
    return {name: _attribute(name, value) for name, value in given.items()} if given else {}


def _attribute(name: str, value: AttributeValue) -> Attribute:
    _check_name(name)
    kind = value.data_type
    if not kind:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value null at "
            f"'messageAttributes.{name}.member.dataType' failed to satisfy constraint: Member "
            "must not be null",
        )
    if not _KIND.fullmatch(kind) or len(kind) > 256:
        raise bad_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    binary = kind.startswith("Binary")
    held: str | bytes | None = value.binary_value if binary else value.string_value
    other = value.string_value if binary else value.binary_value
    if held is None and other is not None:
        wanted = "Binary" if binary else "String"
        raise bad_value(
            f"The message attribute '{name}' with type '{kind}' must use field '{wanted}'."
        )
    if not held:
        raise bad_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{kind}'."
        )
    if kind.partition(".")[0] == "Number" and not _NUMBER.fullmatch(str(held)):
        raise bad_value(f"Could not cast message attribute '{name}' value to number.")
    return kind, held if isinstance(held, bytes) else held.encode("utf-8", "surrogatepass")


def _check_name(name: str) -> None:
    if len(name) > 256:
        raise bad_value("Length of message attribute name must be less than 256 bytes.")
    if not _NAME.fullmatch(name):
        odd = next((letter for letter in name if not _NAME.fullmatch(letter)), "")
        raise bad_value(
            f"Invalid non-alphanumeric character '#x{ord(odd):X}' was found in the message "
            "attribute name. Can only include alphanumeric characters, hyphens, underscores, or "
            "dots."
            if odd
            else "Message attribute name must not be empty."
        )
    if name.startswith("."):
        raise bad_value("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise bad_value("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise bad_value("Message attribute name can not have successive '.' character.")
    if name.lower().startswith(("aws.", "amazon.")):
        raise bad_value(
            f"Message attribute name '{name}' can not start with AWS-reserved prefixes AWS. or "
            "Amazon."
        )


def is_binary(kind: str) -> bool:
    """Whether an attribute of this data type holds bytes, not text."""
    return kind.startswith("Binary")


def size(message: str, attributes: Mapping[str, Attribute]) -> int:
    """The bytes of a message with its attributes: names, types and values."""
    total = len(message.encode("utf-8", "surrogatepass"))
    for name, (kind, value) in attributes.items():
        total += len(name) + len(kind.encode()) + len(value)
    return total


def check_subject(subject: str | None) -> None:
    """Less than 100 characters of one line, beginning with none that is a space or control."""
    if subject is None:
        return
    if not 0 < len(subject) <= SUBJECT_MAX or _CONTROL.search(subject) or subject[0].isspace():
        raise invalid("Subject")


def structure(message: str, kind: str | None) -> dict[str, str] | None:
    """The texts by protocol of a message of structure json; None for a plain one."""
    if not kind:
        return None
    if kind != "json":
        raise invalid("MessageStructure")
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        raise invalid("Message Structure - JSON message body failed to parse") from None
    if not isinstance(read, dict):
        raise invalid("Message Structure - JSON message body failed to parse")
    if not isinstance(read.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return {name: text for name, text in read.items() if isinstance(text, str)}


def check_fifo_ids(fifo: bool, content: bool, group: str | None, deduplication: str | None) -> None:
    """The group and the deduplication id that a topic of this kind takes. On standard topics a
    group is only handed on (fair queues).
    """
    if not fifo:
        if deduplication is not None:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId "
                "parameter that is not valid for this topic type"
            )
    elif group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    elif deduplication is None and not content:
        raise invalid(
            "The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication)):
        if value is not None and not _TOKEN.fullmatch(value):
            raise invalid(
                f"{name} Reason: The {name} can only include alphanumeric and punctuation "
                "characters. 1 to 128 in length"
            )


class Entry(Protocol):
    """An entry of a batch."""

    @property
    def id(self) -> str | None: ...


def check_batch(entries: Sequence[Entry]) -> None:
    """Refuse a batch as a whole: none or too many entries, ids of a wrong form or twice."""
    if not entries:
        raise AwsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > BATCH_MAX:
        raise AwsError(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        )
    names = [entry.id or "" for entry in entries]
    if len(set(names)) < len(names):
        raise AwsError(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        )
    if not all(_ENTRY_ID.fullmatch(name) for name in names):
        raise AwsError(
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )


# -- what subscribers see ------------------------------------------------------------------


def instant(seconds: float) -> str:
    """Epoch seconds as `1970-01-01T00:00:00.000Z`."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=16)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


# Made once: `json.dumps` makes an encoder each time.
_json = json.JSONEncoder(ensure_ascii=False).encode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def document(members: Mapping[str, Any]) -> str:
    """A JSON document in the layout SNS gives its messages."""
    lines = [f'  "{name}" : {_value(value)}' for name, value in members.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def opening(members: Mapping[str, Any]) -> str:
    """The beginning of such a document, to be followed by `closing`."""
    return "{\n" + "".join(f'  "{name}" : {_value(value)},\n' for name, value in members.items())


def closing(members: Mapping[str, Any]) -> str:
    """The rest of a document that `opening` began."""
    return ",\n".join(f'  "{name}" : {_value(value)}' for name, value in members.items()) + "\n}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = (f'    "{name}" : {_compact(one)}' for name, one in value.items())
        return "{\n" + ",\n".join(inner) + "\n  }"
    return _json(value)


def shown(attributes: Mapping[str, Attribute]) -> dict[str, dict[str, str]]:
    """Message attributes as a notification shows them."""
    return {
        name: {
            "Type": kind,
            "Value": base64.b64encode(value).decode() if is_binary(kind) else value.decode(),
        }
        for name, (kind, value) in attributes.items()
    }


def to_sign(kind: str, members: Mapping[str, Any]) -> bytes:
    """The text that is signed: names and values, each on a line, in the order AWS says.

    Source: developer guide, "Verifying the signatures of Amazon SNS messages".
    """
    names = (
        ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        if kind == "Notification"
        else ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    )
    return "".join(
        f"{name}\n{members[name]}\n" for name in names if members.get(name) is not None
    ).encode("utf-8", "surrogatepass")
