"""The operations of SNS, by what they are about."""

from __future__ import annotations

from mesocosm.services.sns.operations import (
    confirming,
    permissions,
    publishing,
    subscriptions,
    tagged,
    tags,
    topics,
)

__all__ = ["confirming", "permissions", "publishing", "subscriptions", "tagged", "tags", "topics"]
