"""Which operation of which service a request means, and in which protocol it speaks.

The protocol follows from the request's form; the service from the credential scope of its
signature and, where several services sign by one name or the request is not signed, from target,
version, path or host.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from mesocosm.wire import dialects, models
from mesocosm.wire.compression import unpacked
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Request
from mesocosm.wire.readers import Malformed, Tree, form, tree
from mesocosm.wire.router import Match, Query, Router

FORM = "application/x-www-form-urlencoded"


class Route:
    """Where a request goes: botocore's service name, operation, protocol, and what routing has
    parsed already.
    """

    def __init__(self, service: str, operation: str, protocol: str) -> None:
        self.service = service
        self.operation = operation
        self.protocol = protocol
        self.labels: dict[str, str] = {}
        self.query: Query = {}
        self.form: Tree = {}

    @property
    def model(self) -> models.Operation:
        """The operation's model."""
        return models.service(self.service).operation(self.operation)

    @property
    def signing_name(self) -> str:
        """The service's name in the credential scope."""
        return models.summaries()[self.service].signing_name

    def __repr__(self) -> str:
        return f"Route({self.service}.{self.operation}, {self.protocol})"


class UnknownOperation(AwsError):
    """No operation answers to the request; `service` and `protocol` are the best guess for the
    error's form.
    """

    def __init__(
        self, service: str, protocol: str, code: str, message: str, status: int, **members: Any
    ) -> None:
        super().__init__(code, message, status=status, **members)
        self.service = service
        self.protocol = protocol


def route(request: Request, virtual_bucket: str | None = None) -> Route:
    """The route of a request; raises UnknownOperation. `virtual_bucket` is the bucket that the
    host name holds.
    """
    headers = request.headers
    if virtual_bucket is not None and scope(request) not in (None, dialects.UNSIGNED_REST):
        virtual_bucket = None  # what looked like a bucket's is the name this machine goes by
    content_type = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if (
        "/service/" in request.path
        and "/operation/" in request.path
        and (content_type == "application/cbor" or headers.get("smithy-protocol") == "rpc-v2-cbor")
    ):
        return _cbor(request)
    target = headers.get("x-amz-target")
    if target is not None:
        return _json(request, target)
    if request.method == "POST" and content_type == FORM and virtual_bucket is None:
        found = _query(request, _form_text(request))
        if found is not None:
            return found
    if "Action=" in request.query:
        found = _query(request, request.query)
        if found is not None:
            return found
    return _rest(request, virtual_bucket)


def _form_text(request: Request) -> str:
    try:
        return unpacked(request).decode("utf-8", "replace")
    except Malformed:
        return ""


def scope(request: Request) -> str | None:
    """The signing name in the request's credential scope, None when it is not signed."""
    header = request.headers.get("authorization")
    if header is not None:
        return _scope(header.partition("Signature=")[0])
    if "X-Amz-Credential=" in request.query:
        pairs = dict(form(request.query))
        return _signing_name(pairs.get("X-Amz-Credential", ""))
    return None


@lru_cache(maxsize=1024)
def _scope(claim: str) -> str | None:
    """The signing name in an Authorization header; without the signature many are the same."""
    _, found, rest = claim.partition("Credential=")
    return _signing_name(rest.partition(",")[0] if found else "")


def _signing_name(credential: str) -> str | None:
    parts = credential.strip().split("/")
    return parts[-2] if len(parts) >= 4 else None


@cache
def _by_signing_name() -> dict[str, list[models.Summary]]:
    """The services of each signing name; the one that is called so itself comes first."""
    found: dict[str, list[models.Summary]] = {}
    for summary in models.summaries().values():
        found.setdefault(summary.signing_name, []).append(summary)
    for name, services in found.items():
        services.sort(key=lambda s: (s.name != name, s.name))
    return found


@cache
def _by_target() -> dict[str, list[models.Summary]]:
    """The services of each target prefix; SDKs made from Smithy models send its last part alone."""
    found: dict[str, list[models.Summary]] = {}
    for summary in models.summaries().values():
        if summary.target is not None:
            for target in {summary.target, summary.target.rpartition(".")[2]}:
                found.setdefault(target, []).append(summary)
    return found


def candidates(request: Request) -> list[models.Summary]:
    """The services a request may mean by its signature, or by its host name when it is not
    signed.
    """
    name = scope(request)
    found = _by_signing_name().get(name, []) if name is not None else []
    if found:
        return found
    labels = request.host.partition(":")[0].lower().split(".")
    for label in labels[:2]:
        hosted = [s for s in models.summaries().values() if s.endpoint_prefix == label]
        if hosted:
            return sorted(hosted, key=lambda s: (s.name != label, s.name))
    return []


def _with_operation(services: list[models.Summary], operation: str) -> models.Summary | None:
    return next((s for s in services if operation in models.service(s.name)), None)


def _cbor(request: Request) -> Route:
    name, _, operation = request.path.partition("/service/")[2].partition("/operation/")
    services = [s for s in _by_target().get(name, []) if models.CBOR in s.protocols]
    found = _with_operation(services, operation)
    if found is None:
        service = services[0].name if services else ""
        raise UnknownOperation(service, models.CBOR, "UnknownOperationException", "", 404)
    return Route(found.name, operation, models.CBOR)


def _json(request: Request, target: str) -> Route:
    known = _targeted(target)
    if known is not None:
        return Route(known[0], known[1], models.JSON)
    prefix = target.rpartition(".")[0]
    services = [s for s in _by_target().get(prefix, []) if models.JSON in s.protocols]
    guess = services or [s for s in candidates(request) if models.JSON in s.protocols]
    service = guess[0].name if guess else ""
    raise UnknownOperation(service, models.JSON, "UnknownOperationException", "", 400)


