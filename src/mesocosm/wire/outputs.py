"""From Structs to answers: one writer per operation and protocol, made at the operation's first
answer.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from mesocosm.wire import eventstream, models
from mesocosm.wire.dialects import Dialect, of
from mesocosm.wire.message import Events, Response, Stream
from mesocosm.wire.models import Operation, Service, Shape
from mesocosm.wire.names import attributes
from mesocosm.wire.plain import PlainWriters, write_encoded
from mesocosm.wire.rest import HeaderItems, RestOutput
from mesocosm.wire.types import structs
from mesocosm.wire.xmlout import XmlWriters

Answer = Callable[[Any, str], Response]
Encode = Callable[[Any], bytes]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_ENCODE_JSON = msgspec.json.Encoder().encode


def host_id(request_id: str) -> str:
    """S3's second request id, `x-amz-id-2`: here a function of the first."""
    return base64.b64encode(hashlib.sha384(request_id.encode()).digest()).decode("ascii")


def request_headers(service: Service, protocol: str, request_id: str) -> HeaderItems:
    """The header fields that carry the request id."""
    if of(service.name).bare_errors:
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]
    found = [("x-amzn-requestid", request_id)]
    if protocol == models.CBOR:
        found.append(("smithy-protocol", "rpc-v2-cbor"))
    return found


def content_type(service: Service, protocol: str) -> str:
    """The media type of a document in a protocol."""
    if protocol == models.JSON:
        return f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
    if protocol == models.REST_XML and of(service.name).bare_errors:
        return "application/xml"
    return _CONTENT_TYPES[protocol]


_CONTENT_TYPES = {
    models.QUERY: "text/xml",
    models.EC2: "text/xml;charset=UTF-8",
    models.REST_JSON: "application/json",
    models.REST_XML: "text/xml",
    models.CBOR: "application/cbor",
}


def writer(operation: Operation, protocol: str) -> Answer:
    """The function from the Struct of the operation's output, and a request id, to the response."""
    if protocol in (models.QUERY, models.EC2):
        return _enveloped(operation, protocol)
    if protocol in (models.JSON, models.CBOR):
        return _document(operation, protocol)
    return _rest(operation, protocol)


@cache
def _xml(service: str, protocol: str) -> XmlWriters:
    return XmlWriters(protocol, of(service))


@cache
def plain_writers(service: str, protocol: str) -> PlainWriters:
    """The writers to plain values of a service."""
    return PlainWriters(structs(service), protocol)


def _enveloped(operation: Operation, protocol: str) -> Answer:
    """The query protocol and EC2: the result inside an envelope with the request id."""
    service, name = operation.service, operation.name
    namespace = service.metadata.get("xmlNamespace") or of(service.name).namespace or ""
    kind = content_type(service, protocol)
    shape = operation.output_shape
    write = _xml(service.name, protocol).structure(shape) if shape is not None else None
    if protocol == models.EC2:
        namespace = namespace if namespace.endswith("/") else f"{namespace}/"
        head = f'{DECLARATION}<{name}Response xmlns="{namespace}"><requestId>'
        middle, foot = "</requestId>", f"</{name}Response>"
    else:
        head = f'<{name}Response xmlns="{namespace}">'
        result = operation.raw.get("output", {}).get("resultWrapper", f"{name}Result")
        middle = f"<{result}>" if shape is not None else ""
        foot = f"</{result}>" if shape is not None else ""
    ec2 = protocol == models.EC2
    tail = f"</ResponseMetadata></{name}Response>"

    def answer(value: Any, request_id: str) -> Response:
        parts = [head, request_id, middle] if ec2 else [head, middle]
        if write is not None and value is not None:
            write(value, parts.append)
        parts.append(foot)
        if not ec2:
            parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId>{tail}")
        headers = [("x-amzn-requestid", request_id), ("content-type", kind)]
        return Response(200, headers, "".join(parts).encode())

    return answer


def _document(operation: Operation, protocol: str) -> Answer:
    """JSON and CBOR: the body is the result."""
    shape = operation.output_shape
    kind = content_type(operation.service, protocol)
    if shape is not None and eventstream.member_of(shape) is not None:
        return _streamed(operation, shape, protocol)
    encode = encoder(operation.service.name, shape, protocol) if shape is not None else None
    service = operation.service

    def answer(value: Any, request_id: str) -> Response:
        body = b""
        if encode is not None:
            body = (
                encode(value)
                if value is not None
                else (b"\xa0" if protocol == models.CBOR else b"{}")
            )
        headers = request_headers(service, protocol, request_id)
        headers.append(("content-type", kind))
        return Response(200, headers, body)

    return answer


def _streamed(operation: Operation, shape: Shape, protocol: str) -> Answer:
    """JSON and CBOR with an event stream: the rest of the result is its first message."""
    service = operation.service
    found = eventstream.member_of(shape)
    assert found is not None
    name, union = found
    attr = attributes(shape.members)[name]
    attrs = attributes(union.members)
    kind = "application/cbor" if protocol == models.CBOR else "application/json"
    empty = b"\xa0" if protocol == models.CBOR else b"{}"

    def encode(member: Shape) -> Encode:
        return encoder(service.name, member, protocol)

    def answer(value: Any, request_id: str) -> Response:
        given = getattr(value, attr)
        assert isinstance(given, Events)
        messages = eventstream.messages(given.values, union, encode, attrs, kind, empty)
        headers = request_headers(service, protocol, request_id)
        headers.append(("content-type", eventstream.MEDIA_TYPE))
        return Response(200, headers, Stream(messages, None))

    return answer


