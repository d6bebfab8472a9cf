"""What SNS does by itself: it delivers, tries again, replays, and forgets."""

from __future__ import annotations

from mesocosm.services.sns.control import archive, delivering, upkeep

__all__ = ["archive", "delivering", "upkeep"]
