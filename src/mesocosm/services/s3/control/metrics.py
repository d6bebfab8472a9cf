"""What buckets measure about themselves: the namespace AWS/S3 (S3 user guide, "Metrics and
dimensions"). Storage once a day at midnight; requests where a metrics configuration asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.call.call import Call
from mesocosm.call.metering import Meter, Metric
from mesocosm.services.s3 import s3
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.world import Change, World

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.steps import Passage

DAY = 86_400.0
NAMESPACE = "AWS/S3"
size = Metric(NAMESPACE, "BucketSizeBytes", "Bytes")
number = Metric(NAMESPACE, "NumberOfObjects")
all_requests = Metric(NAMESPACE, "AllRequests")
downloaded = Metric(NAMESPACE, "BytesDownloaded", "Bytes")
uploaded = Metric(NAMESPACE, "BytesUploaded", "Bytes")
client_errors = Metric(NAMESPACE, "4xxErrors")
server_errors = Metric(NAMESPACE, "5xxErrors")
first_byte = Metric(NAMESPACE, "FirstByteLatency", "Milliseconds")
by_method = {
    method: Metric(NAMESPACE, f"{method.capitalize()}Requests")
    for method in ("GET", "PUT", "DELETE", "HEAD", "POST")
}
listings = Metric(NAMESPACE, "ListRequests")
selects = Metric(NAMESPACE, "SelectRequests")

STORAGE = {
    "STANDARD": "StandardStorage",
    "STANDARD_IA": "StandardIAStorage",
    "ONEZONE_IA": "OneZoneIAStorage",
    "INTELLIGENT_TIERING": "IntelligentTieringFAStorage",
    "GLACIER_IR": "GlacierInstantRetrievalStorage",
    "GLACIER": "GlacierStorage",
    "DEEP_ARCHIVE": "DeepArchiveStorage",
    "REDUCED_REDUNDANCY": "ReducedRedundancyStorage",
}
"""What a storage class is called in the dimension StorageType."""


class Stored:
    """Bytes by storage class, and how many versions and markers, of every bucket of a world: summed
    up once, then kept by what changes.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.buckets: dict[str, dict[str, int]] = {}
        self.numbers: dict[str, int] = {}
        for _, _, versions in list(world.cells(rows.objects)):
            for key, row in versions.items():
                self._add(key[0], row, 1)
        world.changes.subscribe(rows.objects, self._changed)
        world.changes.reset.append(self._end)

    def _end(self) -> None:
        # After a rewind the world makes another one.
        self._world.changes.unsubscribe(rows.objects, self._changed)
        self._world.changes.reset.remove(self._end)

    def _add(self, bucket: str, row: rows.Object, sign: int) -> None:
        self.numbers[bucket] = self.numbers.get(bucket, 0) + sign
        sizes = self.buckets.setdefault(bucket, {})
        sizes[row.storage_class] = sizes.get(row.storage_class, 0) + sign * row.size

    def _changed(self, change: Change) -> None:
        if change.old is not None:
            self._add(change.key[0], change.old, -1)
        if change.new is not None:
            self._add(change.key[0], change.new, 1)


@s3.gauge(DAY)
def measure(call: Call, meter: Meter) -> bool:
    """The bytes and the objects of every bucket, parts of unfinished uploads among them."""
    world = call.world
    buckets = world.rows(rows.buckets, *rows.PARTITION_CELL)
    if not buckets:
        return True
    stored = world.derived(Stored)
    pending = _pending(world)
    midnight = call.now // DAY * DAY
    for name, bucket in buckets.items():
        sizes = dict(stored.buckets.get(name, {}))
        count = stored.numbers.get(name, 0)
        for storage_class, length in pending.get(name, ()):
            sizes[storage_class] = sizes.get(storage_class, 0) + length
            count += 1
        cell = (bucket.account, bucket.region)
        for storage_class, total in sizes.items():
            kind = STORAGE.get(storage_class)
            if kind is not None and (total or storage_class == "STANDARD"):
                where = (("BucketName", name), ("StorageType", kind))
                meter.sample(*cell, size, where, float(total), midnight)
        if count:
            where = (("BucketName", name), ("StorageType", "AllStorageTypes"))
            meter.sample(*cell, number, where, float(count), midnight)
    return True


def _pending(world: World) -> dict[str, list[tuple[str, int]]]:
    """Storage class and bytes of each part of an unfinished upload, by bucket."""
    found: dict[str, list[tuple[str, int]]] = {}
    for account, region, uploads in world.cells(rows.uploads):
        parts = world.rows(rows.parts, account, region)
        for (bucket, _, upload), row in uploads.items():
            lengths = [
                parts[key].piece.size for key in parts.range((upload, 0), (upload + "\0", 0))
            ]
            some = [(row.object.storage_class, length) for length in lengths]
            found.setdefault(bucket, []).extend(some)
    return found


def note(cloud: Cloud, passage: Passage) -> None:
    """A request was answered: count it for the metrics configurations of its bucket it fits."""
    route = passage.route
    if route is None or "Bucket" not in route.labels:
        return
    bucket = rows.bucket_row(cloud.world, route.labels["Bucket"])
    if bucket is None or "metrics" not in bucket.configured:
        return
    key = route.labels.get("Key", "")
    for name, configuration in configurations.listed(cloud.world, bucket, "metrics"):
        if _fits(cloud.world, bucket, key, configuration.filter):
            _count(cloud, passage, bucket, (("BucketName", bucket.name), ("FilterId", name)))


def _fits(world: World, bucket: rows.Bucket, key: str, given: Any) -> bool:
    if given is None:
        return True
    both = given.and_ or given
    if both.access_point_arn is not None:
        return False  # requests come by no access point here
    if both.prefix is not None and not key.startswith(both.prefix):
        return False
    tag = getattr(both, "tag", None)
    wanted = [tag] if tag is not None else getattr(both, "tags", None) or []
    if not wanted:
        return True
    row = rows.version_rows(world, bucket).get((bucket.name, key, 0))
    return row is not None and all(row.tags.get(one.key) == one.value for one in wanted)


def _count(
    cloud: Cloud, passage: Passage, bucket: rows.Bucket, where: tuple[tuple[str, str], ...]
) -> None:
    route, response = passage.route, passage.response
    assert route is not None
    assert response is not None
    cell = (bucket.account, bucket.region)
    meter = cloud.meter
    meter.count(*cell, all_requests, where)
    kind = _kind(route.operation, passage.request.method, "Key" in route.labels)
    if kind is not None:
        meter.count(*cell, kind, where)
    meter.count(*cell, client_errors, where, float(400 <= response.status < 500))
    meter.count(*cell, server_errors, where, float(response.status >= 500))
    millis = (cloud.world.clock.monotonic() - passage.started) * 1_000
    meter.count(*cell, first_byte, where, round(millis, 3))
    if response.status >= 300:
        return
    if passage.request.method == "GET":
        body = response.body
        length = len(body) if isinstance(body, bytes) else body.size
        meter.count(*cell, downloaded, where, float(length or 0))
    elif passage.request.method in ("PUT", "POST"):
        meter.count(*cell, uploaded, where, float(passage.request.body.size))


def _kind(operation: str, method: str, keyed: bool) -> Metric | None:
    if operation == "SelectObjectContent":
        return selects
    if operation.startswith("List") and operation != "ListParts":
        return listings
    return by_method.get(method) if keyed else None
