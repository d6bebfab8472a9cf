"""The operations of logs, by what they are about."""

from mesocosm.services.logs.operations import groups, reading, streams, tags, writing

__all__ = ["groups", "reading", "streams", "tags", "writing"]
