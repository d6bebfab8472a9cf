"""Errors in each protocol's own form, with request ids and the HTTP status of the model."""

from __future__ import annotations

from typing import Any

import msgspec

from mesocosm.wire import models
from mesocosm.wire.dialects import Dialect, of
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Request, Response
from mesocosm.wire.models import Service, Shape
from mesocosm.wire.names import attributes
from mesocosm.wire.outputs import DECLARATION, content_type, host_id, plain_writers, request_headers
from mesocosm.wire.routing import FORM, UnknownOperation, candidates
from mesocosm.wire.types import structs
from mesocosm.wire.xmlout import XmlWriters, escape

# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the like of other
# services
_COMMON = {
    "AccessDenied": 403,
    "AuthFailure": 401,
    "Blocked": 403,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServerException": 500,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "NotAuthorized": 403,
    "NotImplemented": 501,
    "OptInRequired": 403,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "UnauthorizedOperation": 403,
}

_REST = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "UnrecognizedClientException": 403,
}


def fault(service: Service | None, protocol: str, error: AwsError, request_id: str) -> Response:
    """The response for an error; without a service, in the protocol's plainest form."""
    dialect = of(service.name) if service is not None else Dialect()
    shape = find_shape(service, dialect, error.code)
    status = error.status or _status(shape, dialect, protocol, error.code)
    writer = _WRITERS[protocol]
    response = writer(service, dialect, shape, error, status, request_id)
    known = {name for name, _ in response.headers}
    response.headers += [(k.lower(), v) for k, v in error.headers.items() if k.lower() not in known]
    if status == 304:
        response.body = b""
        response.headers = [h for h in response.headers if h[0] != "content-type"]
    return response


def find_shape(service: Service | None, dialect: Dialect, code: str) -> Shape | None:
    """The error shape of a code, by its name, its code, or its former query code."""
    if service is None:
        return None
    found = service.errors.get(code)
    if found is None:
        for name, query_code in dialect.query_codes.items():
            if query_code == code:
                return service.errors.get(name)
    return found


def _status(shape: Shape | None, dialect: Dialect, protocol: str, code: str) -> int:
    if shape is not None:
        modelled: int | None = shape.get("error", {}).get("httpStatusCode")
        if modelled:
            return modelled
        if shape.get("fault"):
            return 500
    found = dialect.statuses.get(code) or _COMMON.get(code)
    if found is None and protocol in (models.REST_JSON, models.REST_XML):
        found = _REST.get(code)
    return found or 400


def _query_code(shape: Shape | None, dialect: Dialect, code: str) -> str:
    """The code on the query, EC2 and rest-xml wire."""
    if shape is None:
        return code
    found: str = (
        dialect.query_codes.get(shape.name) or shape.get("error", {}).get("code") or shape.name
    )
    return found


def _side(shape: Shape | None, status: int) -> str:
    """Whose fault it was."""
    declared = shape.get("error", {}).get("senderFault") if shape is not None else None
    if declared is None:
        return "Receiver" if status >= 500 else "Sender"
    return "Sender" if declared else "Receiver"


def _members(shape: Shape | None, error: AwsError) -> dict[str, Any]:
    """The message under the name the model gives it, then the further members."""
    name = "message"
    if shape is not None:
        for member, inner in shape.members.items():
            if member.lower() == "message":
                name = inner.get("locationName", member)
    elif error.code in ("AccessDeniedException", "AccessDenied"):
        name = "Message"
    members: dict[str, Any] = {name: error.message} if error.message else {}
    return members | error.members


def _plain_members(
    service: Service | None, shape: Shape | None, error: AwsError, protocol: str
) -> dict[str, Any]:
    """The members as plain values, those that the model knows written as it says."""
    members = _members(shape, error)
    if service is None or shape is None:
        return members
    known = shape.members
    if not any(name in known for name in error.members):
        return members
    attrs = attributes(known)
    struct = structs(service.name).struct(shape.name)
    value = struct(**{attrs[n]: v for n, v in error.members.items() if n in known})
    modelled: dict[str, Any] = plain_writers(service.name, protocol).structure(shape)(value)
    return members | modelled


