"""Metric alarms look at their metric: each minute, each ten seconds, or once an hour.

An alarm whose whole evaluation range is empty will come to the same end every time, until points
arrive: it is not armed then, and `arrivals` wakes it. So a cloud that nobody uses does nothing,
however many alarms it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.actions import change, named
from mesocosm.services.cloudwatch.control.suppression import follow
from mesocosm.services.cloudwatch.resources.alarms import (
    Alarm,
    Watchers,
    alarms,
    state_of,
    watched,
)
from mesocosm.services.cloudwatch.resources.metrics import (
    LAST_IS_LATE,
    SeriesKey,
    Store,
    joined,
    series,
)
from mesocosm.services.cloudwatch.resources.querying import Session, is_insights
from mesocosm.services.cloudwatch.rules import evaluation, reasons, statistics
from mesocosm.services.cloudwatch.rules.math import grammar
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression
from mesocosm.services.cloudwatch.rules.math.values import Line, Points
from mesocosm.services.cloudwatch.rules.reasons import Point
from mesocosm.services.cloudwatch.rules.windows import wall_clock_end, zone_of
from mesocosm.world import World

LAG = 1.0
"""Seconds after a full period: what happened in its last second has arrived by then."""

DAY = 86_400
TIMELY = frozenset({"TIME_SERIES", "FILL", "ANOMALY_DETECTION_BAND"})


class Looked(NamedTuple):
    """What an alarm saw: the points, newest last, and what they were compared with."""

    points: list[Point]
    period: int
    statistic: str | None
    unit: str | None


def period_of(asked: api.PutMetricAlarmInput) -> int:
    """The seconds of an alarm's period."""
    if asked.metric_name is not None:
        return asked.period or 60
    periods = [query.metric_stat.period for query in asked.metrics or () if query.metric_stat]
    periods += [query.period for query in asked.metrics or () if query.period is not None]
    return max(periods, default=60)


def tick_of(asked: api.PutMetricAlarmInput) -> int:
    """Seconds between two evaluations (user guide, "Alarm evaluation")."""
    period = period_of(asked)
    if period < 60:
        return 10
    return 3_600 if period * (asked.evaluation_periods or 1) > DAY else 60


def next_tick(now: float, tick: int) -> float:
    """When an alarm looks next."""
    return (now - LAG) // tick * tick + tick + LAG


def arm(world: World, account: str, region: str, alarm: Alarm, now: float) -> None:
    """Let an alarm look at its next tick, if it is not going to."""
    if world.timers.get("cloudwatch", "evaluate", alarm.name, account, region) is None:
        due = next_tick(now, tick_of(alarm.metric))
        world.timers.at(due, "cloudwatch", "evaluate", alarm.name, account, region)


def wake(world: World, account: str, region: str, now: float, keys: Iterable[SeriesKey]) -> None:
    """Points have arrived: the alarms on these metrics look again."""
    rows = world.rows(alarms, account, region)
    if not rows:
        return
    watchers = world.derived(Watchers)
    for key in keys:
        for name in watchers.of_metric(account, region, key):
            arm(world, account, region, rows[name], now)


@cloudwatch.timer("evaluate")
def evaluate(call: Call, name: str) -> None:
    """Look at the metric of an alarm, and change its state."""
    alarm = named(call, name)
    if alarm is None:
        return
    asked = alarm.metric
    call.cancel("evaluate", name)
    looked = _look(call, asked)
    if isinstance(looked, BadExpression):
        reason = f"Error in the expression of the alarm: {looked}"
        _enter(call, alarm, "INSUFFICIENT_DATA", reason, None)
        return
    seen = any(point.value is not None for point in looked.points)
    if seen or _is_timely(asked) or _is_fed(call, alarm):
        call.at(next_tick(call.now, tick_of(asked)), "evaluate", name)
    if call.now < alarm.warm:
        enough = [point for point in looked.points if point.value is not None]
        early = not _waits(asked) and len(enough) >= (asked.evaluation_periods or 1)
        if not early:
            call.at(next_tick(call.now, tick_of(asked)), "evaluate", name)
            return
    _decide(call, alarm, asked, looked)


def _is_fed(call: Call, alarm: Alarm) -> bool:
    """Whether a metric has points that are newer than any period that is over."""
    rows = call.rows(series)
    last = [rows[key].last for key in watched(alarm) if key in rows]
    return max(last, default=0.0) + LAST_IS_LATE > call.now - period_of(alarm.metric)


def _waits(asked: api.PutMetricAlarmInput) -> bool:
    warm = asked.warm_up_configuration
    return bool(warm and warm.only_start_evaluating_after_warm_up_period_ends)


def _is_timely(asked: api.PutMetricAlarmInput) -> bool:
    """Whether an expression may give points where its metrics have none."""
    texts = [query.expression for query in asked.metrics or () if query.expression is not None]
    return any(
        is_insights(text) or grammar.functions(grammar.parse(text)) & TIMELY for text in texts
    )


