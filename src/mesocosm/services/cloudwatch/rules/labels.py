"""Dynamic labels: `${MAX}`, `${PROP('Dim.Host')}` and so on (user guide, "Dynamic labels")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

from mesocosm.services.cloudwatch.rules.errors import validation
from mesocosm.services.cloudwatch.rules.math.values import Line

_PART = re.compile(r"\$\{(?:(?P<plain>[A-Z_]+)|PROP\('(?P<property>[^']+)'\))\}")
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})")
MISSING = "--"


def zone(text: str | None) -> timezone:
    """`+0130`; UTC without a word. Raises ValidationError."""
    if text is None:
        return UTC
    found = _ZONE.fullmatch(text)
    if found is None or int(found[2]) > 23 or int(found[3]) > 59:
        raise validation(f"The value {text} for parameter LabelOptions.Timezone is invalid.")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(offset if found[1] == "+" else -offset)


def is_dynamic(text: str) -> bool:
    """Whether a label has parts to fill in."""
    return _PART.search(text) is not None


def filled(text: str, line: Line, name: str, now: float, tz: timezone) -> str:
    """A label with its parts filled in. `name` is what the label would be without."""

    def part(match: re.Match[str]) -> str:
        if match["property"]:
            return line.props.get(match["property"], MISSING)
        if match["plain"] == "LABEL":
            return name
        function = _PARTS.get(match["plain"])
        if function is None:
            return match[0]
        return function(line, now, tz) if line.points else MISSING

    return _PART.sub(part, text)


def shown(number: float) -> str:
    """A number with at most three places."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


def moment(at: int, tz: timezone) -> str:
    """A time in ISO 8601."""
    text = datetime.fromtimestamp(at, tz).strftime("%Y-%m-%dT%H:%M:%S%z")
    return text.replace("+0000", "Z")


def ago(at: int, now: float) -> str:
    """How long before now: `2d 3h`, `5m`, `40s`."""
    left = max(0, int(now - at))
    parts = []
    for name, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{name}")
    return " ".join(parts[:2]) + " ago" if parts else "now"


Fill = Callable[[Line, float, timezone], str]
Pick = Callable[[Line], tuple[int, float]]


def _parts(prefix: str, pick: Pick) -> dict[str, Fill]:
    return {
        prefix: lambda line, now, tz: shown(pick(line)[1]),
        f"{prefix}_TIME": lambda line, now, tz: moment(pick(line)[0], tz),
        f"{prefix}_TIME_RELATIVE": lambda line, now, tz: ago(pick(line)[0], now),
    }


def _ranges(prefix: str, low: Pick, high: Pick) -> dict[str, Fill]:
    return {
        f"{prefix}_RANGE": lambda line, now, tz: f"{shown(low(line)[1])} - {shown(high(line)[1])}",
        f"{prefix}_TIME_RANGE": lambda line, now, tz: (
            f"{moment(low(line)[0], tz)} - {moment(high(line)[0], tz)}"
        ),
    }


def _first(line: Line) -> tuple[int, float]:
    return next(iter(line.points.items()))


def _last(line: Line) -> tuple[int, float]:
    return next(reversed(line.points.items()))


def _min(line: Line) -> tuple[int, float]:
    return min(line.points.items(), key=lambda point: point[1])


def _max(line: Line) -> tuple[int, float]:
    return max(line.points.items(), key=lambda point: point[1])


_PARTS: Mapping[str, Fill] = {
    **_parts("FIRST", _first),
    **_parts("LAST", _last),
    **_parts("MIN", _min),
    **_parts("MAX", _max),
    **_ranges("FIRST_LAST", _first, _last),
    **_ranges("MIN_MAX", _min, _max),
    "AVG": lambda line, now, tz: shown(sum(line.points.values()) / len(line.points)),
    "SUM": lambda line, now, tz: shown(sum(line.points.values())),
    "DATAPOINT_COUNT": lambda line, now, tz: str(len(line.points)),
}
