"""The operations of Organizations, by what they are about."""

from __future__ import annotations

from mesocosm.services.organizations.operations import (
    accounts,
    attachments,
    closing,
    delegation,
    effective,
    handshakes,
    organization,
    policies,
    tagged,
    tags,
    units,
)

__all__ = [
    "accounts",
    "attachments",
    "closing",
    "delegation",
    "effective",
    "handshakes",
    "organization",
    "policies",
    "tagged",
    "tags",
    "units",
]
