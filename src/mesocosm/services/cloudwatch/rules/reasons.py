"""The sentences and the JSON with which an alarm says why it is in its state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

VERBS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to the threshold ({})",
    "GreaterThanThreshold": "greater than the threshold ({})",
    "LessThanThreshold": "less than the threshold ({})",
    "LessThanOrEqualToThreshold": "less than or equal to the threshold ({})",
    "LessThanLowerOrGreaterThanUpperThreshold": (
        "less than the lower thresholds [{lower}] or greater than the upper thresholds [{upper}]"
    ),
    "LessThanLowerThreshold": "less than the lower thresholds [{lower}]",
    "GreaterThanUpperThreshold": "greater than the upper thresholds [{upper}]",
}


class Point(NamedTuple):
    """A period that was looked at: when it began, its value, whether that breached (None: missing),
    the bounds of its band, how many samples it has.
    """

    time: int
    value: float | None
    breaching: bool | None
    upper: float | None = None
    lower: float | None = None
    samples: float | None = None


def iso(at: float) -> str:
    """`2026-11-22T01:20:00.000+0000`."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def short(at: float) -> str:
    """`22/11/26 01:20:00`."""
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")


def sentence(
    state: str,
    before: str,
    used: Sequence[Point],
    comparison: str,
    threshold: float | None,
    periods: int,
    to_alarm: int,
    missing: str,
) -> str:
    """Why an alarm is in a state. `used`: the real points that decided, oldest first."""
    if state == "INSUFFICIENT_DATA":
        plural = "datapoint was" if periods == 1 else "datapoints were"
        return f"Insufficient Data: {periods} {plural} unknown."
    filled = periods - len(used)
    if not used:
        how = "Breaching" if state == "ALARM" else "NonBreaching"
        times = "1 period" if periods == 1 else f"{periods} periods"
        points = "1 missing datapoint was" if filled == 1 else f"{filled} missing datapoints were"
        return (
            f"Threshold Crossed: no datapoints were received for {times} and {points} treated as "
            f"[{how}]."
        )
    rings = state == "ALARM"
    deciding = [point for point in used if point.breaching is rings] or list(used)
    shown = ", ".join(f"{point.value} ({short(point.time)})" for point in reversed(deciding))
    side = VERBS[comparison].format(
        threshold,
        lower=", ".join(str(point.lower) for point in reversed(deciding)),
        upper=", ".join(str(point.upper) for point in reversed(deciding)),
    )
    verb = "was" if len(deciding) == 1 else "were"
    count = to_alarm if rings else periods - to_alarm + 1
    change = "OK -> ALARM" if rings else "ALARM -> OK"
    plural = "datapoint" if count == 1 else "datapoints"
    start = "Thresholds" if threshold is None else "Threshold"
    text = (
        f"{start} Crossed: {len(deciding)} out of the last {periods} datapoints [{shown}] {verb} "
        f"{'' if rings else 'not '}{side}"
    )
    if filled and missing in ("breaching", "notBreaching"):
        how = "Breaching" if missing == "breaching" else "NonBreaching"
        points = "1 missing datapoint was" if filled == 1 else f"{filled} missing datapoints were"
        text += f" and {points} treated as [{how}]"
    return f"{text} (minimum {count} {plural} for {change} transition)."


def data(
    points: Sequence[Point],
    used: Sequence[Point],
    now: float,
    period: int,
    statistic: str | None,
    unit: str | None,
    threshold: float | None,
) -> dict[str, Any]:
    """StateReasonData. `used`: the real points that decided, oldest first."""
    found: dict[str, Any] = {"version": "1.0", "queryDate": iso(now)}
    if used:
        found["startDate"] = iso(used[0].time)
    if unit:
        found["unit"] = unit
    if statistic:
        found["statistic"] = statistic
    found["period"] = period
    found["recentDatapoints"] = [point.value for point in used]
    if threshold is not None:
        found["threshold"] = threshold
    else:
        found["recentLowerThresholds"] = [point.lower for point in used]
        found["recentUpperThresholds"] = [point.upper for point in used]
    evaluated = []
    for point in reversed(used or points):
        one: dict[str, Any] = {"timestamp": iso(point.time)}
        if point.samples is not None:
            one["sampleCount"] = point.samples
        if point.value is not None:
            one["value"] = point.value
        evaluated.append(one)
    found["evaluatedDatapoints"] = evaluated
    return found


def child(arn: str, state: str, at: float) -> str:
    """Why a composite alarm changed."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{arn} transitioned to {state} at {moment:%A %d %B, %Y %H:%M:%S} UTC"
