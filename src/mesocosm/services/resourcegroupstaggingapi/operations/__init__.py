"""The operations of the tagging API, by what they are about."""

from __future__ import annotations

from mesocosm.services.resourcegroupstaggingapi.operations import compliance, listing, tagging

__all__ = ["compliance", "listing", "tagging"]
