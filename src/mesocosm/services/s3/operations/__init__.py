"""The operations of S3, by resource."""

from __future__ import annotations

from mesocosm.services.s3.operations import (
    access,
    acls,
    bucket_settings,
    buckets,
    copying,
    deleting,
    listing,
    multipart,
    object_tags,
    reading,
    writing,
)

__all__ = [
    "access",
    "acls",
    "bucket_settings",
    "buckets",
    "copying",
    "deleting",
    "listing",
    "multipart",
    "object_tags",
    "reading",
    "writing",
]
