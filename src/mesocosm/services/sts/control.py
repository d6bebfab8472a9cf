"""Sessions that ended long ago are forgotten."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.sts import sts
from mesocosm.services.sts.resources import PARTITION_WIDE, sessions


@sts.timer("forget")
def forget(call: Call, key: str) -> None:
    """Forget one session."""
    call.rows(sessions, *PARTITION_WIDE).pop(key, None)
