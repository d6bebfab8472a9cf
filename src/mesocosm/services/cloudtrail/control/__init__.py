"""What trails do by themselves: deliver log files every five minutes, and digests every hour."""

from __future__ import annotations

from mesocosm.services.cloudtrail.control import delivery, digests, storage

__all__ = ["delivery", "digests", "storage"]
