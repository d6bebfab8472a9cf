"""GetMetricData."""

from __future__ import annotations

from datetime import timezone

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import decode_token, encode_token
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.metrics import Store
from mesocosm.services.cloudwatch.resources.querying import (
    Session,
    bad_expression,
    check,
)
from mesocosm.services.cloudwatch.rules import labels
from mesocosm.services.cloudwatch.rules.errors import bad_token, validation
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression
from mesocosm.services.cloudwatch.rules.math.values import Line

QUERIES_MAX = 500
POINTS_MAX = 100_800


@cloudwatch.operation("GetMetricData", category="data")
def get_metric_data(call: Call, request: api.GetMetricDataInput) -> api.GetMetricDataOutput:
    """Metrics, and expressions over them."""
    queries = request.metric_data_queries
    _check(call, request)
    tz = labels.zone(request.label_options.timezone if request.label_options else None)
    store = Store(call.world, call.account, call.region)
    session = Session(store, queries, request.start_time, request.end_time, call.now)
    lines: list[tuple[api.MetricDataQuery, Line, str]] = []
    for query in queries:
        try:
            value = session.value(query.id)
        except BadExpression as error:
            raise bad_expression(query.id, error) from None
        if query.return_data is False:
            continue
        if isinstance(value, float):
            raise bad_expression(
                query.id, BadExpression("The result of an expression must be a time series")
            )
        several = isinstance(value, list)
        found = value if isinstance(value, list) else [value] if value else []
        lines += [(query, line, _label(query, line, several, call.now, tz)) for line in found]
    return _page(request, lines)


def _check(call: Call, request: api.GetMetricDataInput) -> None:
    queries = request.metric_data_queries
    if len(queries) > QUERIES_MAX:
        raise validation(
            f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        )
    if request.start_time >= request.end_time:
        raise validation("The parameter StartTime must be less than the parameter EndTime.")
    check(queries, "MetricDataQueries")
    for query in queries:
        if query.account_id is not None and query.account_id != call.account:
            raise call.not_implemented("metrics of linked accounts (Observability Access Manager)")


def _label(query: api.MetricDataQuery, line: Line, several: bool, now: float, tz: timezone) -> str:
    name = line.label if query.metric_stat is not None or several else query.id
    if query.label is None:
        return name
    if labels.is_dynamic(query.label):
        return labels.filled(query.label, line, name, now, tz)
    return f"{query.label} {line.label}".rstrip() if several else query.label


def _page(
    request: api.GetMetricDataInput, lines: list[tuple[api.MetricDataQuery, Line, str]]
) -> api.GetMetricDataOutput:
    """Points in the order asked for, at most so many; the token says how many were given."""
    given = int(decode_token(request.next_token, bad_token)) if request.next_token else 0
    room = min(request.max_datapoints or POINTS_MAX, POINTS_MAX)
    descending = request.scan_by != "TimestampAscending"
    results, seen, left = [], 0, room
    for query, line, label in lines:
        times = [float(at) for at in line.points]
        values = list(line.points.values())
        if descending:
            times.reverse()
            values.reverse()
        first = min(max(given - seen, 0), len(times))
        last = min(first + left, len(times))
        seen += len(times)
        left -= last - first
        results.append(
            api.MetricDataResult(
                id=query.id,
                label=label,
                timestamps=times[first:last],
                values=values[first:last],
                status_code="Complete" if last == len(times) else "PartialData",
            )
        )
    token = encode_token(str(given + room)) if given + room < seen else None
    return api.GetMetricDataOutput(metric_data_results=results, next_token=token, messages=[])
