"""AWS Account Management: names, contacts and Regions of accounts (API version 2021-02-01)."""

from __future__ import annotations

from mesocosm.call.service import Service

account = Service("account", is_global=True, denied="AccessDeniedException")

from mesocosm.services.account import control, operations, resources  # noqa: E402

__all__ = ["account", "control", "operations", "resources"]
