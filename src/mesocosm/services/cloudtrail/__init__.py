"""AWS CloudTrail: every call as an event, event history, trails to S3 (API version 2013-11-01).

The events are a view of the journal: nothing is written down twice. Event data stores (CloudTrail
Lake), channels, dashboards and Insights are left out.
"""

from __future__ import annotations

from mesocosm.call.service import Service

cloudtrail = Service("cloudtrail", denied="AccessDeniedException")

from mesocosm.services.cloudtrail import control, operations, resources  # noqa: E402

__all__ = ["cloudtrail", "control", "operations", "resources"]
