"""Every operation of every service botocore knows, through the codec and back, against botocore's
own client side.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from mesocosm import wire
from mesocosm.wire import names
from tests.wire.bodies import request
from tests.wire.generate import Generator

SERVICES = wire.service_names()

# What cannot be told apart or read back by construction, with the reason.
NOT_READ_BACK = {
    ("s3", "GetBucketLocation"): "botocore leaves the odd root element to a handler of its client",
    ("s3", "GetBucketNotification"): "its model gives two members the element `Event`",
}

SENT_ALWAYS = ("content-type", "content-length")

NOT_ROUTED = {
    ("s3", "ListDirectoryBuckets"): "the same request as ListBuckets, sent to another host",
}


@cache
def _loader() -> Loader:
    return Loader(include_default_extras=False)  # extras are members that only clients know


def model(service: str) -> ServiceModel:
    """botocore's own model of a service."""
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


def comparable(value: Any, shape: Shape) -> Any:
    """One of our values in botocore's form."""
    if (
        value is None
        or getattr(shape, "is_document_type", False)
        or shape.serialization.get("jsonvalue")
    ):
        return value
    kind = shape.type_name
    if kind == "structure":
        attributes = names.attributes(shape.members)
        found = {
            n: comparable(getattr(value, attributes[n]), m)
            for n, m in shape.members.items()
            if not m.serialization.get("eventstream")
        }
        return {n: v for n, v in found.items() if v is not None}
    if kind == "list":
        return [comparable(v, shape.member) for v in value]
    if kind == "map":
        return {k: comparable(v, shape.value) for k, v in value.items()}
    if kind == "timestamp":
        return datetime.fromtimestamp(value, UTC)
    if kind == "blob" and hasattr(value, "read"):
        return value.read()
    return value


def ours(value: Any, shape: Shape, service: str) -> Any:
    """A value in botocore's form as one of ours."""
    if getattr(shape, "is_document_type", False) or shape.serialization.get("jsonvalue"):
        return value
    kind = shape.type_name
    if kind == "structure":
        attributes = names.attributes(shape.members)
        struct = wire.structs(service).struct(shape.name)
        return struct(
            **{attributes[n]: ours(v, shape.members[n], service) for n, v in value.items()}
        )
    if kind == "list":
        return [ours(v, shape.member, service) for v in value]
    if kind == "map":
        return {k: ours(v, shape.value, service) for k, v in value.items()}
    if kind == "timestamp":
        return value.timestamp()
    return value


def pruned(value: Any) -> Any:
    """Without empty structures, which leave no trace in a form."""
    if isinstance(value, dict):
        return {k: p for k, v in value.items() if (p := pruned(v)) != {}}
    return value


def sent(operation: OperationModel, protocol: str, parameters: dict[str, Any]) -> wire.Request:
    """The request botocore's client would send."""
    serialized = create_serializer(protocol, include_validation=False).serialize_to_request(
        parameters, operation
    )
    serialized.pop("host_prefix", None)
    prepare_request_dict(serialized, "https://localhost")
    prepared = create_request_object(serialized).prepare()
    url = urlsplit(prepared.url)
    headers = {
        k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in prepared.headers.items()
    }
    name = operation.service_model.signing_name
    headers["host"] = "localhost"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261121/us-east-1/{name}/aws4_request, "
        "SignedHeaders=host, Signature=00"
    )
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    return request(prepared.method, url.path, url.query, headers, body)


def check_input(operation: OperationModel, protocol: str, full: bool) -> None:
    """What botocore sends is what our parser reads."""
    service = operation.service_model.service_name
    shape = operation.input_shape
    parameters = {}
    if shape is not None:
        parameters = Generator(operation.name, full, text_only=False).structure(shape)
    if (service, operation.name) in NOT_ROUTED:
        return
    asked = sent(operation, protocol, parameters)
    route = wire.route(asked)
    if not meant(route, operation):
        # The same path in two services that sign by one name: AWS tells them apart by the host.
        asked.host = f"{operation.service_model.endpoint_prefix}.us-east-1.localhost"
        route = wire.route(asked)
    assert route.protocol == protocol
    if route.operation != operation.name:
        assert alias(route, service, operation.name)
        return
    assert route.service == service or same_api(route, service)
    value = wire.codec(route.service, route.operation, protocol).parse(asked, route)
    if shape is None:
        return
    found, expected = comparable(value, shape), parameters
    if protocol in ("query", "ec2"):
        found, expected = pruned(found), pruned(expected)
    payload = shape.serialization.get("payload")
    if payload not in expected and found.get(payload) in (b"", "", {}):
        del found[payload]  # an absent body is an empty one
    for name, member in shape.members.items():
        if member.serialization.get("name", "").lower() in SENT_ALWAYS and name not in expected:
            found.pop(name, None)  # the header is sent all the same
    assert found == expected, f"read {found}\nsent {expected}"


