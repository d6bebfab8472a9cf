"""The versions of one key: finding, adding and removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.services.s3.resources.rows import (
    NULL_VERSION,
    Bucket,
    Object,
    VersionKey,
    version_rows,
)

if TYPE_CHECKING:
    from mesocosm.world import Rows, World

OLDEST = 1 << 52
NUMBER_LENGTH = 9


def order(row: Object) -> int:
    """Where a version that is not the newest stands among the versions of its key."""
    return OLDEST - row.number


def new_version_id(random: str, number: int) -> str:
    """A version id of 32 characters that also says which number the version has: `random` gives 23
    of them.
    """
    digits = ""
    for _ in range(NUMBER_LENGTH):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return random + digits


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def place_of(version: str) -> int:
    """The order of a version that is not the newest, from its id. Raises ValueError."""
    return OLDEST - int(version[-NUMBER_LENGTH:], 36)


def find_version(
    rows: Rows[VersionKey, Object], bucket: str, key: str, version: str
) -> tuple[VersionKey, Object] | None:
    """A version by its id ("null" included), and where it stands."""
    place = (bucket, key, 0)
    row = rows.get(place)
    if row is None:
        return None
    if row.version == version:
        return place, row
    if version == NULL_VERSION:
        for older in rows.range((bucket, key, 1), (bucket, key, OLDEST + 1)):
            if rows[older].version == NULL_VERSION:
                return older, rows[older]
        return None
    try:
        place = (bucket, key, place_of(version))
    except ValueError:
        return None
    row = rows.get(place)
    if row is not None and row.version == version:
        return place, row
    # A replica has the id of its source, which says nothing of its place here.
    for place in rows.range((bucket, key, 1), (bucket, key, OLDEST + 1)):
        if rows[place].version == version:
            return place, rows[place]
    return None


def add_version(
    rows: Rows[VersionKey, Object], bucket: Bucket, key: str, row: Object, random: str
) -> Object:
    """Make `row` the newest version of a key as the bucket's versioning wants it; returns what was
    written.

    Unversioned: it replaces what there is. Enabled: what there was becomes an older version.
    Suspended: the null
    version is replaced, other versions are kept.
    """
    place = (bucket.name, key, 0)
    newest = rows.get(place)
    if not bucket.versioning:
        rows[place] = row
        return row
    number = 0 if newest is None else newest.number + 1
    if bucket.versioning == "Enabled":
        version = new_version_id(random, number)
    else:
        version = NULL_VERSION
        null = find_version(rows, bucket.name, key, NULL_VERSION)
        if null is not None:
            del rows[null[0]]
            newest = newest if null[0] != place else None
    if newest is not None:
        rows[bucket.name, key, order(newest)] = newest
    row = msgspec.structs.replace(row, version=version, number=number)
    rows[place] = row
    return row


def add_replica(rows: Rows[VersionKey, Object], bucket: Bucket, key: str, row: Object) -> Object:
    """Make a replica the newest version of a key in a versioned bucket; it keeps its version id."""
    place = (bucket.name, key, 0)
    newest = rows.get(place)
    if newest is not None:
        rows[bucket.name, key, order(newest)] = newest
        row = msgspec.structs.replace(row, number=newest.number + 1)
    else:
        row = msgspec.structs.replace(row, number=0)
    rows[place] = row
    return row


def remove_version(rows: Rows[VersionKey, Object], place: VersionKey) -> None:
    """Delete one version for good; the next older one becomes the newest when the newest is
    deleted.
    """
    bucket, key, at = place
    del rows[place]
    if at != 0:
        return
    older = next(rows.range((bucket, key, 1), (bucket, key, OLDEST + 1)), None)
    if older is not None:
        row = rows[older]
        del rows[older]
        rows[bucket, key, 0] = row


def bucket_is_empty(world: World, bucket: Bucket) -> bool:
    """Whether a bucket holds no version of any object (uploads that go on do not count)."""
    rows = version_rows(world, bucket)
    return next(rows.range((bucket.name, "", 0), (bucket.name + "\0", "", 0)), None) is None
