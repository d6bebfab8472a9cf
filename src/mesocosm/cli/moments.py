"""Durations, sizes and instants as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
BYTES = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
BYTES |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_NUMBER = re.compile(r"\d{9,11}(?:\.\d+)?")


def duration(text: str) -> float:
    """Seconds of `24h`, `1h30m`, `90` (seconds), `250ms`. Raises ValueError with the accepted
    forms.
    """
    plain = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return float(plain)
    if not plain or _PART.sub("", plain).strip():
        raise ValueError(f"'{text}' is not a duration: write 90, 90s, 15m, 24h, 1h30m, 7d or 2w")
    return sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(plain))


def size(text: str) -> int:
    """Bytes of `4GB`, `512MiB`, `1000`. Raises ValueError with the accepted forms."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?b)?", text.strip().lower())
    if match is None:
        raise ValueError(f"'{text}' is not a size: write 4GB, 512MB, 2GiB or a number of bytes")
    return int(float(match[1]) * BYTES[match[2] or ""])


def window(text: str) -> tuple[float, int]:
    """The history window `72h/4GB` as (seconds, bytes)."""
    age, slash, space = text.partition("/")
    if not slash:
        raise ValueError(
            f"'{text}' is not a history window: write an age and a size, as in 72h/4GB"
        )
    return duration(age), size(space)


def moment(text: str, now: float) -> float:
    """Epoch seconds of an instant, seen from `now` (epoch seconds of the cloud's clock).

    Takes ISO 8601 (`2026-03-01T09:30:00Z`; without an offset it is UTC), `09:30` (the last time the
    clock showed it, UTC), `10m ago`, `-10m`, epoch seconds, `now`. Raises ValueError otherwise.
    """
    plain = text.strip()
    lower = plain.lower()
    if lower == "now":
        return now
    if lower.endswith("ago") or lower.startswith("-"):
        return now - duration(lower.removesuffix("ago").removeprefix("-"))
    if _NUMBER.fullmatch(plain):
        return float(plain)
    clock = _CLOCK.fullmatch(plain)
    try:
        if clock:
            hour, minute, second = (int(part or 0) for part in clock.groups())
            today = datetime.fromtimestamp(now, UTC)
            at = today.replace(hour=hour, minute=minute, second=second, microsecond=0).timestamp()
            return at if at <= now else at - SECONDS["d"]
        parsed = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(
            f"'{text}' is not an instant: "
            "write 2026-03-01T09:30:00Z, 09:30, '10m ago' or epoch seconds"
        ) from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def iso(seconds: float) -> str:
    """`2026-03-01T09:30:00.123Z`."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def short(seconds: float) -> str:
    """A duration for people: `0.31 s`, `4 min`, `3.2 h`, `5.0 d`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * SECONDS["d"]:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / SECONDS['d']:.1f} d"
