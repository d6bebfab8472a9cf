"""Metric filters."""

from __future__ import annotations

from mesocosm.api import logs as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.logs import logs
from mesocosm.services.logs.operations import measuring
from mesocosm.services.logs.operations.groups import invalid_token
from mesocosm.services.logs.resources.rows import MetricFilter, metric_filters, subscriptions
from mesocosm.services.logs.resources.targets import (
    any_group,
    bad,
    find,
    group_arn,
    standard_only,
)
from mesocosm.services.logs.rules.documents import path_of
from mesocosm.services.logs.rules.limits import METRIC_FILTERS, REGEX_PATTERNS
from mesocosm.services.logs.rules.operands import number
from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.errors import AwsError

DIMENSIONS = 3


def limit_exceeded() -> AwsError:
    return AwsError("LimitExceededException", "Resource limit exceeded.")


def check_regexes(call: Call, group: str, name: str, pattern: str) -> None:
    """At most five filters of a group have regular expressions."""
    if not parse(pattern).regexes:
        return
    held = [(key, row.pattern) for key, row in call.rows(metric_filters).items()]
    held += [(key, row.pattern) for key, row in call.rows(subscriptions).items()]
    others = [text for (owner, other), text in held if owner == group and other != name]
    if sum(bool(parse(other).regexes) for other in others) >= REGEX_PATTERNS:
        raise limit_exceeded()


def _field(text: str, what: str) -> None:
    if text.startswith(("$.", "$[")):
        path_of(text)
    elif not (text.startswith("$") and len(text) > 1):
        raise bad(f"Invalid metric transformation: {what} '{text}' is not a valid field.")


def _checked(made: api.MetricTransformation) -> None:
    if number(made.metric_value) is None:
        _field(made.metric_value, "metric value")
    if made.dimensions:
        if made.default_value is not None:
            raise bad(
                "Invalid metric transformation: dimensions and default value are mutually "
                "exclusive properties."
            )
        if len(made.dimensions) > DIMENSIONS:
            raise bad(f"Invalid metric transformation: at most {DIMENSIONS} dimensions.")
        for text in made.dimensions.values():
            _field(text, "dimension")


@logs.operation("PutMetricFilter", resource=group_arn)
def put_metric_filter(call: Call, request: api.PutMetricFilterRequest) -> None:
    """Make metrics of the events that match, from now on."""
    found = find(call, request.log_group_name)
    standard_only(found, "PutMetricFilter", "InvalidOperationException")
    if request.apply_on_transformed_logs:
        raise call.not_implemented("transformed logs")
    if request.field_selection_criteria or request.emit_system_field_dimensions:
        raise call.not_implemented("system fields of metric filters")
    parse(request.filter_pattern)
    [made] = request.metric_transformations
    _checked(made)
    if made.dimensions and not request.filter_pattern.strip().startswith(("{", "[")):
        raise bad(
            "Invalid metric transformation: only filters of JSON and space-delimited events "
            "have dimensions."
        )
    rows = call.rows(metric_filters)
    key = (found.group.name, request.filter_name)
    held = rows.get(key)
    if held is None and len(rows.find(measuring.by_group, found.group.name)) >= METRIC_FILTERS:
        raise limit_exceeded()
    check_regexes(call, found.group.name, request.filter_name, request.filter_pattern)
    rows[key] = MetricFilter(
        name=request.filter_name,
        group=found.group.name,
        pattern=request.filter_pattern,
        created=held.created if held else call.now,
        metric=made.metric_name,
        namespace=made.metric_namespace,
        value=made.metric_value,
        default=made.default_value,
        dimensions=dict(made.dimensions or {}),
        unit=made.unit or "None",
    )


@logs.operation("DeleteMetricFilter", resource=group_arn)
def delete_metric_filter(call: Call, request: api.DeleteMetricFilterRequest) -> None:
    """Make no metrics any longer."""
    found = find(call, request.log_group_name)
    rows = call.rows(metric_filters)
    key = (found.group.name, request.filter_name)
    if key not in rows:
        raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")
    del rows[key]


@logs.operation(
    "DescribeMetricFilters",
    resource=lambda call, request: (group_arn if request.log_group_name else any_group)(
        call, request
    ),
)
def describe_metric_filters(
    call: Call, request: api.DescribeMetricFiltersRequest
) -> api.DescribeMetricFiltersResponse:
    """Metric filters by group, name or metric."""
    if request.log_group_name:
        find(call, request.log_group_name)
    if bool(request.metric_name) != bool(request.metric_namespace):
        raise bad("metricName and metricNamespace must be specified together.")
    chosen = [
        row
        for row in call.rows(metric_filters).values()
        if (not request.log_group_name or row.group == request.log_group_name)
        and row.name.startswith(request.filter_name_prefix or "")
        and (
            not request.metric_name
            or (row.metric, row.namespace) == (request.metric_name, request.metric_namespace)
        )
    ]
    shown, token = page(
        chosen,
        lambda row: f"{row.name}\n{row.group}",
        request.next_token,
        request.limit or 50,
        invalid_token,
    )
    return api.DescribeMetricFiltersResponse(
        metric_filters=[_shown(row) for row in shown], next_token=token
    )


def _shown(row: MetricFilter) -> api.MetricFilter:
    made = api.MetricTransformation(
        metric_name=row.metric,
        metric_namespace=row.namespace,
        metric_value=row.value,
        default_value=row.default,
        dimensions=row.dimensions or None,
        unit=row.unit,
    )
    return api.MetricFilter(
        filter_name=row.name,
        filter_pattern=row.pattern,
        metric_transformations=[made],
        creation_time=int(row.created * 1000),
        log_group_name=row.group,
        apply_on_transformed_logs=False,
    )


@logs.operation("TestMetricFilter")
def test_metric_filter(
    call: Call, request: api.TestMetricFilterRequest
) -> api.TestMetricFilterResponse:
    """Which of some messages a pattern matches, and what it finds in them."""
    pattern = parse(request.filter_pattern)
    matches = []
    for place, message in enumerate(request.log_event_messages, 1):
        found = pattern.found(message)
        if found is not None:
            matches.append(
                api.MetricFilterMatchRecord(
                    event_number=place, event_message=message, extracted_values=found
                )
            )
    return api.TestMetricFilterResponse(matches=matches)
