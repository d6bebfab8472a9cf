"""The operations of S3, by resource."""

from __future__ import annotations

from mesocosm.services.s3.operations import (
    access,
    account,
    acls,
    browsers,
    bucket_settings,
    buckets,
    copying,
    cors,
    deleting,
    listing,
    multipart,
    object_tags,
    reading,
    restoring,
    writing,
)

__all__ = [
    "access",
    "account",
    "acls",
    "browsers",
    "bucket_settings",
    "buckets",
    "copying",
    "cors",
    "deleting",
    "listing",
    "multipart",
    "object_tags",
    "reading",
    "restoring",
    "writing",
]
