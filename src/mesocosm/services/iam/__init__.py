"""IAM: users, groups, roles, policies and credentials, and the answer to who a caller is and what
it was granted.

IAM has no Regions: the rows of an account live in the cell (account, "aws-global").
"""

from __future__ import annotations

from mesocosm.call.service import Service


def rooms() -> None:
    """What only calls of IAM need."""
    from mesocosm.services.iam import operations  # noqa: F401


iam = Service("iam", is_global=True, denied="AccessDenied", rooms=rooms)

from mesocosm.services.iam import resources  # noqa: E402, F401
