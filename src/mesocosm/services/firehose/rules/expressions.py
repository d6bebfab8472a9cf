"""Names of delivered objects: prefixes with expressions, timestamps, suffixes.

Source: Amazon Data Firehose developer guide, "Understand custom prefixes for Amazon S3 objects".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mesocosm.wire.errors import AwsError

EXPRESSION = re.compile(r"!\{([A-Za-z-]+):([^}]*)\}")
PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.S)
NAMESPACES = frozenset({"timestamp", "firehose", "partitionKeyFromQuery"})
ERROR_TYPE = "error-output-type"
RANDOM = "random-string"

EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip", "UNCOMPRESSED": ""}


def refused(message: str) -> AwsError:
    """A prefix that cannot be."""
    return AwsError("InvalidArgumentException", message)


def zone(name: str) -> tzinfo:
    """A time zone by name; without one, UTC. Raises InvalidArgumentException."""
    if name in ("", "UTC"):
        return UTC  # needs no database of time zones
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refused(f"The custom time zone {name} is not valid.") from None


def _formatted(letters: str, at: datetime) -> str:
    """One run of a letter of Java's DateTimeFormatter."""
    letter, width = letters[0], len(letters)
    if letter in "yu":
        return f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}"
    if letter in "ML" and width > 2:
        return at.strftime("%b" if width == 3 else "%B")
    if letter in "Ee":
        return at.strftime("%a" if width < 4 else "%A")
    if letter == "a":
        return at.strftime("%p")
    if letter == "S":
        return f"{at.microsecond:06d}"[:width].ljust(width, "0")
    if letter in "zZXx":
        offset = at.strftime("%z")
        return (
            (at.tzname() or "")
            if letter == "z"
            else ("Z" if offset == "+0000" and letter == "X" else offset)
        )
    numbers = {
        "M": at.month,
        "L": at.month,
        "d": at.day,
        "D": at.timetuple().tm_yday,
        "H": at.hour,
        "k": at.hour or 24,
        "K": at.hour % 12,
        "h": at.hour % 12 or 12,
        "m": at.minute,
        "s": at.second,
        "w": at.isocalendar().week,
    }
    if letter not in numbers:
        raise refused(f"The pattern letter {letter} of a timestamp is not supported.")
    return f"{numbers[letter]:0{width}d}"


def timestamp(pattern: str, at: datetime) -> str:
    """A moment by a pattern of Java's DateTimeFormatter. Raises InvalidArgumentException."""
    found = []
    for match in PATTERN.finditer(pattern):
        quoted, letter, other = match[1], match[2], match[3]
        if letter:
            found.append(_formatted(match[0], at))
        else:
            found.append(other if quoted is None else (quoted.replace("''", "'") or "'"))
    return "".join(found)


class Place(NamedTuple):
    """What a prefix is evaluated with. `error`: the kind of failure, for error prefixes."""

    at: datetime
    random: str
    keys: Mapping[str, str] = {}
    error: str = ""


def evaluated(prefix: str, place: Place) -> str:
    """A prefix with its expressions evaluated; one without gets YYYY/MM/dd/HH/ after it."""

    def value(match: re.Match[str]) -> str:
        namespace, name = match[1], match[2]
        if namespace == "timestamp":
            return timestamp(name, place.at)
        if namespace == "partitionKeyFromQuery":
            return place.keys.get(name, "")
        return place.error if name == ERROR_TYPE else place.random[:11]

    if EXPRESSION.search(prefix) is None:
        kind = f"{place.error}/" if place.error else ""
        return f"{prefix}{kind}{place.at:%Y/%m/%d/%H/}"
    return EXPRESSION.sub(value, prefix)


def moment(at: float, zone_name: str = "") -> datetime:
    """Epoch seconds as what names show."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone(zone_name))


def suffix(stream: str, version: int, at: datetime, random: str, extension: str) -> str:
    """The last part of an object's name."""
    return f"{stream}-{version}-{at:%Y-%m-%d-%H-%M-%S}-{random}{extension}"


def names(prefix: str, namespace: str) -> list[str]:
    """What a prefix takes from a namespace."""
    return [match[2] for match in EXPRESSION.finditer(prefix) if match[1] == namespace]


def check(prefix: str, error_prefix: str, keys: frozenset[str], dynamic: bool) -> None:
    """Refuse prefixes that cannot be evaluated. Raises InvalidArgumentException."""
    sample = Place(datetime(2024, 1, 2, tzinfo=UTC), "random", {}, "error")
    for text in (prefix, error_prefix):
        evaluated(text, sample)
        for match in EXPRESSION.finditer(text):
            if match[1] not in NAMESPACES:
                raise refused(f"Namespace {match[1]} is not supported in a prefix.")
            if match[1] == "firehose" and match[2] not in (ERROR_TYPE, RANDOM):
                raise refused(f"The expression firehose:{match[2]} is not supported.")
        if "!{" in EXPRESSION.sub("", text):
            raise refused("Prefix contains an expression that cannot be read.")
    if ERROR_TYPE in names(prefix, "firehose"):
        raise refused(f"Prefix cannot contain firehose:{ERROR_TYPE}.")
    if EXPRESSION.search(prefix) and ERROR_TYPE not in names(error_prefix, "firehose"):
        raise refused(
            "ErrorOutputPrefix must contain !{firehose:error-output-type} when Prefix contains "
            "expressions."
        )
    if names(error_prefix, "partitionKeyFromQuery"):
        raise refused("ErrorOutputPrefix cannot contain partitionKeyFromQuery.")
    used = names(prefix, "partitionKeyFromQuery")
    if used and not dynamic:
        raise refused("partitionKeyFromQuery needs dynamic partitioning to be enabled.")
    unknown = sorted(set(used) - keys) if keys else []
    if unknown:
        raise refused(f"MetadataExtractionQuery does not make the partition key {unknown[0]}.")
    if dynamic and not used:
        raise refused(
            "Dynamic partitioning needs a Prefix with partitionKeyFromQuery or "
            "partitionKeyFromLambda."
        )
