"""Making, changing and deleting alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.service import Conditions, Need
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.actions import note
from mesocosm.services.cloudwatch.control.evaluate import arm, period_of
from mesocosm.services.cloudwatch.control.suppression import reconsider
from mesocosm.services.cloudwatch.resources.alarms import (
    COMPOSITE,
    METRIC,
    Alarm,
    State,
    Watchers,
    alarms,
    arn_of,
    name_in,
    state_of,
    states,
)
from mesocosm.services.cloudwatch.resources.querying import check, is_insights
from mesocosm.services.cloudwatch.rules import alarms as rules
from mesocosm.services.cloudwatch.rules import composite
from mesocosm.services.cloudwatch.rules.errors import not_found, validation
from mesocosm.services.cloudwatch.rules.math import grammar, insights

ALARMS_MAX = 100
SEARCHING = frozenset({"SEARCH"})


def alarm_arn(call: Call, request: Any) -> str:
    """The ARN of the alarm a request names."""
    return arn_of(call.region, call.account, request.alarm_name)


def alarm_arns(call: Call, request: Any) -> list[str]:
    """The ARNs of the alarms a request names."""
    return [arn_of(call.region, call.account, name) for name in request.alarm_names]


def _conditions(call: Call, request: Any) -> Conditions:
    actions = [
        *(request.ok_actions or ()),
        *(request.alarm_actions or ()),
        *(request.insufficient_data_actions or ()),
    ]
    return {
        "cloudwatch:AlarmActions": actions or None,
        "cloudwatch:AlarmTagsPropagationEnabled": (
            "true" if rules.check_propagation(request.action_configuration) else "false"
        ),
    }


def _tags(request: Any) -> dict[str, str]:
    return {tag.key: tag.value for tag in request.tags or ()}


def _needs(call: Call, request: Any) -> list[Need]:
    arn = alarm_arn(call, request)
    found = [Need("cloudwatch:TagResource", arn)] if request.tags else []
    if rules.check_propagation(request.action_configuration):
        found.append(Need("cloudwatch:ListTagsForResource", arn))
    return found


@cloudwatch.operation(
    "PutMetricAlarm", resource=alarm_arn, conditions=_conditions, tags=_tags, needs=_needs
)
def put_metric_alarm(call: Call, request: api.PutMetricAlarmInput) -> None:
    """Make or overwrite an alarm on a metric or an expression. Its state stays as it was."""
    if request.evaluation_criteria is not None:
        raise call.not_implemented("an alarm on a PromQL query")
    rules.check_metric_alarm(request)
    for actions in (
        request.ok_actions,
        request.alarm_actions,
        request.insufficient_data_actions,
    ):
        rules.check_actions(actions, call.region)
    _check_queries(call, request)
    rules.check_window(request, period_of(request))
    alarm = _save(call, request, METRIC)
    warm = request.warm_up_configuration
    if warm is not None and not alarm.warm:
        alarm = replace(alarm, warm=alarm.created + 60 * warm.warm_up_period_duration_in_minutes)
        call.rows(alarms)[alarm.name] = alarm
    call.cancel("evaluate", alarm.name)
    arm(call.world, call.account, call.region, alarm, call.now)


def _check_queries(call: Call, request: api.PutMetricAlarmInput) -> None:
    if request.metrics is None:
        return
    check(request.metrics, "Metrics")
    for query in request.metrics:
        if query.account_id is not None and query.account_id != call.account:
            raise call.not_implemented("an alarm on another account's metrics")
        if query.expression is None:
            continue
        if is_insights(query.expression):
            if insights.parse(query.expression).group:
                raise call.not_implemented("an alarm on a query with GROUP BY")
            if query.period is None:
                raise validation("A Metrics Insights query in an alarm needs a Period.")
            continue
        if grammar.functions(grammar.parse(query.expression)) & SEARCHING:
            raise validation("SEARCH is not supported on Metric Alarms.")


@cloudwatch.operation(
    "PutCompositeAlarm", resource=alarm_arn, conditions=_conditions, tags=_tags, needs=_needs
)
def put_composite_alarm(call: Call, request: api.PutCompositeAlarmInput) -> None:
    """Make or overwrite an alarm whose state follows from that of other alarms."""
    try:
        rule = composite.parse(request.alarm_rule)
    except composite.BadRule as error:
        raise validation(f"Error in AlarmRule: {error}.") from None
    rows = call.rows(alarms)
    named = [name_in(text) for text in composite.alarms(rule)]
    if len(named) > composite.ALARMS_MAX:
        raise validation(f"AlarmRule must not have more than {composite.ALARMS_MAX} elements.")
    unknown = [
        text for text in composite.alarms(rule) if name_in(text) not in {*rows, request.alarm_name}
    ]
    if unknown:
        raise validation(
            f"Could not save the composite alarm as alarms [{', '.join(unknown)}] in the alarm "
            "rule do not exist"
        )
    _check_suppressor(call, request)
    for actions in (
        request.ok_actions,
        request.alarm_actions,
        request.insufficient_data_actions,
    ):
        rules.check_actions(actions, call.region)
    alarm = _save(call, request, COMPOSITE)
    reconsider(call, alarm)


def _check_suppressor(call: Call, request: api.PutCompositeAlarmInput) -> None:
    periods = (
        request.actions_suppressor_wait_period,
        request.actions_suppressor_extension_period,
    )
    if request.actions_suppressor is None:
        if any(period is not None for period in periods):
            raise validation(
                "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod cannot be "
                "specified without ActionsSuppressor."
            )
        return
    if any(period is None for period in periods):
        raise validation(
            "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required when "
            "ActionsSuppressor is specified."
        )
    name = name_in(request.actions_suppressor)
    if name not in call.rows(alarms):
        raise validation(
            f"Could not save the composite alarm as the suppressor alarm {name} does not exist"
        )


def _save(
    call: Call, request: api.PutMetricAlarmInput | api.PutCompositeAlarmInput, kind: str
) -> Alarm:
    rows = call.rows(alarms)
    known = rows.get(request.alarm_name)
    if known is not None and known.kind != kind:
        raise validation(f"An alarm of another type exists with the name {request.alarm_name}.")
    tags = rules.check_tags(request.tags) if known is None else known.tags
    alarm = Alarm(
        name=request.alarm_name,
        kind=kind,
        request=msgspec.json.encode(replace(request, tags=None)).decode(),
        created=known.created if known else call.now,
        configured=call.now,
        actions_enabled=request.actions_enabled is not False,
        warm=known.warm if known else 0.0,
        tags=tags,
    )
    rows[alarm.name] = alarm
    if known is None:
        call.rows(states)[alarm.name] = State(updated=call.now, transitioned=call.now)
    _note_configuration(call, alarm, "Update" if known else "Create")
    return alarm


def _note_configuration(call: Call, alarm: Alarm, change: str) -> None:
    verb, member = {
        "Create": ("created", "createdAlarm"),
        "Update": ("updated", "updatedAlarm"),
        "Delete": ("deleted", "deletedAlarm"),
    }[change]
    shown = {
        key[0].lower() + key[1:]: value
        for key, value in msgspec.json.decode(alarm.request).items()
        if value is not None
    }
    shown |= {
        "alarmArn": arn_of(call.region, call.account, alarm.name),
        "alarmConfigurationUpdatedTimestamp": int(alarm.configured * 1000),
        "stateValue": state_of(call, alarm.name).value,
        "actionsEnabled": alarm.actions_enabled,
    }
    note(
        call,
        alarm,
        "ConfigurationUpdate",
        f'Alarm "{alarm.name}" {verb}',
        {"version": "1.0", "type": change, member: shown},
    )


@cloudwatch.operation("DeleteAlarms", resource=alarm_arns)
def delete_alarms(call: Call, request: api.DeleteAlarmsInput) -> None:
    """Delete alarms; those that do not exist are passed over."""
    rows = call.rows(alarms)
    names = list(dict.fromkeys(request.alarm_names))
    if len(names) > ALARMS_MAX:
        raise validation(f"You cannot delete more than {ALARMS_MAX} alarms in one operation.")
    gone = [name for name in names if name in rows]
    if sum(rows[name].kind == COMPOSITE for name in gone) > 1:
        raise validation("You cannot delete more than one composite alarm in one operation.")
    if not gone and len(names) == 1:
        raise not_found(names[0])
    watchers = call.world.derived(Watchers)
    needed = [
        name
        for name in gone
        if any(p not in gone for p in watchers.parents(call.account, call.region, name))
    ]
    if needed:
        them = "it" if len(needed) == 1 else "them"
        raise validation(
            f"Cannot delete {','.join(needed)} as there are composite alarm(s) depending on {them}."
        )
    for name in gone:
        _note_configuration(call, rows[name], "Delete")
        del rows[name]
        call.rows(states).pop(name, None)
        call.cancel("evaluate", name)
        call.cancel("suppress", name)


def each(call: Call, names: list[str], function: Callable[[Alarm], Alarm]) -> None:
    """Change alarms; all of them must exist."""
    rows = call.rows(alarms)
    for name in names:
        if name not in rows:
            raise not_found(name)
    for name in names:
        changed = function(rows[name])
        if changed != rows[name]:
            rows[name] = replace(changed, configured=call.now)
            _note_configuration(call, rows[name], "Update")


@cloudwatch.operation("EnableAlarmActions", resource=alarm_arns)
def enable_alarm_actions(call: Call, request: api.EnableAlarmActionsInput) -> None:
    """Let alarms take their actions."""
    each(call, request.alarm_names, lambda alarm: replace(alarm, actions_enabled=True))


@cloudwatch.operation("DisableAlarmActions", resource=alarm_arns)
def disable_alarm_actions(call: Call, request: api.DisableAlarmActionsInput) -> None:
    """Let alarms change their state without taking actions."""
    each(call, request.alarm_names, lambda alarm: replace(alarm, actions_enabled=False))
