"""AWS Organizations: accounts under one management account, and the policies that limit them.

Everything of an organization lives in one partition-wide cell: who belongs where must be known from
any account.
"""

from __future__ import annotations

from mesocosm.call.service import Service

organizations = Service("organizations", is_global=True, denied="AccessDeniedException")

from mesocosm.services.organizations import control, operations, resources  # noqa: E402, F401
