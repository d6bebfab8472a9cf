"""AWS Organizations: accounts under one management account, and the policies that limit them.

Everything of an organization lives in one partition-wide cell: who belongs where must be known from
any account.
"""

from __future__ import annotations

from mesocosm.call.service import Service


def rooms() -> None:
    """What only calls of Organizations need."""
    from mesocosm.services.organizations import control, operations  # noqa: F401


organizations = Service(
    "organizations",
    is_global=True,
    denied="AccessDeniedException",
    rooms=rooms,
)

from mesocosm.services.organizations import resources  # noqa: E402, F401
