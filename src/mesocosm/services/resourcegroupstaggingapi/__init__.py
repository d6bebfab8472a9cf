"""The Resource Groups Tagging API: tags of all services' resources in one place.

It keeps nothing but reports: what has tags, and how they are changed, each service declares.
"""

from __future__ import annotations

from mesocosm.call.service import Service

resourcegroupstaggingapi = Service(
    "resourcegroupstaggingapi", prefix="tag", source="tagging.amazonaws.com"
)

from mesocosm.services.resourcegroupstaggingapi import (  # noqa: E402
    control,
    operations,
    resources,
)

__all__ = ["control", "operations", "resourcegroupstaggingapi", "resources"]
