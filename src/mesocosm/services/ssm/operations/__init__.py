"""The operations of Parameter Store, by what they are about."""

from __future__ import annotations

from mesocosm.services.ssm.operations import (
    labels,
    listing,
    reading,
    settings,
    sharing,
    tagged,
    writing,
)

__all__ = ["labels", "listing", "reading", "settings", "sharing", "tagged", "writing"]
