"""The configurations of a bucket: documents as the API takes them, kept by kind and id.

What decides about every read and write is a member of the bucket's row; what is looked at now and
then (lifecycle, notifications, replication, website, logging, reports) is a document here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import s3 as api
from mesocosm.services.s3.resources.rows import Bucket, bucket_row, put_bucket
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.world import World


class Configuration(msgspec.Struct, frozen=True):
    """A document as JSON, its members by their wire names."""

    text: str


configurations = Table("s3.configurations", Configuration, key=tuple[str, str, str], ordered=True)
"""Key: bucket, kind (one of SHAPES), id ("" where a bucket has at most one)."""

SHAPES = {
    "analytics": "AnalyticsConfiguration",
    "encryption": "ServerSideEncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "BucketLifecycleConfiguration",
    "lifecycle-size": "GetBucketLifecycleConfigurationOutput",
    "logging": "LoggingEnabled",
    "metrics": "MetricsConfiguration",
    "notification": "NotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "replication": "ReplicationConfiguration",
    "website": "WebsiteConfiguration",
}


class Decoded:
    """The documents of a world as typed shapes, decoded once."""

    def __init__(self, world: World) -> None:
        self._kept: dict[tuple[str, str, str], tuple[Configuration, Any]] = {}

    def value(self, key: tuple[str, str, str], row: Configuration) -> Any:
        """The shape of a row."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] is row:
            return kept[1]
        value = msgspec.json.decode(row.text, type=getattr(api, SHAPES[key[1]]))
        self._kept[key] = (row, value)
        return value


def get(world: World, bucket: Bucket, kind: str, name: str = "") -> Any:
    """A document as its API shape, which must not be changed; None when there is none."""
    if kind not in bucket.configured:
        return None
    kept = world.rows(configurations, bucket.account, bucket.region)
    key = (bucket.name, kind, name)
    row = kept.get(key)
    return None if row is None else world.derived(Decoded).value(key, row)


def put(world: World, bucket: Bucket, kind: str, value: Any, name: str = "") -> None:
    """Keep a document."""
    kept = world.rows(configurations, bucket.account, bucket.region)
    kept[bucket.name, kind, name] = Configuration(msgspec.json.encode(value).decode())
    now = bucket_row(world, bucket.name) or bucket
    if kind not in now.configured:
        put_bucket(world, replace(now, configured=(*now.configured, kind)))


def delete(world: World, bucket: Bucket, kind: str, name: str = "") -> bool:
    """Forget a document; whether there was one."""
    kept = world.rows(configurations, bucket.account, bucket.region)
    found = kept.pop((bucket.name, kind, name), None) is not None
    if found and not listed(world, bucket, kind):
        now = bucket_row(world, bucket.name) or bucket
        left = tuple(other for other in now.configured if other != kind)
        put_bucket(world, replace(now, configured=left))
    return found


def listed(world: World, bucket: Bucket, kind: str) -> list[tuple[str, Any]]:
    """The documents of a kind by id."""
    kept = world.rows(configurations, bucket.account, bucket.region)
    keys = kept.range((bucket.name, kind, ""), (bucket.name, kind + "\0", ""))
    return [(key[2], world.derived(Decoded).value(key, kept[key])) for key in keys]


def forget(world: World, bucket: Bucket) -> None:
    """The bucket is deleted."""
    kept = world.rows(configurations, bucket.account, bucket.region)
    for key in list(kept.range((bucket.name, "", ""), (bucket.name + "\0", "", ""))):
        del kept[key]
