"""The operations of Secrets Manager, by what they are about."""

from __future__ import annotations

from mesocosm.services.secretsmanager.operations import (
    lists,
    policies,
    replication,
    rotation,
    secrets,
    tagged,
    values,
)

__all__ = ["lists", "policies", "replication", "rotation", "secrets", "tagged", "values"]
