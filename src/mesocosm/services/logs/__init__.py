"""Amazon CloudWatch Logs: groups, streams, events and what is made of them (API 2014-03-28)."""

from __future__ import annotations

from mesocosm.call.service import Service

logs = Service("logs")

from mesocosm.services.logs import control, operations, resources  # noqa: E402

__all__ = ["control", "logs", "operations", "resources"]
