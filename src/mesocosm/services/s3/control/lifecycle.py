"""Lifecycle rules at work: every midnight (UTC) by the world's clock."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from mesocosm.services.s3 import s3
from mesocosm.services.s3.control import access_log, events
from mesocosm.services.s3.operations import multipart
from mesocosm.services.s3.operations.writing import write
from mesocosm.services.s3.resources import configurations, rows
from mesocosm.services.s3.resources.versions import remove_version
from mesocosm.services.s3.rules import lifecycle as rules

if TYPE_CHECKING:
    from mesocosm.call.call import Call

AT_ONCE = 500
"""Versions looked at in one go; calls go between."""

CLASS_LETTERS = {
    "STANDARD_IA": "SIA",
    "ONEZONE_IA": "ZIA",
    "INTELLIGENT_TIERING": "INT",
    "GLACIER": "",
    "GLACIER_IR": "GIR",
    "DEEP_ARCHIVE": "GDA",
}
"""How access logs name the storage classes of a transition."""


def plan(call: Call, bucket: rows.Bucket) -> None:
    """Look at the bucket at the next midnight."""
    midnight = (call.now // rules.DAY + 1) * rules.DAY
    call.timers.at(midnight, "s3", "lifecycle", bucket.name, bucket.account, bucket.region)


@s3.timer("lifecycle")
def run(call: Call, name: str) -> None:
    """Do what the rules of a bucket want at this instant."""
    work = _work(call, name)
    if work is not None:
        plan(call, work.bucket)
        work.uploads()
        _some(call, work, "")


@s3.timer("lifecycle-on")
def go_on(call: Call, key: str) -> None:
    """The same for the keys of a bucket after one: `bucket`, a line feed, `key`."""
    name, _, after = key.partition("\n")
    work = _work(call, name)
    if work is not None:
        _some(call, work, after + "\0")


def _work(call: Call, name: str) -> Work | None:
    """The rules of a bucket, if it has any."""
    bucket = rows.bucket_row(call.world, name)
    document = configurations.get(call.world, bucket, "lifecycle") if bucket is not None else None
    if bucket is None or document is None:
        return None
    sizes = configurations.get(call.world, bucket, "lifecycle-size")
    small = sizes is not None and (
        sizes.transition_default_minimum_object_size == "varies_by_storage_class"
    )
    return Work(call, bucket, rules.enabled(document), small)


def _some(call: Call, work: Work, start: str) -> None:
    """Some keys from one on; a timer of this same instant goes on with the others."""
    bucket = work.bucket
    versions = rows.version_rows(call.world, bucket)
    places = versions.range((bucket.name, start, 0), (bucket.name + "\0", "", 0))
    chosen: list[rows.VersionKey] = []
    more = False
    for place in places:
        if len(chosen) >= AT_ONCE and place[1] != chosen[-1][1]:
            more = True
            break
        chosen.append(place)
    for key, group in groupby(chosen, lambda place: place[1]):
        work.key(key, [(place, versions[place]) for place in group])
    if more:
        following = f"{bucket.name}\n{chosen[-1][1]}"
        call.timers.at(call.now, "s3", "lifecycle-on", following, bucket.account, bucket.region)


class Work(NamedTuple):
    """One run over one bucket."""

    call: Call
    bucket: rows.Bucket
    rules: list[rules.Rule]
    small: bool

    def key(self, key: str, group: list[tuple[rows.VersionKey, rows.Object]]) -> None:
        """The versions of one key, newest first."""
        left = len(group) - 1
        for index in range(1, len(group)):
            place, row = group[index]
            since = group[index - 1][1].modified
            if self._older(key, place, row, since, index - 1):
                left -= 1
        place, row = group[0]
        if row.marker:
            if left == 0:
                self._lone_marker(key, place, row)
            return
        self._newest(key, place, row)

    def _older(
        self, key: str, place: rows.VersionKey, row: rows.Object, since: float, newer: int
    ) -> bool:
        """An older version; whether it is gone."""
        now = self.call.now
        if _waits(row):
            return False
        if rules.noncurrent_expired(self.rules, key, row, since, newer, now):
            if _locked(row, now):
                return False
            remove_version(rows.version_rows(self.call.world, self.bucket), place)
            self._removed(key, row)
            return True
        if not row.marker:
            self._move(key, place, row, (since, newer))
        return False

    def _newest(self, key: str, place: rows.VersionKey, row: rows.Object) -> None:
        call, bucket = self.call, self.bucket
        if _waits(row):
            return
        found = rules.expiration(self.rules, key, row)
        if found is None or found[0] > call.now:
            self._move(key, place, row, None)
        elif not bucket.versioning:
            del rows.version_rows(call.world, bucket)[place]
            self._removed(key, row)
        else:
            marker = rows.Object(modified=call.now, owner=bucket.account, marker=True)
            marker = write(call, bucket, key, marker)
            events.emit(call, bucket, key, marker, "LifecycleExpiration:DeleteMarkerCreated")
            access_log.by_itself(call, bucket, "S3.CREATE.DELETEMARKER", key, marker)

    def _lone_marker(self, key: str, place: rows.VersionKey, row: rows.Object) -> None:
        """A delete marker with nothing beneath it goes, where a rule says so."""
        for rule in self.rules:
            given = rule.given.expiration
            if given is None or not key.startswith(rule.scope.prefix) or rule.scope.tags:
                continue
            old = given.days is not None and (
                rules.at_midnight(row.modified, given.days) <= self.call.now
            )
            if given.expired_object_delete_marker or old:
                remove_version(rows.version_rows(self.call.world, self.bucket), place)
                self._removed(key, row)
                return

    def _removed(self, key: str, row: rows.Object) -> None:
        events.emit(self.call, self.bucket, key, row, "LifecycleExpiration:Delete")
        access_log.by_itself(self.call, self.bucket, "S3.EXPIRE.OBJECT", key, row)

    def _move(
        self,
        key: str,
        place: rows.VersionKey,
        row: rows.Object,
        noncurrent: tuple[float, int] | None,
    ) -> None:
        to = rules.transition(self.rules, key, row, self.call.now, noncurrent, self.small)
        if to is None:
            return
        row = replace(row, storage_class=to, restore=None)
        rows.version_rows(self.call.world, self.bucket)[place] = row
        events.emit(
            self.call,
            self.bucket,
            key,
            row,
            "LifecycleTransition",
            lifecycleEventData={"transitionEventData": {"destinationStorageClass": to}},
        )
        letters = CLASS_LETTERS.get(to, to)
        name = f"S3.TRANSITION_{letters}.OBJECT" if letters else "S3.TRANSITION.OBJECT"
        access_log.by_itself(self.call, self.bucket, name, key, row)

    def uploads(self) -> None:
        """Give up multipart uploads that were not completed in time."""
        call, bucket = self.call, self.bucket
        going_on = call.rows(rows.uploads, bucket.account, bucket.region)
        name = bucket.name
        for place in list(going_on.range((name, "", ""), (name + "\0", "", ""))):
            begun = going_on[place].initiated
            for rule in self.rules:
                abort = rule.given.abort_incomplete_multipart_upload
                if abort is None or not place[1].startswith(rule.scope.prefix):
                    continue
                if rules.at_midnight(begun, abort.days_after_initiation) <= call.now:
                    multipart.forget(call, bucket, place)
                    access_log.by_itself(call, bucket, "S3.DELETE.UPLOAD", place[1], None)
                    break


def _waits(row: rows.Object) -> bool:
    """S3 leaves versions alone whose replication has not come to its end."""
    return row.replication in ("PENDING", "FAILED")


def _locked(row: rows.Object, now: float) -> bool:
    lock = row.lock
    return lock is not None and (lock.hold or bool(lock.mode and lock.until > now))