def meant(route: wire.Route, operation: OperationModel) -> bool:
    """Whether a route is to an operation that takes the same input."""
    if route.operation != operation.name:
        return False
    if route.service == operation.service_model.service_name or operation.input_shape is None:
        return True
    shape = route.model.input_shape
    return shape is not None and set(operation.input_shape.members) <= set(shape.members)


def alias(route: wire.Route, service: str, name: str) -> bool:
    """Whether a deprecated operation is answered by the one that replaced it at the same place."""
    model = wire.service(service)
    given = model.operation(name)
    other = model.operation(route.operation)
    return given.deprecated and (given.method, given.uri) == (other.method, other.uri)


def same_api(route: wire.Route, service: str) -> bool:
    """Whether two services of botocore are one at AWS: one signing name, and both know the
    operation.
    """
    return wire.service(service).signing_name == route.signing_name


def check_output(operation: OperationModel, protocol: str, full: bool) -> None:
    """What our writer answers is what botocore reads."""
    service = operation.service_model.service_name
    shape = operation.output_shape
    codec = wire.codec(service, operation.name, protocol)
    if shape is None:
        assert codec.answer(None, "request-1").status in range(200, 300)
        return
    if shape.event_stream_name and protocol in ("json", "smithy-rpc-v2-cbor"):
        return  # a stream of events, as the live tail of Logs is one
    payload = shape.serialization.get("payload")
    value = Generator(operation.name, full, text_only=bool(payload)).structure(shape)
    response = codec.answer(ours(value, shape, service), "request-1")
    if shape.event_stream_name or (service, operation.name) in NOT_READ_BACK:
        return
    assert isinstance(response.body, bytes)
    wrapper = shape.serialization.get("resultWrapper")
    if protocol == "query" and wrapper is None:
        shape.serialization["resultWrapper"] = f"{operation.name}Result"
    parsed = create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": CaseInsensitive(response.headers),
            "body": response.body,
            "context": {"operation_name": operation.name},
        },
        shape,
    )
    metadata = parsed.pop("ResponseMetadata", {})
    assert metadata.get("RequestId") == "request-1"
    expected = readable(value, shape, response.status)
    for name, member in shape.members.items():
        place, wire_name = (
            member.serialization.get("location"),
            member.serialization.get("name", ""),
        )
        if place == "headers" and not wire_name:
            # A map of all headers.
            parsed[name] = {k: v for k, v in parsed[name].items() if k in expected.get(name, {})}
        if place == "header" and wire_name.lower() == "content-type" and name not in expected:
            parsed.pop(name, None)
    assert parsed == expected, f"read {parsed}\ngave {expected}"


def readable(value: dict[str, Any], shape: Shape, status: int) -> dict[str, Any]:
    """A generated output as botocore's parser gives it: it decodes a raw body, and knows the
    status.
    """
    payload = shape.serialization.get("payload")
    found = dict(value)
    if payload is not None:
        raw = shape.members[payload].type_name in ("blob", "string")
        body = found.setdefault(payload, "" if raw else {})
        if isinstance(body, bytes):
            found[payload] = body.decode()
    for name, member in shape.members.items():
        if member.serialization.get("location") == "statusCode":
            found[name] = status
        if member.serialization.get("location") == "headers":
            found.setdefault(name, {})
    return found


class CaseInsensitive(dict[str, str]):
    """Response headers as botocore keeps them."""

    def __init__(self, items: list[tuple[str, str]]) -> None:
        super().__init__((k.lower(), v) for k, v in items)

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation(service: str) -> None:
    api = model(service)
    protocols = api.metadata.get("protocols") or [api.metadata["protocol"]]
    problems = []
    for name in api.operation_names:
        for protocol in protocols:
            for full in (False, True):
                for check in (check_input, check_output):
                    try:
                        check(api.operation_model(name), protocol, full)
                    except Exception as error:
                        problems.append(
                            f"{name} {protocol} {check.__name__} full={full}: "
                            f"{type(error).__name__} {str(error)[:600]}"
                        )
    assert not problems, f"{len(problems)} problems, the first: {os.linesep.join(problems[:3])}"
