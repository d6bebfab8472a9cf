"""What CloudWatch does by itself."""

from __future__ import annotations

from mesocosm.services.cloudwatch.control import (
    arrivals,
    evaluate,
    retention,
    streaming,
    suppression,
)

__all__ = ["arrivals", "evaluate", "retention", "streaming", "suppression"]
