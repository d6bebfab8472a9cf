"""Walking an ordered table of keys as the listings of S3 do: prefix, delimiter, markers, limits."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from urllib.parse import quote

from mesocosm.services.s3.rules.attributes import argument
from mesocosm.services.s3.rules.names import successor

KEYS_MAX = 1000
SEEK_AFTER = 32
"""Older versions passed over one by one before the walk seeks to the next key."""

Place = tuple[str, str, int]
Scan = Callable[[Place | None, Place | None], Iterator[Place]]


def limit(value: int | None, name: str) -> int:
    """How many entries a page may hold. Raises InvalidArgument for a negative number."""
    if value is None:
        return KEYS_MAX
    if value < 0 or value > 2_147_483_647:
        raise argument(
            f"Argument {name} must be an integer between 0 and 2147483647", name, str(value)
        )
    return min(value, KEYS_MAX)


def encoder(encoding: str | None) -> Callable[[str], str]:
    """How keys are shown: as they are, or percent-encoded (`encoding-type=url`). Raises
    InvalidArgument.
    """
    if encoding is None or encoding == "":
        return str
    if encoding != "url":
        raise argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return lambda text: quote(text, safe="/-_.*~").replace("%20", "+")


def token(position: str) -> str:
    """An opaque continuation token."""
    return base64.b64encode(b"1" + position.encode()).decode()


def position(text: str) -> str:
    """What a continuation token stands for. Raises InvalidArgument."""
    try:
        data = base64.b64decode(text, validate=True)
        if data.startswith(b"1"):
            return data[1:].decode()
    except (binascii.Error, ValueError):
        pass
    raise argument("The continuation token provided is incorrect", "continuation-token", text)


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """The prefix a key is rolled up into, None when it is shown itself."""
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


class Entry:
    """One entry of a page: a place in the table, or a common prefix."""

    __slots__ = ("key", "place")

    def __init__(self, key: str, place: Place | None) -> None:
        self.key = key
        self.place = place


def walk(
    scan: Scan,
    bucket: str,
    prefix: str,
    delimiter: str,
    after: str,
    start: Place | None,
    shown: Callable[[Place], bool],
    every: bool,
) -> Iterator[Entry]:
    """The entries after `after` (a key or a common prefix), in order.

    `start` is where to begin inside a key instead (versions); `shown` says whether a place is an
    entry at all; `every`: older versions are entries too. A common prefix is passed over by
    one seek.
    """
    end = successor(prefix) if prefix else None
    stop: Place = (bucket, end, 0) if end is not None else (bucket + "\0", "", 0)
    begin: Place | None = start or max(
        (bucket, prefix, 0), _beyond(bucket, after, prefix, delimiter)
    )
    while begin is not None:
        passed = 0
        following: Place | None = None
        for place in scan(begin, stop):
            key = place[1]
            rolled = common_prefix(key, prefix, delimiter) if delimiter else None
            if rolled is not None:
                # A prefix is an entry when anything below it is.
                if not shown(place):
                    continue
                if rolled > after or not after:
                    yield Entry(rolled, None)
                beyond = successor(rolled)
                following = (bucket, beyond, 0) if beyond is not None else None
                break
            if not every and place[2] != 0:
                passed += 1
                if passed > SEEK_AFTER:
                    following = (bucket, key + "\0", 0)
                    break
                continue
            passed = 0
            if shown(place):
                yield Entry(key, place)
        begin = following


def _beyond(bucket: str, after: str, prefix: str, delimiter: str) -> Place:
    """The first place after a marker: after everything that a marker which is a common prefix
    stands for.
    """
    if not after:
        return (bucket, "", 0)
    if delimiter and after.startswith(prefix) and common_prefix(after, prefix, delimiter) == after:
        beyond = successor(after)
        return (bucket, beyond, 0) if beyond is not None else (bucket + "\0", "", 0)
    return (bucket, after + "\0", 0)
