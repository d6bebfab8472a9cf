"""The operations of S3, by resource."""

from __future__ import annotations

from mesocosm.services.s3.operations import (
    bucket_settings,
    buckets,
    deleting,
    listing,
    reading,
    writing,
)

__all__ = ["bucket_settings", "buckets", "deleting", "listing", "reading", "writing"]
