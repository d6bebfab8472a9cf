"""From requests to Structs: one parser per operation and protocol, made at the operation's first
call.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from mesocosm.wire import models
from mesocosm.wire.compression import unpacked
from mesocosm.wire.dialects import of
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Request
from mesocosm.wire.models import Operation, Shape
from mesocosm.wire.names import attributes
from mesocosm.wire.plain import Fixers
from mesocosm.wire.readers import Malformed, QueryReaders, XmlReaders, document
from mesocosm.wire.rest import RestInput
from mesocosm.wire.routing import Route
from mesocosm.wire.types import Empty, structs

Parse = Callable[[Request, Route], Any]

_RESERVED = frozenset({"Action", "Version"})


def parser(operation: Operation, protocol: str) -> Parse:
    """The function from a request to the Struct of the operation's input."""
    shape = operation.input_shape
    if shape is None:
        return lambda request, route: Empty()
    if protocol in (models.QUERY, models.EC2):
        return _form(operation, shape, protocol)
    if protocol == models.JSON:
        decode = json_decoder(operation.service.name, shape)
        if operation.compressed:
            return lambda request, route: decode(unpacked(request) or b"{}")
        return lambda request, route: decode(request.body.read() or b"{}")
    if protocol == models.CBOR:
        return _cbor(operation, shape)
    return _rest(operation, shape, protocol)


def guarded(parse: Parse, operation: Operation, protocol: str) -> Parse:
    """A parser that answers whatever cannot be read with the protocol's own error."""

    def read(request: Request, route: Route) -> Any:
        try:
            return parse(request, route)
        except msgspec.ValidationError as error:
            raise malformed(operation, protocol, Malformed(coral(str(error)))) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed(operation, protocol, Malformed(str(error))) from None
        except Malformed as error:
            raise malformed(operation, protocol, error) from None
        except RecursionError:
            raise malformed(
                operation, protocol, Malformed("The request is nested too deeply")
            ) from None

    return read


@cache
def _query_readers(service: str, ec2: bool) -> QueryReaders:
    return QueryReaders(structs(service), ec2, of(service).query_shapes)


@cache
def _xml_readers(service: str) -> XmlReaders:
    return XmlReaders(structs(service))


@cache
def _fixers(service: str) -> Fixers:
    return Fixers()


def _form(operation: Operation, shape: Shape, protocol: str) -> Parse:
    read = _query_readers(operation.service.name, protocol == models.EC2).structure(shape)
    member = of(operation.service.name).url_member
    if member not in shape.members:
        return lambda request, route: read(route.form)

    def read_at_url(request: Request, route: Route) -> Any:
        if member not in route.form and request.path.count("/") > 1:
            scheme = "https" if request.secure else "http"
            route.form[member] = f"{scheme}://{request.host}{request.path}"
        return read(route.form)

    return read_at_url


def json_decoder(service: str, shape: Shape) -> Callable[[bytes], Any]:
    """The function from a JSON body to a Struct: strict first, then once more for sloppy
    clients.
    """
    struct = structs(service).struct(shape.name)
    strict = msgspec.json.Decoder(struct).decode
    lax = msgspec.json.Decoder(struct, strict=False).decode
    fix = _fixers(service).structure(shape)

    def decode(body: bytes) -> Any:
        try:
            value = strict(body)
        except msgspec.ValidationError as error:
            try:
                value = lax(body)
            except msgspec.ValidationError:
                raise error from None
        if fix is not None:
            fix(value)
        return value

    return decode


def _cbor(operation: Operation, shape: Shape) -> Parse:
    import cbor2

    struct = structs(operation.service.name).struct(shape.name)
    fix = _fixers(operation.service.name).structure(shape)

    def read(request: Request, route: Route) -> Any:
        body = unpacked(request) if operation.compressed else request.body.read()
        if not body:
            return struct()
        try:
            plain = cbor2.loads(body, semantic_decoders={1: _seconds})
        except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError) as error:
            raise Malformed(f"The body is not CBOR: {error}") from None
        value = msgspec.convert(plain, struct, builtin_types=(bytes,))
        if fix is not None:
            fix(value)
        return value

    return read


def _seconds(value: Any, *_: Any) -> Any:
    """CBOR's tag 1 holds epoch seconds, which is what a timestamp is here."""
    return value