def _decide(call: Call, alarm: Alarm, asked: api.PutMetricAlarmInput, looked: Looked) -> None:
    periods = asked.evaluation_periods or 1
    to_alarm = asked.datapoints_to_alarm or periods
    missing = asked.treat_missing_data or _default(asked)
    points = looked.points
    marks = [point.breaching for point in points]
    value = evaluation.outcome(marks, periods, to_alarm, missing)
    if value is None or value == state_of(call, alarm.name).value:
        return
    if _too_few(asked, points):
        return
    recent = points[-periods:]
    window = recent if all(point.value is not None for point in recent) else points
    used = [point for point in window if point.value is not None][-periods:]
    threshold = None if asked.threshold_metric_id is not None else asked.threshold
    reason = reasons.sentence(
        value, "", used, asked.comparison_operator or "", threshold, periods, to_alarm, missing
    )
    data = reasons.data(
        points[-periods:], used, call.now, looked.period, looked.statistic, looked.unit, threshold
    )
    _enter(call, alarm, value, reason, data)


def _enter(
    call: Call, alarm: Alarm, value: str, reason: str, data: dict[str, object] | None
) -> None:
    if value != state_of(call, alarm.name).value:
        change(call, alarm, value, reason, data)
        follow(call, alarm.name)


def _default(asked: api.PutMetricAlarmInput) -> str:
    return "ignore" if asked.namespace == "AWS/DynamoDB" else "missing"


def _too_few(asked: api.PutMetricAlarmInput, points: list[Point]) -> bool:
    """Whether a percentile has too few samples to mean something, and the alarm cares."""
    if asked.evaluate_low_sample_count_percentile != "ignore":
        return False
    statistic = statistics.parse(asked.extended_statistic or "")
    if statistic is None or statistic.kind != "p" or statistic.high is None:
        return False
    least = evaluation.samples_needed(statistic.high)
    recent = points[-(asked.evaluation_periods or 1) :]
    return any(point.samples is not None and point.samples < least for point in recent)


# -- looking -------------------------------------------------------------------------------------


def _end(call: Call, asked: api.PutMetricAlarmInput, period: int) -> int:
    """The end of the newest full period: of a sliding window, or by the clock on the wall."""
    window = asked.evaluation_window
    if window is not None and window.wall_clock_window is not None:
        return wall_clock_end(call.now, period, zone_of(window.wall_clock_window.timezone))
    step = min(period, 60)
    return int(call.now // step * step)


def _look(call: Call, asked: api.PutMetricAlarmInput) -> Looked | BadExpression:
    period = period_of(asked)
    count = evaluation.evaluation_range(asked.evaluation_periods or 1)
    end = _end(call, asked, period)
    start = end - count * period
    store = Store(call.world, call.account, call.region)
    if asked.metric_name is not None:
        return _metric(call, asked, store, start, end, period)
    session = Session(store, asked.metrics or (), start, end, call.now)
    session.start = start
    bounds: tuple[Points, Points] | None = None
    subject = next(
        query.id
        for query in asked.metrics or ()
        if query.return_data is not False and query.id != asked.threshold_metric_id
    )
    try:
        line = session.value(subject)
        if asked.threshold_metric_id is not None:
            band = session.value(asked.threshold_metric_id)
            if not isinstance(band, list) or len(band) != 2:
                raise BadExpression("the threshold is not a band")
            bounds = (band[0].points, band[1].points)
    except BadExpression as error:
        return error
    if not isinstance(line, Line):
        return BadExpression("the expression is not a single time series")
    points = _points(asked, line.points, bounds, {}, range(start, end, period))
    return Looked(points, period, None, None)


def _metric(
    call: Call,
    asked: api.PutMetricAlarmInput,
    store: Store,
    start: int,
    end: int,
    period: int,
) -> Looked:
    key = _key(asked)
    name = asked.statistic or asked.extended_statistic or ""
    statistic = statistics.parse(name)
    assert statistic is not None
    samples = store.samples(key, asked.unit, start, end, period, call.now)
    function = statistics.statistic_of(statistic)
    values, counts = {}, {}
    for number, sample in samples.items():
        value = function(sample)
        if value is not None:
            values[start + number * period] = value
            counts[start + number * period] = statistics.count(sample)
    points = _points(asked, values, None, counts, range(start, end, period))
    return Looked(points, period, name, asked.unit)


def _key(asked: api.PutMetricAlarmInput) -> SeriesKey:
    pairs = [(one.name, one.value) for one in asked.dimensions or ()]
    return (asked.namespace or "", asked.metric_name or "", joined(pairs))


def _points(
    asked: api.PutMetricAlarmInput,
    values: Points,
    bounds: tuple[Points, Points] | None,
    counts: Points,
    times: range,
) -> list[Point]:
    comparison = asked.comparison_operator or ""
    found = []
    for at in times:
        value = values.get(at)
        if value is None:
            found.append(Point(at, None, None))
        elif bounds is None:
            breaching = evaluation.breaches(value, comparison, asked.threshold or 0.0)
            found.append(Point(at, value, breaching, samples=counts.get(at)))
        else:
            upper, lower = bounds[0].get(at), bounds[1].get(at)
            if upper is None or lower is None:
                found.append(Point(at, None, None))
            else:
                breaching = evaluation.leaves_band(value, comparison, upper, lower)
                found.append(Point(at, value, breaching, upper, lower))
    return found
