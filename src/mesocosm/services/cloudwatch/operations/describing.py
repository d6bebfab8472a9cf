"""Reading alarms and their history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.alarms import (
    COMPOSITE,
    HISTORY,
    METRIC,
    Alarm,
    Watchers,
    alarms,
    arn_of,
    children,
    history,
    state_of,
)
from mesocosm.services.cloudwatch.resources.metrics import joined
from mesocosm.services.cloudwatch.rules.errors import bad_token, no_resource, validation

PAGE = 50
HISTORY_PAGE = 100


def _arns(call: Call, request: Any) -> str | list[str]:
    names = getattr(request, "alarm_names", None)
    if names:
        return [arn_of(call.region, call.account, name) for name in names]
    return arn_of(call.region, call.account, getattr(request, "alarm_name", None) or "*")


@cloudwatch.operation("DescribeAlarms", resource=_arns)
def describe_alarms(call: Call, request: api.DescribeAlarmsInput) -> api.DescribeAlarmsOutput:
    """Alarms by name, state, action, or as children and parents of another."""
    family = [request.children_of_alarm_name, request.parents_of_alarm_name]
    others = [
        request.alarm_names,
        request.alarm_name_prefix,
        request.state_value,
        request.action_prefix,
        request.alarm_types,
    ]
    if request.alarm_names and request.alarm_name_prefix:
        raise validation("AlarmNames and AlarmNamePrefix are mutually exclusive.")
    if all(family) or (any(family) and any(others)):
        raise validation(
            "ChildrenOfAlarmName and ParentsOfAlarmName can only be specified with MaxRecords and "
            "NextToken."
        )
    found, token = page(
        _chosen(call, request),
        lambda alarm: alarm.name,
        request.next_token,
        request.max_records or PAGE,
        bad_token,
    )
    brief = any(family)
    return api.DescribeAlarmsOutput(
        metric_alarms=[metric_alarm(call, one, brief) for one in found if one.kind == METRIC],
        composite_alarms=[
            composite_alarm(call, one, brief) for one in found if one.kind == COMPOSITE
        ],
        next_token=token,
    )


def _chosen(call: Call, request: api.DescribeAlarmsInput) -> Iterable[Alarm]:
    rows = call.rows(alarms)
    if request.children_of_alarm_name is not None:
        parent = rows.get(request.children_of_alarm_name)
        return [rows[name] for name in children(parent) if name in rows] if parent else []
    if request.parents_of_alarm_name is not None:
        watchers = call.world.derived(Watchers)
        names = watchers.parents(call.account, call.region, request.parents_of_alarm_name)
        return [rows[name] for name in names]
    kinds = request.alarm_types or [METRIC]
    found = []
    for name, alarm in rows.items():
        if request.alarm_names is not None and name not in request.alarm_names:
            continue
        if request.alarm_name_prefix is not None and not name.startswith(request.alarm_name_prefix):
            continue
        if alarm.kind not in kinds:
            continue
        if request.state_value and state_of(call, name).value != request.state_value:
            continue
        if request.action_prefix is not None and not _acts(alarm, request.action_prefix):
            continue
        found.append(alarm)
    return found


def _acts(alarm: Alarm, prefix: str) -> bool:
    asked = alarm.metric if alarm.kind == METRIC else alarm.composite
    actions = [
        *(asked.ok_actions or ()),
        *(asked.alarm_actions or ()),
        *(asked.insufficient_data_actions or ()),
    ]
    return any(action.startswith(prefix) for action in actions)


def metric_alarm(call: Call, alarm: Alarm, brief: bool = False) -> api.MetricAlarm:
    """A metric alarm as the API shows it. `brief`: as the child or parent of another."""
    state = state_of(call, alarm.name)
    arn = arn_of(call.region, call.account, alarm.name)
    if brief:
        return api.MetricAlarm(
            alarm_name=alarm.name,
            alarm_arn=arn,
            state_value=state.value,
            state_updated_timestamp=state.updated,
        )
    fields = msgspec.json.decode(alarm.request)
    shown = msgspec.convert(
        {key: value for key, value in fields.items() if key in _METRIC_MEMBERS}, api.MetricAlarm
    )
    shown.alarm_arn = arn
    shown.actions_enabled = alarm.actions_enabled
    shown.ok_actions = shown.ok_actions or []
    shown.alarm_actions = shown.alarm_actions or []
    shown.insufficient_data_actions = shown.insufficient_data_actions or []
    if shown.metric_name is not None:
        shown.dimensions = shown.dimensions or []
    shown.alarm_configuration_updated_timestamp = alarm.configured
    shown.state_value = state.value
    shown.state_reason = state.reason
    shown.state_reason_data = state.data or None
    shown.state_updated_timestamp = state.updated
    shown.state_transitioned_timestamp = state.transitioned
    return shown


_METRIC_MEMBERS = frozenset(
    (
        "AlarmName",
        "AlarmDescription",
        "OKActions",
        "AlarmActions",
        "InsufficientDataActions",
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Dimensions",
        "Period",
        "Unit",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "ComparisonOperator",
        "TreatMissingData",
        "EvaluateLowSampleCountPercentile",
        "Metrics",
        "ThresholdMetricId",
        "EvaluationWindow",
        "WarmUpConfiguration",
        "ActionConfiguration",
    )
)


def composite_alarm(call: Call, alarm: Alarm, brief: bool = False) -> api.CompositeAlarm:
    """A composite alarm as the API shows it."""
    state = state_of(call, alarm.name)
    arn = arn_of(call.region, call.account, alarm.name)
    if brief:
        return api.CompositeAlarm(
            alarm_name=alarm.name,
            alarm_arn=arn,
            state_value=state.value,
            state_updated_timestamp=state.updated,
        )
    asked = alarm.composite
    return api.CompositeAlarm(
        alarm_name=alarm.name,
        alarm_arn=arn,
        alarm_rule=asked.alarm_rule,
        alarm_description=asked.alarm_description,
        alarm_configuration_updated_timestamp=alarm.configured,
        actions_enabled=alarm.actions_enabled,
        ok_actions=asked.ok_actions or [],
        alarm_actions=asked.alarm_actions or [],
        insufficient_data_actions=asked.insufficient_data_actions or [],
        actions_suppressor=asked.actions_suppressor,
        actions_suppressor_wait_period=asked.actions_suppressor_wait_period,
        actions_suppressor_extension_period=asked.actions_suppressor_extension_period,
        action_configuration=asked.action_configuration,
        actions_suppressed_by=state.suppressed_by or None,
        actions_suppressed_reason=state.suppressed_reason or None,
        state_value=state.value,
        state_reason=state.reason,
        state_reason_data=state.data or None,
        state_updated_timestamp=state.updated,
        state_transitioned_timestamp=state.transitioned,
    )


@cloudwatch.operation("DescribeAlarmsForMetric")
def describe_alarms_for_metric(
    call: Call, request: api.DescribeAlarmsForMetricInput
) -> api.DescribeAlarmsForMetricOutput:
    """The alarms on one metric (not those on expressions)."""
    pairs = [(one.name, one.value) for one in request.dimensions or ()]
    key = (request.namespace, request.metric_name, joined(pairs))
    watchers = call.world.derived(Watchers)
    rows = call.rows(alarms)
    found = []
    for name in watchers.of_metric(call.account, call.region, key):
        asked = rows[name].metric
        if asked.metric_name is None or any(
            wanted is not None and wanted != has
            for wanted, has in (
                (request.statistic, asked.statistic),
                (request.extended_statistic, asked.extended_statistic),
                (request.period, asked.period),
                (request.unit, asked.unit),
            )
        ):
            continue
        found.append(metric_alarm(call, rows[name]))
    return api.DescribeAlarmsForMetricOutput(metric_alarms=found)


@cloudwatch.operation("DescribeAlarmHistory", resource=_arns)
def describe_alarm_history(
    call: Call, request: api.DescribeAlarmHistoryInput
) -> api.DescribeAlarmHistoryOutput:
    """What happened to alarms in the last thirty days, the newest first unless asked otherwise."""
    ascending = request.scan_by == "TimestampAscending"
    kinds = request.alarm_types or [METRIC]
    since = max(request.start_date or 0.0, call.now - HISTORY)
    rows = call.rows(history)
    found, token = page(
        (
            key
            for key, row in rows.items()
            if (request.alarm_name is None or row.alarm == request.alarm_name)
            and request.alarm_contributor_id is None  # no alarm here has contributors
            and row.alarm_kind in kinds
            and (request.history_item_type is None or row.kind == request.history_item_type)
            and row.time >= since
            and (request.end_date is None or row.time <= request.end_date)
        ),
        lambda key: f"{key if ascending else 10**15 - key:016d}",
        request.next_token,
        request.max_records or HISTORY_PAGE,
        bad_token,
    )
    return api.DescribeAlarmHistoryOutput(
        alarm_history_items=[
            api.AlarmHistoryItem(
                alarm_name=rows[key].alarm,
                alarm_type=rows[key].alarm_kind,
                timestamp=rows[key].time,
                history_item_type=rows[key].kind,
                history_summary=rows[key].summary,
                history_data=rows[key].data,
            )
            for key in found
        ],
        next_token=token,
    )


@cloudwatch.operation("DescribeAlarmContributors", resource=_arns)
def describe_alarm_contributors(
    call: Call, request: api.DescribeAlarmContributorsInput
) -> api.DescribeAlarmContributorsOutput:
    """Alarms on several time series have contributors; those there are here watch a single one."""
    if request.alarm_name not in call.rows(alarms):
        raise no_resource("alarm", request.alarm_name)
    return api.DescribeAlarmContributorsOutput(alarm_contributors=[])
