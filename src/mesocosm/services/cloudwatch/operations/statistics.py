"""GetMetricStatistics."""

from __future__ import annotations

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.metrics import UNITS, Store, joined
from mesocosm.services.cloudwatch.rules import statistics as rules
from mesocosm.services.cloudwatch.rules.data import named
from mesocosm.services.cloudwatch.rules.errors import combination, invalid, missing
from mesocosm.services.cloudwatch.rules.periods import rounded, valid

POINTS_MAX = 1_440
_MEMBERS = {
    "SampleCount": "sample_count",
    "Average": "average",
    "Sum": "sum",
    "Minimum": "minimum",
    "Maximum": "maximum",
}


@cloudwatch.operation("GetMetricStatistics")
def get_metric_statistics(
    call: Call, request: api.GetMetricStatisticsInput
) -> api.GetMetricStatisticsOutput:
    """Statistics of one metric, one unit after the other."""
    extended = _check(request)
    period = request.period
    store = Store(call.world, call.account, call.region)
    key = (request.namespace, request.metric_name, joined(named(request.dimensions, "Dimensions")))
    start = rounded(request.start_time, period, call.now)
    row = store.series.get(key)
    units = sorted({code // 2 for code in row.lanes}) if row else []
    points = []
    for unit in units if request.unit is None else [UNITS.index(request.unit)]:
        samples = store.samples(key, UNITS[unit], start, request.end_time, period, call.now)
        for number, sample in sorted(samples.items(), key=lambda item: item[0]):
            point = api.Datapoint(timestamp=float(start + number * period), unit=UNITS[unit])
            for name in request.statistics or ():
                setattr(point, _MEMBERS[name], rules.statistic_of(rules.Statistic(name))(sample))
            if extended:
                values = {
                    text: rules.statistic_of(statistic)(sample)
                    for text, statistic in extended.items()
                }
                point.extended_statistics = {k: v for k, v in values.items() if v is not None}
                if not point.extended_statistics and not request.statistics:
                    continue
            points.append(point)
    points.sort(key=lambda point: point.timestamp or 0.0)
    return api.GetMetricStatisticsOutput(label=request.metric_name, datapoints=points)


def _check(request: api.GetMetricStatisticsInput) -> dict[str, rules.Statistic]:
    if not request.statistics and not request.extended_statistics:
        raise missing("The parameter Statistics or ExtendedStatistics must be specified.")
    if request.statistics and request.extended_statistics:
        raise combination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive options and "
            "you have specified both."
        )
    if not valid(request.period):
        raise invalid(
            "The parameter Period must be a multiple of 60 or one of 1, 5, 10, 20, 30."
            if request.period < 60
            else "The parameter Period must be a multiple of 60."
        )
    if request.start_time >= request.end_time:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    asked = int((request.end_time - request.start_time) // request.period)
    if asked > POINTS_MAX:
        raise combination(
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of "
            f"{POINTS_MAX:,}. You may reduce the datapoints requested by increasing Period, or "
            "decreasing the time range."
        )
    extended = {}
    for text in request.extended_statistics or ():
        statistic = rules.parse(text)
        if statistic is None or not statistic.extended:
            raise invalid(f"The value {text} for parameter ExtendedStatistics is not supported.")
        extended[text] = statistic
    return extended
