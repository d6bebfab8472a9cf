"""The operations of Resource Groups, by what they are about."""

from __future__ import annotations

from mesocosm.services.resource_groups.operations import (
    applications,
    groups,
    members,
    settings,
    tagged,
    tags,
)

__all__ = ["applications", "groups", "members", "settings", "tagged", "tags"]
