"""Rows, how trails are found, and the index of events over the journal."""

from __future__ import annotations

from mesocosm.services.cloudtrail.resources import history, rows, trails

__all__ = ["history", "rows", "trails"]
