"""The operations of CloudTrail, by what they are about."""

from __future__ import annotations

from mesocosm.services.cloudtrail.operations import (
    events,
    insights,
    keys,
    logging,
    organization,
    selectors,
    tagged,
    tags,
    trails,
)

__all__ = [
    "events",
    "insights",
    "keys",
    "logging",
    "organization",
    "selectors",
    "tagged",
    "tags",
    "trails",
]
