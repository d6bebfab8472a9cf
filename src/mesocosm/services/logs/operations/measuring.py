"""What comes in, as metrics: those of logs themselves, and those that metric filters make."""

from __future__ import annotations

from mesocosm.call.authority import Dimensions, Metric
from mesocosm.call.call import Call
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.rows import (
    INCOMING_BYTES,
    INCOMING_EVENTS,
    MetricFilter,
    metric_filters,
)
from mesocosm.services.logs.resources.targets import Found
from mesocosm.services.logs.rules.operands import number
from mesocosm.services.logs.rules.pattern import parse, value_in
from mesocosm.world import World

MINUTE = 60.0
by_group = metric_filters.index("group", lambda row: row.group)


class Quiet:
    """In which minute each filter with a default value saw events, and whether one matched.

    In memory, as the meter's counts are: of a minute that has not ended.
    """

    def __init__(self, world: World) -> None:
        self.seen: dict[tuple[str, str, str, str], tuple[float, bool]] = {}


def ingested(call: Call, found: Found, times: list[int], messages: list[str], size: int) -> None:
    """Count what came in, and what the group's metric filters make of it."""
    at = found.at
    meter = call.cloud.meter
    dimensions = (("LogGroupName", at.name),)
    for given in (dimensions, ()):
        meter.count(at.account, at.region, INCOMING_EVENTS, given, float(len(messages)))
        meter.count(at.account, at.region, INCOMING_BYTES, given, float(size))
    rows = call.rows(metric_filters)
    for key in rows.find(by_group, at.name):
        _apply(call, found, rows[key], messages)


def _apply(call: Call, found: Found, row: MetricFilter, messages: list[str]) -> None:
    pattern = parse(row.pattern)
    metric = Metric(row.namespace, row.metric, row.unit)
    at = found.at
    constant = number(row.value)
    matched = False
    simple = constant is not None and not row.dimensions
    dimensions: Dimensions = ()
    for message in messages:
        if simple:
            if not pattern.matches(message):
                continue
            value = constant
        else:
            bound = pattern.found(message)
            if bound is None:
                continue
            value = constant
            if value is None:
                value = number(value_in(message, bound, row.value) or "")
            dimensions = tuple(
                (name, text)
                for name, selector in sorted(row.dimensions.items())
                if (text := value_in(message, bound, selector)) is not None
            )
            if len(dimensions) < len(row.dimensions):
                continue  # "if a dimension's field is not in the event, no metric is emitted"
        matched = True
        if value is not None:
            call.cloud.meter.count(at.account, at.region, metric, dimensions, value)
    if row.default is not None:
        seen = call.world.derived(Quiet).seen
        minute = call.now // MINUTE * MINUTE
        key = (at.account, at.region, row.group, row.name)
        before = seen.get(key)
        seen[key] = (minute, matched or (before is not None and before == (minute, True)))
        call.cloud.meter.attend(logs)
