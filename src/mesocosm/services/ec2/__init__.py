"""Amazon EC2: so far only what clients ask at their start, which Regions and zones there are."""

from __future__ import annotations

from mesocosm.call.service import Service

ec2 = Service("ec2", encoded_denials=True, denied="UnauthorizedOperation")

from mesocosm.services.ec2 import operations  # noqa: E402

__all__ = ["ec2", "operations"]
