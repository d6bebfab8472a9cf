"""What IAM keeps: rows, ARNs, AWS's own managed policies, and what the call floor asks of it."""

from __future__ import annotations

from mesocosm.services.iam.resources import authority, targets  # noqa: F401
