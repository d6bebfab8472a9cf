"""Amazon SQS: standard and FIFO queues (API version 2012-11-05)."""

from __future__ import annotations

from mesocosm.call.service import Service

sqs = Service(
    "sqs",
    denied="AccessDenied",
    anonymous=True,
    denied_unsigned="Access to the resource {url} is denied.",
)

from mesocosm.services.sqs import control, operations, resources  # noqa: E402

__all__ = ["control", "operations", "resources", "sqs"]