@lru_cache(maxsize=4096)
def _targeted(target: str) -> tuple[str, str] | None:
    """Service and operation of an `X-Amz-Target`."""
    prefix, _, operation = target.rpartition(".")
    services = [s for s in _by_target().get(prefix, []) if models.JSON in s.protocols]
    found = _with_operation(services, operation)
    return None if found is None else (found.name, operation)


def _query(request: Request, text: str) -> Route | None:
    """The route of a query request; None when it is none after all (a REST call that looks like
    one).
    """
    pairs = form(text)
    plain = dict(pairs)
    action, version = plain.get("Action"), plain.get("Version")
    signed = scope(request)
    if signed is not None and action is not None:
        known = _signed_action(signed, action, version)
        if known is not None:
            return _form_route(*known, action, pairs)
    services = [
        s for s in candidates(request) if models.QUERY in s.protocols or models.EC2 in s.protocols
    ]
    if action is None:
        if services and signed is not None:
            protocol = _query_protocol(services[0])
            raise UnknownOperation(
                services[0].name,
                protocol,
                "MissingAction",
                "The request must contain the parameter Action.",
                400,
            )
        return None
    if not services and signed is None:
        services = [
            s
            for s in models.summaries().values()
            if s.api_version == version
            and (models.QUERY in s.protocols or models.EC2 in s.protocols)
        ]
    if not services:
        return None
    services = [s for s in services if s.api_version == version] or services
    found = _with_operation(services, action)
    if found is None:
        raise UnknownOperation(
            services[0].name,
            _query_protocol(services[0]),
            "InvalidAction",
            f"The action {action} is not valid for this web service.",
            400,
        )
    return _form_route(found.name, _query_protocol(found), action, pairs)


@lru_cache(maxsize=4096)
def _signed_action(name: str, action: str, version: str | None) -> tuple[str, str] | None:
    """Service and protocol of an action of those that sign by a name; None when none has it."""
    services = [
        s
        for s in _by_signing_name().get(name, [])
        if models.QUERY in s.protocols or models.EC2 in s.protocols
    ]
    services = [s for s in services if s.api_version == version] or services
    found = _with_operation(services, action)
    return None if found is None else (found.name, _query_protocol(found))


def _form_route(service: str, protocol: str, action: str, pairs: list[tuple[str, str]]) -> Route:
    result = Route(service, action, protocol)
    try:
        result.form = tree(pairs)
    except Malformed as error:
        raise UnknownOperation(service, protocol, "MalformedQueryString", str(error), 400) from None
    return result


def _query_protocol(service: models.Summary) -> str:
    return models.EC2 if models.EC2 in service.protocols else models.QUERY


@cache
def _router(service: str) -> Router:
    return Router(models.service(service))


def _rest(request: Request, virtual_bucket: str | None) -> Route:
    query: Query = {}
    if request.query:
        for key, value in form(request.query):
            query.setdefault(key, []).append(value)
    signed = scope(request)
    services = _rest_signers(signed) if signed is not None else []
    if not services:
        services = [s for s in candidates(request) if s.rest]
    path = request.path
    if virtual_bucket is not None:
        path = f"/{virtual_bucket}{path}"
        services = [s for s in services if s.name == dialects.UNSIGNED_REST]
    if not services and (signed is None or virtual_bucket is not None):
        services = [models.summaries()[dialects.UNSIGNED_REST]]
    best: tuple[models.Summary, Match] | None = None
    for service in services:
        match = _router(service.name).match(request.method, path, query, request.headers)
        if match is not None and (
            best is None or _rank(request, service, match) > _rank(request, *best)
        ):
            best = service, match
    if best is None:
        raise _no_rest(services, request)
    service, match = best
    result = Route(service.name, match.operation, service.rest)
    result.labels = match.labels
    result.query = query
    return result


@lru_cache(maxsize=1024)
def _rest_signers(name: str) -> list[models.Summary]:
    """The services of a signing name that speak REST."""
    return [s for s in _by_signing_name().get(name, []) if s.rest]


def _rank(request: Request, service: models.Summary, match: Match) -> tuple[int, bool, str, int]:
    """Of several services that sign by one name: the closest path, then the host, then the newest
    and largest API.
    """
    hosted = request.host.startswith(f"{service.endpoint_prefix}.")
    size = len(models.service(service.name).operation_names)
    return match.literal, hosted, service.api_version, size


def _no_rest(services: list[models.Summary], request: Request) -> UnknownOperation:
    """What is answered when no path fits."""
    if not services:
        return _no_service(request)
    service = services[0]
    if service.rest == models.REST_XML:
        return UnknownOperation(
            service.name,
            models.REST_XML,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            Method=request.method,
        )
    return UnknownOperation(
        service.name,
        models.REST_JSON,
        "UnknownOperationException",
        "The requested operation is not recognized by the service.",
        404,
    )


def _no_service(request: Request) -> UnknownOperation:
    """What is answered when the signature names no service that speaks the request's protocol."""
    name = scope(request) or ""
    known = _by_signing_name().get(name, [])
    if known:
        protocol = known[0].protocols[0]
        if protocol in (models.QUERY, models.EC2):
            return UnknownOperation(
                known[0].name,
                protocol,
                "MissingAction",
                "The request must contain the parameter Action.",
                400,
            )
        return UnknownOperation(known[0].name, protocol, "UnknownOperationException", "", 404)
    return UnknownOperation(
        "",
        models.REST_JSON,
        "UnknownOperationException",
        f"No service signs by the name {name}.",
        404,
    )
