"""AWS Systems Manager: Parameter Store (API version 2014-11-06)."""

from __future__ import annotations

from mesocosm.call.service import Service

ssm = Service("ssm")

from mesocosm.services.ssm import control, operations, resources  # noqa: E402

__all__ = ["control", "operations", "resources", "ssm"]