def encoder(service: str, shape: Shape, protocol: str) -> Encode:
    """The function from a Struct to a JSON or CBOR body."""
    plain = plain_writers(service, protocol)
    if protocol == models.CBOR:
        import cbor2

        if plain.needed(shape):
            write = plain.structure(shape)
            return lambda value: cbor2.dumps(write(value), default=write_encoded)
        return lambda value: cbor2.dumps(msgspec.to_builtins(value, builtin_types=(bytes,)))
    if plain.needed(shape):
        write = plain.structure(shape)
        return lambda value: _ENCODE_JSON(write(value))
    return _ENCODE_JSON


def _rest(operation: Operation, protocol: str) -> Answer:
    service, shape, status = operation.service, operation.output_shape, operation.status
    if shape is None:
        return lambda value, request_id: Response(
            status, request_headers(service, protocol, request_id)
        )
    bound = RestOutput(shape)
    body = _rest_body(operation, shape, protocol)
    make = structs(service.name).struct(shape.name)
    empties = (b"", b"{}")

    def answer(value: Any, request_id: str) -> Response:
        if value is None:
            value = make()
        found = bound.status(value, status)
        headers = request_headers(service, protocol, request_id)
        headers += bound.headers(value)
        if found == 304:
            return Response(found, headers)
        content, kind = body(value)
        if found == 204:
            # Some models promise both 204 and content, which HTTP does not allow.
            if content in empties:
                return Response(found, headers)
            found = 200
        if kind is not None and not bound.typed(value):
            headers.append(("content-type", kind))
        return Response(found, headers, content)

    return answer


def _rest_body(
    operation: Operation, shape: Shape, protocol: str
) -> Callable[[Any], tuple[bytes | Stream, str | None]]:
    """The function from a result to the body and its media type (None without a body)."""
    payload = shape.get("payload")
    members = shape.members
    if payload is not None:
        return _payload_body(operation, shape, protocol)
    if all(member.get("location") for member in members.values()):
        empty: tuple[bytes | Stream, str | None] = (b"", None)
        if protocol == models.REST_JSON and not members:
            empty = (b"{}", "application/json")
        return lambda value: empty
    kind = content_type(operation.service, protocol)
    if protocol == models.REST_JSON:
        encode = encoder(operation.service.name, shape, protocol)
        return lambda value: (encode(value), kind)
    dialect = of(operation.service.name)
    root = dialect.roots.get(operation.name) or shape.get("locationName") or shape.name
    if operation.name in dialect.single:
        return _single(operation, shape, dialect, root, kind)
    xml = _xml_encoder(operation.service, shape, root)
    return lambda value: (xml(value), kind)


def _single(
    operation: Operation, shape: Shape, dialect: Dialect, root: str, kind: str
) -> Callable[[Any], tuple[bytes | Stream, str | None]]:
    """An answer whose root element is its only member (GetBucketLocation)."""
    (attr,) = attributes(shape.members).values()
    inner = _xml(operation.service.name, models.REST_XML).structure(shape)

    def write(value: Any) -> tuple[bytes | Stream, str | None]:
        parts: list[str] = []
        if getattr(value, attr) is not None:
            inner(value, parts.append)
        text = "".join(parts).partition(">")[2] or f"</{root}>"
        return f'{DECLARATION}<{root} xmlns="{dialect.namespace}">{text}'.encode(), kind

    return write


def _xml_encoder(service: Service, shape: Shape, root: str) -> Encode:
    write = _xml(service.name, models.REST_XML).structure(shape)
    found = shape.get("xmlNamespace")
    namespace = found["uri"] if isinstance(found, dict) and not found.get("prefix") else found
    if not isinstance(namespace, str):
        namespace = service.metadata.get("xmlNamespace") or of(service.name).namespace
    mark = f' xmlns="{namespace}"' if namespace else ""

    def encode(value: Any) -> bytes:
        parts = [DECLARATION, f"<{root}{mark}>"]
        write(value, parts.append)
        parts.append(f"</{root}>")
        return "".join(parts).encode()

    return encode


def _payload_body(
    operation: Operation, shape: Shape, protocol: str
) -> Callable[[Any], tuple[bytes | Stream, str | None]]:
    name = shape.get("payload")
    member = shape.members[name]
    attr = attributes(shape.members)[name]
    if member.get("eventstream"):
        return lambda value: (getattr(value, attr) or b"", "application/vnd.amazon.eventstream")
    if member.type in ("blob", "string") and not member.document:
        kind = "application/octet-stream" if member.type == "blob" else "text/plain"

        def raw(value: Any) -> tuple[bytes | Stream, str | None]:
            found = getattr(value, attr)
            if found is None:
                return b"", None
            return (found.encode() if isinstance(found, str) else found), kind

        return raw
    kind = content_type(operation.service, protocol)
    encode: Encode = _ENCODE_JSON
    if protocol == models.REST_XML:
        encode = _xml_encoder(operation.service, member, member.get("locationName") or member.name)
    elif member.type == "structure" and not member.document:
        encode = encoder(operation.service.name, member, protocol)

    def document(value: Any) -> tuple[bytes | Stream, str | None]:
        found = getattr(value, attr)
        return (b"", None) if found is None else (encode(found), kind)

    return document
