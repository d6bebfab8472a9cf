"""What an alarm tells others: the message to SNS, the event for EventBridge, in AWS's words."""

from __future__ import annotations

from typing import Any

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch.resources.alarms import COMPOSITE, Alarm, State, arn_of
from mesocosm.services.cloudwatch.rules import places
from mesocosm.services.cloudwatch.rules.reasons import iso

_STATISTICS = {
    "SampleCount": "SAMPLE_COUNT",
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
}


def message_of(call: Call, alarm: Alarm, old: str, state: State) -> dict[str, Any]:
    """The JSON that an alarm publishes to a topic."""
    asked = alarm.composite if alarm.kind == COMPOSITE else alarm.metric
    found: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": asked.alarm_description,
        "AWSAccountId": call.account,
        "AlarmConfigurationUpdatedTimestamp": iso(alarm.configured),
        "NewStateValue": state.value,
        "NewStateReason": state.reason,
        "StateChangeTime": iso(state.updated),
        "Region": places.shown(call.region),
        "AlarmArn": arn_of(call.region, call.account, alarm.name),
        "OldStateValue": old,
        "OKActions": asked.ok_actions or [],
        "AlarmActions": asked.alarm_actions or [],
        "InsufficientDataActions": asked.insufficient_data_actions or [],
    }
    if tags := _propagated(asked.action_configuration, alarm.tags):
        found["Tags"] = tags
    if alarm.kind == COMPOSITE:
        found["AlarmRule"] = alarm.composite.alarm_rule
        data = msgspec.json.decode(state.data) if state.data else {}
        found["TriggeringChildren"] = [
            {
                "Arn": child["arn"],
                "State": {
                    "Value": child["state"]["value"],
                    "Timestamp": child["state"]["timestamp"],
                },
            }
            for child in data.get("triggeringAlarms", [])
        ]
        return found
    found["Trigger"] = _trigger(alarm.metric)
    return found


def _trigger(asked: api.PutMetricAlarmInput) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.metric_name is not None:
        found["MetricName"] = asked.metric_name
        found["Namespace"] = asked.namespace
        if asked.statistic is not None:
            found["StatisticType"] = "Statistic"
            found["Statistic"] = _STATISTICS[asked.statistic]
        else:
            found["StatisticType"] = "ExtendedStatistic"
            found["ExtendedStatistic"] = asked.extended_statistic
        found["Unit"] = asked.unit
        found["Dimensions"] = [
            {"value": one.value, "name": one.name} for one in asked.dimensions or ()
        ]
    else:
        found["Metrics"] = [query_shown(query) for query in asked.metrics or ()]
    found |= {
        "Period": asked.period or 60,
        "EvaluationPeriods": asked.evaluation_periods,
        "DatapointsToAlarm": asked.datapoints_to_alarm or asked.evaluation_periods,
        "ComparisonOperator": asked.comparison_operator,
        "Threshold": asked.threshold if asked.threshold is not None else 0.0,
        "TreatMissingData": asked.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": asked.evaluate_low_sample_count_percentile or "",
    }
    if asked.threshold_metric_id is not None:
        found["ThresholdMetricId"] = asked.threshold_metric_id
    return found


def query_shown(query: api.MetricDataQuery) -> dict[str, Any]:
    """A query as notifications show it."""
    found: dict[str, Any] = {"Id": query.id}
    if query.metric_stat is not None:
        metric = query.metric_stat.metric
        found["MetricStat"] = {
            "Metric": {
                "Dimensions": [
                    {"value": one.value, "name": one.name} for one in metric.dimensions or ()
                ],
                "MetricName": metric.metric_name,
                "Namespace": metric.namespace,
            },
            "Period": query.metric_stat.period,
            "Stat": query.metric_stat.stat,
        }
    else:
        found["Expression"] = query.expression
    if query.label is not None:
        found["Label"] = query.label
    found["ReturnData"] = query.return_data is not False
    return found


def _propagated(
    configuration: api.ActionConfiguration | None, tags: dict[str, str]
) -> dict[str, str]:
    wanted = configuration.alarm_tags_propagation if configuration else None
    if wanted is None or not wanted.enabled:
        return {}
    if wanted.included_tag_keys is not None:
        return {key: value for key, value in tags.items() if key in wanted.included_tag_keys}
    without = wanted.excluded_tag_keys or ()
    return {key: value for key, value in tags.items() if key not in without}


def event_of(call: Call, alarm: Alarm, before: State, after: State) -> dict[str, Any]:
    """The event "CloudWatch Alarm State Change" (EventBridge user guide, events of CloudWatch)."""
    detail: dict[str, Any] = {
        "alarmName": alarm.name,
        "state": _state(after),
        "previousState": _state(before),
    }
    if alarm.kind == COMPOSITE:
        asked = alarm.composite
        configuration: dict[str, Any] = {"alarmRule": asked.alarm_rule}
        if asked.actions_suppressor:
            configuration["actionsSuppressor"] = asked.actions_suppressor
            configuration["actionsSuppressorWaitPeriod"] = asked.actions_suppressor_wait_period
            configuration["actionsSuppressorExtensionPeriod"] = (
                asked.actions_suppressor_extension_period
            )
    else:
        configuration = {"metrics": _metrics(alarm.metric)}
    if description := (
        alarm.composite.alarm_description
        if alarm.kind == COMPOSITE
        else alarm.metric.alarm_description
    ):
        configuration["description"] = description
    detail["configuration"] = configuration
    moment = iso(call.now)
    return {
        "version": "0",
        "id": call.ids.uuid(),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": call.account,
        "time": moment[:19] + "Z",
        "region": call.region,
        "resources": [arn_of(call.region, call.account, alarm.name)],
        "detail": detail,
    }


def _state(state: State) -> dict[str, Any]:
    found: dict[str, Any] = {
        "value": state.value,
        "reason": state.reason,
        "timestamp": iso(state.updated),
    }
    if state.data:
        found["reasonData"] = state.data
    return found


def _metrics(asked: api.PutMetricAlarmInput) -> list[dict[str, Any]]:
    if asked.metric_name is None:
        return [
            {
                "id": query.id,
                **(
                    {"expression": query.expression}
                    if query.expression is not None
                    else {
                        "metricStat": _stat(
                            query.metric_stat.metric.namespace,
                            query.metric_stat.metric.metric_name,
                            query.metric_stat.metric.dimensions,
                            query.metric_stat.period,
                            query.metric_stat.stat,
                        )
                    }
                    if query.metric_stat is not None
                    else {}
                ),
                "returnData": query.return_data is not False,
            }
            for query in asked.metrics or ()
        ]
    stat = asked.statistic or asked.extended_statistic or ""
    return [
        {
            "id": "m1",
            "metricStat": _stat(
                asked.namespace, asked.metric_name, asked.dimensions, asked.period or 60, stat
            ),
            "returnData": True,
        }
    ]


def _stat(
    namespace: str | None,
    name: str | None,
    dimensions: list[api.Dimension] | None,
    period: int,
    stat: str,
) -> dict[str, Any]:
    return {
        "metric": {
            "namespace": namespace,
            "name": name,
            "dimensions": {one.name: one.value for one in dimensions or ()},
        },
        "period": period,
        "stat": stat,
    }
