"""ListMetrics: which metrics there are."""

from __future__ import annotations

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.metrics import (
    LAST_IS_LATE,
    LISTED,
    SeriesKey,
    parted,
    series,
)
from mesocosm.services.cloudwatch.rules.errors import invalid

PAGE = 500
RECENT = 3 * 3_600.0


@cloudwatch.operation("ListMetrics")
def list_metrics(call: Call, request: api.ListMetricsInput) -> api.ListMetricsOutput:
    """Metrics with data in the past two weeks, in the order of their names. There are no linked
    accounts (that is OAM): a monitoring account sees its own.
    """
    oldest = call.now - LISTED
    if request.recently_active is not None:
        oldest = call.now - RECENT
    owners = request.include_linked_accounts or False
    if request.owning_account is not None and request.owning_account != call.account:
        return api.ListMetricsOutput(metrics=[])
    found, token = page(
        (
            key
            for key, row in call.rows(series).items()
            if row.last + LAST_IS_LATE >= oldest and _matches(key, request)
        ),
        "\1".join,
        request.next_token,
        PAGE,
        lambda: invalid("Invalid nextToken"),
    )
    return api.ListMetricsOutput(
        metrics=[metric_of(key) for key in found],
        next_token=token,
        owning_accounts=[call.account] * len(found) if owners else None,
    )


def metric_of(key: SeriesKey) -> api.Metric:
    """A metric as the API shows it."""
    return api.Metric(
        namespace=key[0],
        metric_name=key[1],
        dimensions=[api.Dimension(name=name, value=value) for name, value in parted(key[2])],
    )


def _matches(key: SeriesKey, request: api.ListMetricsInput) -> bool:
    if request.namespace is not None and key[0] != request.namespace:
        return False
    if request.metric_name is not None and key[1] != request.metric_name:
        return False
    if not request.dimensions:
        return True
    has = dict(parted(key[2]))
    return all(
        one.name in has and (one.value is None or has[one.name] == one.value)
        for one in request.dimensions
    )
