"""STS: temporary credentials, and who one is."""

from __future__ import annotations

from mesocosm.call.service import Service

sts = Service("sts", denied="AccessDenied")

from mesocosm.services.sts import control, operations, resources  # noqa: E402, F401
