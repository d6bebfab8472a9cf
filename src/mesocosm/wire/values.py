"""Scalars as text: timestamps in the three formats of the models, numbers, booleans.

Formats: https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait
"""

from __future__ import annotations

import base64
import binascii
import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate, parsedate_tz
from functools import lru_cache
from typing import Any

ISO = "iso8601"
RFC822 = "rfc822"
UNIX = "unixTimestamp"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([Zz]|[+-]\d\d:?\d\d)?)?\Z"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\Z")


def timestamp(text: str) -> float:
    """Epoch seconds of a timestamp in any of the formats; raises ValueError."""
    text = text.strip()
    found = _ISO.match(text)
    if found is not None:
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        parts = (
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
        )
        seconds = _epoch(*parts)
        if zone and zone not in "Zz":
            sign = -1 if zone[0] == "-" else 1
            seconds -= sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
        return seconds + float(f"0.{fraction}") if fraction else float(seconds)
    compact = _COMPACT.match(text)
    if compact is not None:
        return float(_epoch(*map(int, compact.groups())))
    try:
        return _finite(float(text))
    except ValueError:
        pass
    parsed = parsedate_tz(text)
    if parsed is None:
        raise ValueError(f"not a timestamp: {text}")
    return float(_epoch(*parsed[:6]) - (parsed[9] or 0))


def _finite(value: float) -> float:
    if value - value != 0:
        raise ValueError("not a timestamp")
    return value


def _epoch(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Seconds since the epoch; raises ValueError for a date that does not exist."""
    datetime(year, month, day, hour, minute, min(second, 59))  # checks the ranges
    return calendar.timegm((year, month, day, hour, minute, second))


@lru_cache(maxsize=4096)
def _second(whole: int) -> str:
    return (_EPOCH + timedelta(seconds=whole)).isoformat()[:19]


def iso(value: float) -> str:
    """`2026-01-02T03:04:05Z`, with milliseconds (or microseconds) when there are any."""
    whole, micros = divmod(round(value * 1_000_000), 1_000_000)
    if not micros:
        return f"{_second(whole)}Z"
    if micros % 1000 == 0:
        return f"{_second(whole)}.{micros // 1000:03d}Z"
    return f"{_second(whole)}.{micros:06d}Z"


def iso_milliseconds(value: float) -> str:
    """`2026-01-02T03:04:05.678Z`: always three digits."""
    whole, millis = divmod(int(value * 1000), 1000)
    return f"{_second(whole)}.{millis:03d}Z"


def iso_seconds(value: float) -> str:
    """`2026-01-02T03:04:05Z`: never a fraction."""
    return f"{_second(int(value))}Z"


@lru_cache(maxsize=4096)
def rfc822(value: float) -> str:
    """`Fri, 02 Jan 2026 03:04:05 GMT`. Remembered: an object's date is sent with each read."""
    return formatdate(value, usegmt=True)


def unix(value: float) -> str:
    """Epoch seconds, without a fraction when there is none."""
    return str(int(value)) if value == int(value) else repr(value)


FORMATS: dict[str, Callable[[float], str]] = {ISO: iso, RFC822: rfc822, UNIX: unix}


def boolean(text: str) -> bool:
    """`true` or `false`, in any case; raises ValueError."""
    lower = text.strip().lower()
    if lower == "true":
        return True
    if lower == "false":
        return False
    raise ValueError(f"not a boolean: {text}")


def integer(text: str) -> int:
    """A whole number of at most 20 digits; raises ValueError."""
    if len(text) > 24:
        raise ValueError("not an integer")
    return int(text)


def blob(text: str) -> bytes:
    """The bytes of base64 text; raises ValueError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def base64_text(value: bytes) -> str:
    """Base64 of a blob."""
    return base64.b64encode(value).decode("ascii")


def number(value: float) -> str:
    """A float as the XML protocols and headers write it: `NaN`, `Infinity`, `-Infinity`, else the
    shortest form.
    """
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def text_parser(kind: str) -> Any:
    """The function from text to a scalar of a type of the models."""
    return _PARSERS[kind]


_PARSERS: dict[str, Any] = {
    "string": str,
    "character": str,
    "integer": integer,
    "long": integer,
    "float": float,
    "double": float,
    "boolean": boolean,
    "blob": blob,
    "timestamp": timestamp,
}
