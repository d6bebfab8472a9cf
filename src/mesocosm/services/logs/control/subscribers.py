"""What subscription filters send away."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.logs.resources.rows import Group, Stream


def announce(call: Call, group: Group, stream: Stream, sequence: int) -> None:
    """Note that a chunk of events waits for the group's subscribers."""
