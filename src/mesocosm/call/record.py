"""The record of one call: what the journal keeps, what CloudTrail shows, what `why` explains."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.call.redaction import Hidden, Redaction
from mesocosm.iam import Principal

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.service import Operation
    from mesocosm.wire.errors import AwsError

NAMESPACE = bytes.fromhex("6ba7b8109dad11d180b400c04fd430c8")
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
USER_AGENT_MAX = 1024
MEMBERS_MAX_BYTES = (
    100_000  # CloudTrail keeps at most 100 kB of requestParameters and responseElements
)


class Judgement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decision of a call, with what is needed to explain it later.

    `stack` and `resource_policy` are digests of documents kept in the table `call.documents`;
    `context` holds the condition keys that the policies read; `policy` and `statement` name what
    decided.
    """

    action: str
    resource: str
    account: str
    result: str
    by: str = ""
    stack: str = ""
    resource_texts: str = ""
    policy: str = ""
    context: dict[str, Any] = {}
    statement: str = ""


class CallRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call. Times are epoch seconds, `time` by the world's clock; `micros` is the time spent on
    the call.
    """

    request_id: str
    time: float
    service: str
    operation: str
    account: str
    region: str
    principal: Principal
    source_ip: str = ""
    user_agent: str = ""
    request: msgspec.Raw = msgspec.Raw(b"\xc0")
    response: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    message: str = ""
    status: int = 200
    read_only: bool = False
    category: str = "management"
    judgements: tuple[Judgement, ...] = ()
    micros: int = 0
    host: str = ""
    secure: bool = False
    event_type: str = "AwsApiCall"
    extra: dict[str, Any] = {}


def recorded(
    call: Call,
    operation: Operation,
    value: Any,
    result: Any,
    error: AwsError | None,
    hidden: Redaction,
    micros: int = 0,
    host: str = "",
) -> CallRecord:
    """The record of a call of an operation, as it ended."""
    code, message, status = "", "", 200
    if error is not None:
        code, message, status = error.code, error.message, error.status or 400
    return CallRecord(  # in the order of the members: every call makes one
        call.request_id,
        call.now,
        call.service.name,
        operation.name,
        call.account,
        call.location,
        call.principal,
        call.source_ip,
        call.user_agent[:USER_AGENT_MAX],
        members(value, hidden.request),
        members(result, hidden.response) if operation.answers and error is None else _NOTHING,
        code,
        message,
        status,
        operation.read_only,
        operation.category,
        tuple(call.judgements),
        micros,
        host,
        call.secure,
        "AwsApiCall",
        call.extra,
    )


class Document(msgspec.Struct, frozen=True):
    """A policy document or a stack of them, kept by digest so that an old decision can be
    explained. `used`: the journal's position when it was last marked as in use.
    """

    text: str
    used: int = 0


def _unencodable(_: Any) -> None:
    """Streams and bodies are never recorded."""


_NOTHING = msgspec.Raw(b"\xc0")
_encoder = msgspec.msgpack.Encoder(enc_hook=_unencodable)
_records = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[CallRecord, ...])


def event_id(request_id: str, recipient: str) -> str:
    """The id of a call's CloudTrail event as an account receives it: the same wherever the event is
    shown (a UUID of version 5, RFC 9562)."""
    name = f"{request_id}/{recipient}".encode()
    digest = bytearray(hashlib.sha1(NAMESPACE + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def encode(records: list[CallRecord]) -> bytes:
    """The records of one journal frame (a call and those it made in turn)."""
    return _records.encode(records)


def decode(data: bytes) -> tuple[CallRecord, ...]:
    """The records of one journal frame."""
    return _decoder.decode(data)


def members(value: Any, hidden: Hidden) -> msgspec.Raw:
    """The members of a request or an answer by their wire names, without what must not be kept."""
    if value is None:
        return _NOTHING
    if hidden.attributes and (present := hidden.present(value)):
        value = value.__copy__()
        for name in present:
            setattr(value, name, HIDDEN)
    data = _encoder.encode(value)
    if hidden.below:
        plain = msgspec.msgpack.decode(data)
        _scrub(plain, hidden.below)
        data = msgspec.msgpack.encode(plain)
    if len(data) > MEMBERS_MAX_BYTES:
        data = msgspec.msgpack.encode({"omitted": True, "originalSize": len(data)})
    return msgspec.Raw(data)


def _scrub(value: Any, hide: frozenset[str]) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            if key in hide and member is not None:
                value[key] = HIDDEN
            else:
                _scrub(member, hide)
    elif isinstance(value, list):
        for member in value:
            _scrub(member, hide)
