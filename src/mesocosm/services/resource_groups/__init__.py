"""Resource Groups: resources of all services, grouped by their tags or by hand."""

from __future__ import annotations

from mesocosm.call.service import Service

resource_groups = Service("resource-groups")

from mesocosm.services.resource_groups import (  # noqa: E402
    control,
    operations,
    resources,
)

__all__ = ["control", "operations", "resource_groups", "resources"]
