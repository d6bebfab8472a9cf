"""The rows of logs, the events in segments, and the look-up from an ARN."""

from mesocosm.services.logs.resources import targets

__all__ = ["targets"]