def _json_fault(
    service: Service | None,
    dialect: Dialect,
    shape: Shape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> Response:
    code = shape.name if shape is not None else error.code
    kind = "application/x-amz-json-1.1"
    headers = [("x-amzn-requestid", request_id)]
    full = code
    if service is not None:
        kind = content_type(service, models.JSON)
        if service.metadata.get("jsonVersion") == "1.0":
            namespace = (
                f"com.amazonaws.{service.endpoint_prefix}" if shape else "com.amazon.coral.service"
            )
            full = f"{namespace}#{code}"
        headers += _query_error(service, dialect, shape, error, status)
    body = {"__type": full} | _plain_members(service, shape, error, models.JSON)
    headers.append(("content-type", kind))
    return Response(status, headers, msgspec.json.encode(body))


def _query_error(
    service: Service, dialect: Dialect, shape: Shape | None, error: AwsError, status: int
) -> list[tuple[str, str]]:
    """The former query code, for clients of services that have moved from the query protocol."""
    if not service.query_compatible:
        return []
    return [
        ("x-amzn-query-error", f"{_query_code(shape, dialect, error.code)};{_side(shape, status)}")
    ]


def _cbor_fault(
    service: Service | None,
    dialect: Dialect,
    shape: Shape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> Response:
    import cbor2

    code = shape.name if shape is not None else error.code
    headers = [("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-requestid", request_id)]
    if service is not None:
        headers += _query_error(service, dialect, shape, error, status)
    body = {"__type": code} | _plain_members(service, shape, error, models.CBOR)
    headers.append(("content-type", "application/cbor"))
    return Response(status, headers, cbor2.dumps(body))


def _rest_json_fault(
    service: Service | None,
    dialect: Dialect,
    shape: Shape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> Response:
    code = shape.name if shape is not None else error.code
    headers = [
        ("x-amzn-requestid", request_id),
        ("x-amzn-errortype", code),
        ("content-type", "application/json"),
    ]
    body = _plain_members(service, shape, error, models.REST_JSON)
    for name, member in shape.members.items() if shape is not None else ():
        if member.get("location") == "header" and name in error.members:
            body.pop(name, None)
            headers.append((member.get("locationName", name).lower(), str(error.members[name])))
    return Response(status, headers, msgspec.json.encode(body))


def _xml_members(
    service: Service | None, shape: Shape | None, error: AwsError, protocol: str
) -> str:
    """The further members, those that the model knows written as it says."""
    parts: list[str] = []
    known = shape.members if shape is not None else {}
    if service is not None and shape is not None and any(n in known for n in error.members):
        struct = structs(service.name).struct(shape.name)
        attrs = attributes(known)
        value = struct(**{attrs[n]: v for n, v in error.members.items() if n in known})
        XmlWriters(protocol, of(service.name)).structure(shape)(value, parts.append)
    for name, value in error.members.items():
        if name not in known:
            parts.append(f"<{name}>{escape(str(value))}</{name}>")
    return "".join(parts)


def _xml_fault(
    service: Service | None,
    dialect: Dialect,
    shape: Shape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> Response:
    """The query protocol, rest-xml, and S3's bare form."""
    bare = dialect.bare_errors
    protocol = models.REST_XML if bare else models.QUERY
    code = escape(_query_code(shape, dialect, error.code))
    inner = f"<Code>{code}</Code><Message>{escape(error.message)}</Message>"
    inner += _xml_members(service, shape, error, protocol)
    if service is not None and bare:
        body = (
            f"{DECLARATION}<Error>{inner}<RequestId>{request_id}</RequestId>"
            f"<HostId>{host_id(request_id)}</HostId></Error>"
        )
        headers = [
            *request_headers(service, models.REST_XML, request_id),
            ("content-type", "application/xml"),
        ]
        return Response(status, headers, body.encode())
    namespace = (
        service.metadata.get("xmlNamespace") if service is not None else None
    ) or dialect.namespace
    mark = f' xmlns="{namespace}"' if namespace else ""
    body = (
        f"<ErrorResponse{mark}><Error><Type>{_side(shape, status)}</Type>{inner}</Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    headers = [("x-amzn-requestid", request_id), ("content-type", "text/xml")]
    return Response(status, headers, body.encode())


def _ec2_fault(
    service: Service | None,
    dialect: Dialect,
    shape: Shape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> Response:
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    inner += _xml_members(service, shape, error, models.EC2)
    body = (
        f"{DECLARATION}<Response><Errors><Error>{inner}</Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    )
    headers = [("x-amzn-requestid", request_id), ("content-type", "text/xml;charset=UTF-8")]
    return Response(status, headers, body.encode())


_WRITERS = {
    models.JSON: _json_fault,
    models.CBOR: _cbor_fault,
    models.REST_JSON: _rest_json_fault,
    models.REST_XML: _xml_fault,
    models.QUERY: _xml_fault,
    models.EC2: _ec2_fault,
}


def fault_for_unknown(request: Request, error: AwsError, request_id: str) -> Response:
    """The response for an error that is raised before there is a route: its form is guessed from
    the request.
    """
    service, protocol = None, ""
    if isinstance(error, UnknownOperation):
        name, protocol = error.service, error.protocol
        service = models.service(name) if name else None
    else:
        found = candidates(request)
        service = models.service(found[0].name) if found else None
        protocol = _guess(request, service)
    if protocol == models.REST_XML and service is None:
        service = models.service("s3")
    response = fault(service, protocol, error, request_id)
    if request.method == "HEAD":
        response.body = b""
    return response


def _guess(request: Request, service: Service | None) -> str:
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind == "application/cbor" or request.headers.get("smithy-protocol"):
        return models.CBOR
    if "x-amz-target" in request.headers or kind.startswith("application/x-amz-json"):
        return models.JSON
    if kind == FORM or "Action=" in request.query:
        return (
            models.EC2 if service is not None and models.EC2 in service.protocols else models.QUERY
        )
    if service is not None:
        return next((p for p in service.protocols if p.startswith("rest-")), service.protocols[0])
    return models.REST_XML
