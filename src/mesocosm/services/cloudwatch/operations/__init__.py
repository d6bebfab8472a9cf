"""The operations of CloudWatch, by what they are about."""

from __future__ import annotations

from mesocosm.services.cloudwatch.operations import (
    alarms,
    data,
    describing,
    listing,
    query,
    state,
    statistics,
)

__all__ = ["alarms", "data", "describing", "listing", "query", "state", "statistics"]
