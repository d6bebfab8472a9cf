"""Replication at work: versions are queued with the write that made them, and copied a little
later by the world's clock, as the role of the configuration, with that role's permissions.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import events
from mesocosm.services.s3.control.replicating import Copier, Refused
from mesocosm.services.s3.resources import configurations, pending, rows
from mesocosm.services.s3.resources.versions import find_version
from mesocosm.services.s3.rules import replication as rules
from mesocosm.services.s3.rules.notifications import instant

if TYPE_CHECKING:
    from mesocosm.call.call import Call

REPLICA = "REPLICA"
THRESHOLD_SECONDS = 900.0


def mark(call: Call, bucket: rows.Bucket, key: str, row: rows.Object) -> rows.Object:
    """A new version as it is written: PENDING when it is going to be copied."""
    if bucket.versioning != "Enabled":
        return row
    document = configurations.get(call.world, bucket, "replication")
    if document is None or not rules.applying(document, key, row):
        return row
    if row.marker and call.operation is None:
        return row  # delete markers that lifecycle rules make are not copied
    return replace(row, replication="PENDING")


def queue(call: Call, bucket: rows.Bucket, key: str, row: rows.Object) -> None:
    """Queue the copies of a version that has just been written (and was marked)."""
    if row.replication == "PENDING":
        _queue(call, bucket, key, row, "marker" if row.marker else "object")


def changed(call: Call, bucket: rows.Bucket, place: rows.VersionKey) -> None:
    """The tags, ACL or lock of a version were changed: copy that too."""
    document = configurations.get(call.world, bucket, "replication")
    if document is None or bucket.versioning != "Enabled":
        return
    versions = rows.version_rows(call.world, bucket)
    row = versions[place]
    if not row.replication or row.marker:
        return  # it was there before the rules
    found = rules.applying(document, place[1], row)
    if row.replication == REPLICA:
        found = [rule for rule in found if rules.syncs_replicas(rule.given)]
    if not found:
        return
    if row.replication != REPLICA:
        row = versions[place] = replace(row, replication="PENDING")
    _queue(call, bucket, place[1], row, "metadata")


def _queue(call: Call, bucket: rows.Bucket, key: str, row: rows.Object, what: str) -> None:
    document = configurations.get(call.world, bucket, "replication")
    tasks = call.rows(pending.replications, bucket.account, bucket.region)
    size = row.size if what == "object" else 0
    # In whole seconds: what many writes leave to be copied is looked through once a second.
    due = float(ceil(call.now + rules.delay(size)))
    for rule in rules.applying(document, key, row):
        if row.replication == REPLICA and not rules.syncs_replicas(rule.given):
            continue
        order = call.world.derived(pending.Order).next()
        task = tasks[bucket.name, order] = pending.Replication(
            rule=rule.id,
            bucket=bucket.name,
            key=key,
            version=row.version,
            destination=rule.destination,
            what=what,
            queued=call.now,
            due=due,
            size=size,
        )
        _count(call, bucket, rule.given, task, waiting=1)
    timer = call.timers.get("s3", "replicate", bucket.name, bucket.account, bucket.region)
    if timer is None or timer.due > due:
        call.timers.at(due, "s3", "replicate", bucket.name, bucket.account, bucket.region)


def _count(
    call: Call,
    bucket: rows.Bucket,
    given: Any,
    task: pending.Replication,
    *,
    waiting: int,
    failed: bool = False,
) -> None:
    """Keep the metrics of a rule that has them."""
    if given is None or not rules.tracked(given):
        return
    kept = call.rows(pending.replication_metrics, bucket.account, bucket.region)
    key = (task.bucket, task.destination, task.rule)
    row = kept.get(key) or pending.ReplicationMetrics()
    kept[key] = replace(
        row,
        bytes_pending=max(0, row.bytes_pending + waiting * task.size),
        operations_pending=max(0, row.operations_pending + waiting),
        latency=row.latency if waiting > 0 else call.now - task.queued,
        failed=row.failed + failed,
    )


@s3.timer("replicate")
def run(call: Call, name: str) -> None:
    """Copy what is due, each key in its order."""
    tasks = call.rows(pending.replications)
    bucket = rows.bucket_row(call.world, name)
    document = configurations.get(call.world, bucket, "replication") if bucket else None
    copier = Copier(call, bucket, document) if bucket and document else None
    waiting: set[str] = set()
    following: float | None = None
    keys = list(tasks.range((name, 0), (name + "\0", 0)))
    left = Counter(tasks[key].version for key in keys)
    for key in keys:
        task = tasks[key]
        if bucket is not None and (task.due > call.now or task.key in waiting):
            waiting.add(task.key)
            due = max(task.due, call.now)
            following = due if following is None else min(following, due)
            continue
        del tasks[key]
        left[task.version] -= 1
        if bucket is not None:
            _do(call, bucket, copier, task, not left[task.version])
    if following is not None:
        call.at(following, "replicate", name)


def _do(
    call: Call, bucket: rows.Bucket, copier: Copier | None, task: pending.Replication, last: bool
) -> None:
    """One copy, and what it leaves behind: the status at the source, metrics, events."""
    given = copier.rule(task) if copier is not None else None
    refusal: Refused | None = None
    if copier is None or given is None:
        refusal = Refused("ConfigurationRemoved")
    else:
        try:
            copier.copy(task, given)
        except Refused as caught:
            refusal = caught
        copier.record(task, refusal)
    _count(call, bucket, given, task, waiting=-1, failed=refusal is not None)
    row = _settle(call, bucket, task, refusal, last)
    if given is None or row is None or not rules.tracked(given):
        return
    late = given.destination.replication_time is not None and (
        call.now - task.queued > THRESHOLD_SECONDS
    )
    if refusal is None and not late:
        return
    name = "OperationFailedReplication" if refusal else "OperationReplicatedAfterThreshold"
    events.emit(
        call,
        bucket,
        task.key,
        row,
        f"Replication:{name}",
        replicationEventData={
            "replicationRuleId": task.rule,
            "destinationBucket": f"arn:aws:s3:::{task.destination}",
            "s3Operation": "OBJECT_PUT" if task.what == "object" else "OBJECT_METADATA",
            "requestTime": instant(task.queued),
            **({"failureReason": refusal.reason} if refusal else {}),
        },
    )


def _settle(
    call: Call,
    bucket: rows.Bucket,
    task: pending.Replication,
    refusal: Refused | None,
    last: bool,
) -> rows.Object | None:
    """Write the status at the source, once no other copy of the version is outstanding."""
    versions = rows.version_rows(call.world, bucket)
    found = find_version(versions, bucket.name, task.key, task.version)
    if found is None:
        return None
    place, row = found
    if row.replication == REPLICA:
        return row
    if refusal is not None:
        status = "FAILED"
    elif row.replication == "FAILED" or not last:
        status = row.replication
    else:
        status = "COMPLETED"
    if status != row.replication:
        row = versions[place] = replace(row, replication=status)
    return row
