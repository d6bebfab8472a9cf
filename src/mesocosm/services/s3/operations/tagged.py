"""Buckets as resources with tags, for the tagging API.

S3 replaces the whole set of a bucket's tags, so the request for a change is made of what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesocosm.api import s3 as api
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources.rows import PARTITION_CELL, bucket_row, buckets

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

PREFIX = "arn:aws:s3:::"


def _tags(call: Call, arn: str) -> Mapping[str, str]:
    bucket = bucket_row(call.world, arn.removeprefix(PREFIX))
    return bucket.tags if bucket is not None else {}


def _request(arn: str, tags: Mapping[str, str]) -> api.PutBucketTaggingRequest:
    tag_set = [api.Tag(key=key, value=value) for key, value in tags.items()]
    name = arn.removeprefix(PREFIX)
    return api.PutBucketTaggingRequest(bucket=name, tagging=api.Tagging(tag_set=tag_set))


@s3.tagged(
    "AWS::S3::Bucket",
    "arn:aws:s3:::*",
    tag=("PutBucketTagging", lambda call, arn, tags: _request(arn, {**_tags(call, arn), **tags})),
    untag=(
        "PutBucketTagging",
        lambda call, arn, keys: _request(
            arn, {key: value for key, value in _tags(call, arn).items() if key not in keys}
        ),
    ),
)
def tagged(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The buckets of the account in the Region, with their tags."""
    for name, row in world.rows(buckets, *PARTITION_CELL).items():
        if row.account == account and row.region == region:
            yield PREFIX + name, row.tags