def _rest(operation: Operation, shape: Shape, protocol: str) -> Parse:
    struct = structs(operation.service.name).struct(shape.name)
    bound = RestInput(shape, operation.uri)
    members = shape.members
    payload = shape.get("payload")
    if payload is not None:
        return _payload(operation, shape, protocol, bound)
    if all(member.get("location") for member in members.values()):

        def empty(request: Request, route: Route) -> Any:
            value = struct()
            bound.fill(value, route, request.headers)
            return value

        return empty
    body = _body_reader(operation, shape, protocol)

    def read(request: Request, route: Route) -> Any:
        text = request.body.read()
        value = body(text) if text else struct()
        bound.clear(value)
        bound.fill(value, route, request.headers)
        return value

    return read


def _body_reader(operation: Operation, shape: Shape, protocol: str) -> Callable[[bytes], Any]:
    service = operation.service.name
    if protocol == models.REST_JSON:
        return json_decoder(service, shape)
    read = _xml_readers(service).structure(shape)
    return lambda text: read(document(text))


def _payload(operation: Operation, shape: Shape, protocol: str, bound: RestInput) -> Parse:
    """The parser of a request whose whole body is one member."""
    struct = structs(operation.service.name).struct(shape.name)
    name = shape.get("payload")
    member = shape.members[name]
    attr = attributes(shape.members)[name]
    take = _payload_reader(operation, member, protocol)

    def read(request: Request, route: Route) -> Any:
        value = struct()
        bound.fill(value, route, request.headers)
        setattr(value, attr, take(request))
        return value

    return read


def _payload_reader(operation: Operation, member: Shape, protocol: str) -> Callable[[Request], Any]:
    if member.get("streaming") or member.get("eventstream"):
        return lambda request: request.body
    if member.type == "blob":
        return lambda request: request.body.read()
    if member.document:
        return lambda request: msgspec.json.decode(request.body.read() or b"null")
    if member.type == "string":
        return _text
    if member.type == "structure":
        body = _body_reader(operation, member, protocol)
        return lambda request: body(text) if (text := request.body.read()) else None
    kind = structs(operation.service.name).annotation(member)
    decode = msgspec.json.Decoder(kind).decode
    return lambda request: decode(text) if (text := request.body.read()) else None


def _text(request: Request) -> str | None:
    try:
        return request.body.read().decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The body is not text in UTF-8") from None


def malformed(operation: Operation, protocol: str, error: Malformed) -> AwsError:
    """The error for a request that cannot be read, in the words of the protocol."""
    dialect = of(operation.service.name)
    message = str(error)
    if dialect.bare_errors:
        if not error.member or error.kind == "string":
            return AwsError(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our "
                "published schema",
                status=400,
            )
        if error.member == "max-keys":
            message = "Provided max-keys not an integer or within integer range"
        return AwsError(
            "InvalidArgument",
            message,
            status=400,
            ArgumentName=error.member,
            ArgumentValue=error.value,
        )
    if protocol == models.EC2:
        return AwsError("InvalidParameterValue", message, status=400)
    if protocol == models.QUERY:
        return AwsError("MalformedInput", message, status=400)
    if protocol == models.REST_XML:
        return AwsError(dialect.malformed or "InvalidInput", message, status=400)
    return AwsError("SerializationException", message, status=400)


_EXPECTED = re.compile(r"Expected `([a-z]+)[^`]*`(?:, got `([a-z]+)`)?")
_GOT = {
    "str": "STRING_VALUE",
    "int": "NUMBER_VALUE",
    "float": "DECIMAL_VALUE",
    "bool": "TRUE_VALUE",
}
_WANTED = {
    "str": "String",
    "int": "Integer",
    "float": "Double",
    "bool": "Boolean",
    "bytes": "ByteBuffer",
}


def coral(message: str) -> str:
    """A type error as AWS's JSON services word it."""
    found = _EXPECTED.search(message)
    if found is None:
        return message
    wanted, got = found.groups()
    if got == "object":
        return "Start of structure or map found where not expected."
    if got == "array":
        return "Start of list found where not expected"
    if wanted in _WANTED and got in _GOT:
        return f"{_GOT[got]} cannot be converted to {_WANTED[wanted]}"
    return "Unexpected field type" if wanted in ("array", "object") else message
