"""What CloudWatch does by itself."""

from __future__ import annotations

from mesocosm.services.cloudwatch.control import arrivals, retention

__all__ = ["arrivals", "retention"]
