"""Messages: what may be sent, how large it is, and the digests clients check.

Source: Amazon SQS API reference, SendMessage; developer guide, "Amazon SQS message metadata".
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5, sha256
from struct import pack
from typing import NamedTuple, Protocol, TypeAlias

from mesocosm.services.sqs.rules.attributes import bad_parameter
from mesocosm.wire.errors import AwsError

ATTRIBUTES_MAX = 10
BATCH_MAX_BYTES = 1_048_576
BATCH_MAX_ENTRIES = 10
DEDUPLICATION_SECONDS = 300

_ALLOWED = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
_ALLOWED_ASCII = bytes([9, 10, 13, *range(0x20, 0x80)])
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOKEN = re.compile(r"[a-zA-Z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}", re.ASCII)
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_\-.]{1,256}", re.ASCII)
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Attribute: TypeAlias = tuple[str, bytes]
"""The data type of a message attribute, and its value (text in UTF-8)."""


class AttributeValue(Protocol):
    """A message attribute as a client sends it."""

    @property
    def data_type(self) -> str | None: ...
    @property
    def string_value(self) -> str | None: ...
    @property
    def binary_value(self) -> bytes | None: ...
    @property
    def string_list_values(self) -> list[str] | None: ...
    @property
    def binary_list_values(self) -> list[bytes] | None: ...


class Entry(Protocol):
    """An entry of a batch."""

    @property
    def id(self) -> str | None: ...


def invalid(message: str) -> AwsError:
    """A parameter that does not hold."""
    return AwsError("InvalidParameterValue", message)


def missing(name: str) -> AwsError:
    """A parameter that is required here."""
    return AwsError("MissingParameter", f"The request must contain the parameter {name}.")


def digest(data: bytes) -> str:
    """MD5, in hex."""
    return md5(data, usedforsecurity=False).hexdigest()


def check_text(text: str) -> None:
    """Refuse characters that XML cannot hold."""
    # The search is for what is neither ASCII nor printable, as it costs much.
    if text.isascii():
        if not text.encode().translate(None, _ALLOWED_ASCII):
            return
    elif text.isprintable() or text.replace("\n", " ").isprintable():
        return
    if _FORBIDDEN.search(text):
        raise AwsError(
            "InvalidMessageContents",
            f"Invalid characters found. Valid unicode characters are {_ALLOWED}",
        )


def check_token(name: str, value: str) -> None:
    """Refuse a group, deduplication or attempt id of a wrong form."""
    if not _TOKEN.fullmatch(value):
        reason = (
            f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        )
        raise bad_parameter(value, name, reason)


# -- message attributes --------------------------------------------------------------------


def attributes_of(given: Mapping[str, AttributeValue] | None) -> dict[str, Attribute] | None:
    """The message attributes as they are kept; raises what AWS would."""
    if not given:
        return None
    if len(given) > ATTRIBUTES_MAX:
        raise invalid(
            f"Number of message attributes [{len(given)}] exceeds the allowed maximum "
            f"[{ATTRIBUTES_MAX}]."
        )
    return {name: _attribute(name, value) for name, value in given.items()}


def _attribute(name: str, value: AttributeValue) -> Attribute:
    _check_attribute_name(name)
    kind = value.data_type
    if not kind:
        raise invalid(
            f"The message attribute '{name}' must contain non-empty message attribute type."
        )
    family = kind.partition(".")[0]
    if family not in ("String", "Number", "Binary") or len(kind) > 256:
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    if value.string_list_values or value.binary_list_values:
        raise invalid("Message attribute list values in SendMessage operation are not supported.")
    held: str | bytes | None = value.binary_value if family == "Binary" else value.string_value
    other = value.string_value if family == "Binary" else value.binary_value
    if other is not None and held is None:
        wanted = "binary" if family == "Binary" else "string"
        raise invalid(
            f"The message attribute '{name}' with type '{kind}' must use field "
            f"'{wanted.capitalize()}'."
        )
    if not held:
        raise invalid(
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{family}'."
        )
    if isinstance(held, bytes):
        return kind, held
    check_text(held)
    if family == "Number" and not _NUMBER.fullmatch(held):
        raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return kind, held.encode()


def _check_attribute_name(name: str) -> None:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        raise invalid(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, "
            "0-9, underscore (_), hyphen (-), and period (.) characters."
        )
    if name.startswith(".") or name.endswith(".") or ".." in name:
        raise invalid(
            f"The message attribute name '{name}' is invalid. Attribute name can not start or end "
            "with a period (.), and can not have periods in succession (..)."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise invalid(
            f"The message attribute name '{name}' is invalid. Attribute name can not start with "
            "AWS-reserved prefixes AWS. or Amazon."
        )


def is_binary(kind: str) -> bool:
    """Whether an attribute of this data type holds bytes, not text."""
    return kind.startswith("Binary")


def trace_of(given: Mapping[str, AttributeValue] | None) -> str:
    """The X-Ray trace header among the message system attributes; "" when there is none."""
    if not given:
        return ""
    for name, value in given.items():
        if name != "AWSTraceHeader":
            raise invalid(f"Message system attribute name '{name}' is invalid.")
        if value.data_type != "String":
            raise invalid(f"The message system attribute '{name}' must have the type 'String'.")
        if not value.string_value:
            raise invalid(
                f"The message system attribute '{name}' must contain non-empty message attribute "
                "value for message attribute type 'String'."
            )
        check_text(value.string_value)
    return given["AWSTraceHeader"].string_value or ""


def attributes_digest(attributes: Mapping[str, Attribute]) -> str:
    """The MD5 of message attributes: name, type and value with their lengths, by name."""
    parts: list[bytes] = []
    for name in sorted(attributes):
        kind, data = attributes[name]
        for part in (name.encode(), kind.encode()):
            parts += (pack(">I", len(part)), part)
        parts += (b"\x02" if is_binary(kind) else b"\x01", pack(">I", len(data)), data)
    return digest(b"".join(parts))


def attributes_size(attributes: Mapping[str, Attribute] | None) -> int:
    """Bytes of names, types and values."""
    held = (attributes or {}).items()
    return sum(len(name.encode()) + len(kind.encode()) + len(data) for name, (kind, data) in held)


def wanted(names: Iterable[str], attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """The message attributes a receiver asked for: by name, `All`, `.*`, or `prefix.*`."""
    names = list(names)
    if "All" in names or ".*" in names:
        return dict(attributes)
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {
        k: v for k, v in attributes.items() if k in names or (prefixes and k.startswith(prefixes))
    }


# -- FIFO ----------------------------------------------------------------------------------


def content_id(body: bytes) -> str:
    """The deduplication id that follows from a body."""
    return sha256(body).hexdigest()


def sequence_number(seq: int) -> str:
    """A sequence number as clients see it: 20 digits, growing."""
    return str(18_000_000_000_000_000_000 + seq)


# -- receipt handles -----------------------------------------------------------------------


class Handle(NamedTuple):
    """What a receipt handle stands for: one receiving of one message."""

    store: str
    seq: int
    nonce: str


def encode_handle(store: str, seq: int, nonce: str) -> str:
    """A receipt handle, opaque to clients."""
    return "AQEB" + urlsafe_b64encode(f"{store}:{seq}:{nonce}".encode()).decode()


def decode_handle(text: str) -> Handle:
    """What a receipt handle stands for; raises ReceiptHandleIsInvalid."""
    try:
        if not text.startswith("AQEB"):
            raise ValueError
        store, seq, nonce = urlsafe_b64decode(text[4:].encode("ascii")).decode("ascii").split(":")
        return Handle(store, int(seq), nonce)
    except (ValueError, BinasciiError):
        raise AwsError(
            "ReceiptHandleIsInvalid",
            f'The input receipt handle "{text}" is not a valid receipt handle.',
        ) from None


# -- batches -------------------------------------------------------------------------------


def check_batch(kind: str, entries: Sequence[Entry] | None) -> None:
    """Refuse a batch as a whole: none or too many entries, ids of a wrong form or twice."""
    if not entries:
        raise AwsError(
            "EmptyBatchRequest", f"There should be at least one {kind}RequestEntry in the request."
        )
    if len(entries) > BATCH_MAX_ENTRIES:
        raise AwsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {BATCH_MAX_ENTRIES}. "
            f"You have sent {len(entries)}.",
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.id or ""
        if not _ENTRY_ID.fullmatch(name):
            raise AwsError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and "
                "underscores. It can be at most 80 letters long.",
            )
        if name in seen:
            raise AwsError("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
        seen.add(name)
