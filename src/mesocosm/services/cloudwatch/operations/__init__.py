"""The operations of CloudWatch, by what they are about."""

from __future__ import annotations

from mesocosm.services.cloudwatch.operations import data, listing, query, statistics

__all__ = ["data", "listing", "query", "statistics"]
