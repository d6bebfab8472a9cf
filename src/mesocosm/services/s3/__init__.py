"""Amazon S3: buckets and objects (API version 2006-03-01)."""

from __future__ import annotations

from mesocosm.call.service import Service

s3 = Service("s3", denied="AccessDenied", anonymous=True)
s3control = Service("s3control", prefix="s3", denied="AccessDenied")

from mesocosm.services.s3 import operations  # noqa: E402
from mesocosm.services.s3.resources import targets  # noqa: E402

__all__ = ["operations", "s3", "s3control", "targets"]
