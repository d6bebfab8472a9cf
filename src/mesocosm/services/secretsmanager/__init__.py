"""AWS Secrets Manager: secrets in versions, replicated, with policies (API version 2017-10-17)."""

from __future__ import annotations

from mesocosm.call.service import Service

secretsmanager = Service("secretsmanager")

from mesocosm.services.secretsmanager import control, operations, resources  # noqa: E402

__all__ = ["control", "operations", "resources", "secretsmanager"]
