"""What Organizations keeps, and what it tells the call floor."""

from __future__ import annotations

from mesocosm.services.organizations.resources import authority, rows, targets, tree

__all__ = ["authority", "rows", "targets", "tree"]
