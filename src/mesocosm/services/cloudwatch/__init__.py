"""Amazon CloudWatch: metrics, alarms, dashboards, metric streams (API version 2010-08-01)."""

from __future__ import annotations

from mesocosm.call.service import Service

cloudwatch = Service("cloudwatch", source="monitoring.amazonaws.com", denied="AccessDenied")

from mesocosm.services.cloudwatch import control, operations, resources  # noqa: E402

__all__ = ["cloudwatch", "control", "operations", "resources"]
