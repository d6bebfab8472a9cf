"""What stands behind the front: the control API under its own path, the cloud everywhere else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mesocosm.cli.control import BODY_MAX_BYTES, PREFIX, control, failure
from mesocosm.cli.loopback import refusal
from mesocosm.wire.front import Admission

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mesocosm.cli.control import Host
    from mesocosm.wire.front import Reply
    from mesocosm.wire.message import Request, Response

log = logging.getLogger("mesocosm.control")


class Door:
    """One cloud with its control API, as `wire.front.serve` takes it.

    `host` is the process around the cloud; without one there is nothing to shut down.
    """

    def __init__(self, cloud: Any, host: Host | None = None) -> None:
        self._cloud = cloud
        self._host = host

    def head(self, request: Request) -> Admission:
        """Admit a control request by where it comes from; the cloud decides on the others."""
        if not request.path.startswith(PREFIX):
            admission: Admission = self._cloud.head(request)
            return admission
        allowed = refusal(request) is None
        return Admission(BODY_MAX_BYTES if allowed else 0)

    def answer(
        self, request: Request, admission: Admission, reply: Reply
    ) -> Coroutine[Any, Any, Response] | None:
        """Answer a request."""
        if request.path.startswith(PREFIX):
            return control(self._cloud, request, self._host)
        waiting: Coroutine[Any, Any, Response] | None = self._cloud.answer(
            request, admission, reply
        )
        return waiting

    def fault(self, error: Exception, request: Request) -> Response:
        """Answer for what went wrong."""
        if not request.path.startswith(PREFIX):
            response: Response = self._cloud.fault(error, request)
            return response
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return failure(error)
