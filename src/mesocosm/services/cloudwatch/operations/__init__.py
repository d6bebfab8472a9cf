"""The operations of CloudWatch, by what they are about."""

from __future__ import annotations

from mesocosm.services.cloudwatch.operations import (
    alarms,
    dashboards,
    data,
    definitions,
    describing,
    detectors,
    listing,
    mutes,
    query,
    state,
    statistics,
    streams,
    tags,
)

__all__ = [
    "alarms",
    "dashboards",
    "data",
    "definitions",
    "describing",
    "detectors",
    "listing",
    "mutes",
    "query",
    "state",
    "statistics",
    "streams",
    "tags",
]
