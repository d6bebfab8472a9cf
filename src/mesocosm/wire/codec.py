"""One operation in one protocol: parse its requests, check them, write its answers and its
errors.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from mesocosm.wire import models
from mesocosm.wire.errors import AwsError
from mesocosm.wire.faults import fault
from mesocosm.wire.inputs import Parse, guarded, parser
from mesocosm.wire.message import Request, Response
from mesocosm.wire.outputs import Answer, writer
from mesocosm.wire.routing import Route
from mesocosm.wire.validation import Validate, validator


class Codec:
    """What the call floor knows of an operation's protocol. Each part is compiled at its first
    use.
    """

    def __init__(self, service: str, operation: str, protocol: str) -> None:
        self.service = models.service(service)
        self.operation = self.service.operation(operation)
        self.protocol = protocol

    @cached_property
    def _parse(self) -> Parse:
        return guarded(parser(self.operation, self.protocol), self.operation, self.protocol)

    @cached_property
    def _validate(self) -> Validate:
        return validator(self.operation, self.protocol)

    @cached_property
    def _answer(self) -> Answer:
        return writer(self.operation, self.protocol)

    def parse(self, request: Request, route: Route) -> Any:
        """The typed request; raises AwsError with the protocol's error for what cannot be read."""
        return self._parse(request, route)

    def validate(self, value: Any) -> None:
        """Check the constraints of the model; raises AwsError in AWS's words."""
        self._validate(value)

    def answer(self, result: Any, request_id: str) -> Response:
        """The response for a result: the operation's output Struct, or None where it gives
        nothing.
        """
        return self._answer(result, request_id)

    def fault(self, error: AwsError, request_id: str) -> Response:
        """The response for an error."""
        response = fault(self.service, self.protocol, error, request_id)
        if self.operation.method == "HEAD":
            response.body = b""
        return response


@cache
def codec(service: str, operation: str, protocol: str) -> Codec:
    """The codec of an operation in a protocol; raises KeyError when there is none."""
    return Codec(service, operation, protocol)
