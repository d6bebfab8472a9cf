"""The AWS protocols as servers: bytes become typed requests, typed results become bytes.

    route = wire.route(request)                      # Route(service, operation, protocol); raises
    UnknownOperation codec = wire.codec(route.service, route.operation, route.protocol)
    value = codec.parse(request, route)              # a Struct of mesocosm.api; raises AwsError
    codec.validate(value)                            # raises AwsError in AWS's words
    codec.answer(result, request_id)                 # Response
    codec.fault(error, request_id)                   # Response
    wire.fault_for_unknown(request, error, request_id)   # an error before there is a route
    wire.service(name), wire.service_names()         # the models: operations, shapes, traits
    wire.Empty                                       # the request of an operation that takes
    nothing

Everything is compiled lazily from the models; importing this package loads none of them.
"""

from __future__ import annotations

from mesocosm.wire.codec import Codec, codec
from mesocosm.wire.errors import AwsError
from mesocosm.wire.faults import fault_for_unknown
from mesocosm.wire.message import Body, Headers, Request, Response, Stream
from mesocosm.wire.models import Operation, Service, Shape, paginators, service, service_names
from mesocosm.wire.routing import Route, UnknownOperation, route
from mesocosm.wire.types import Empty, structs

__all__ = [
    "AwsError",
    "Body",
    "Codec",
    "Empty",
    "Headers",
    "Operation",
    "Request",
    "Response",
    "Route",
    "Service",
    "Shape",
    "Stream",
    "UnknownOperation",
    "codec",
    "fault_for_unknown",
    "paginators",
    "route",
    "service",
    "service_names",
    "structs",
]
