"""What trails do by themselves: deliver log files and log events every five minutes, tell topics of
them, and deliver digests every hour."""

from __future__ import annotations

from mesocosm.services.cloudtrail.control import delivery, digests, feeding, notices, storage

__all__ = ["delivery", "digests", "feeding", "notices", "storage"]
