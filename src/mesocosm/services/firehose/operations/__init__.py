"""The operations of Firehose, by what they are about."""

from __future__ import annotations

from mesocosm.services.firehose.operations import (
    destinations,
    encrypting,
    putting,
    streams,
    tagged,
    tags,
)

__all__ = ["destinations", "encrypting", "putting", "streams", "tagged", "tags"]
