"""Alarm mute rules."""

from __future__ import annotations

from typing import Any

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.alarms import arn_of
from mesocosm.services.cloudwatch.resources.mutes import MuteRule, mutes
from mesocosm.services.cloudwatch.rules import schedule
from mesocosm.services.cloudwatch.rules.alarms import check_tags
from mesocosm.services.cloudwatch.rules.errors import bad_token, no_resource, validation

PAGE = 50


def mute_arn(call: Call, name: str) -> str:
    """The ARN of a mute rule."""
    return call.arn(f"alarm-mute-rule:{name}")


def _needs(call: Call, request: Any) -> list[Need]:
    targets = request.mute_targets.alarm_names if request.mute_targets else []
    found = [
        Need("cloudwatch:PutAlarmMuteRule", arn_of(call.region, call.account, name))
        for name in targets
    ]
    if request.tags:
        found.append(Need("cloudwatch:TagResource", mute_arn(call, request.name)))
    return found


@cloudwatch.operation(
    "PutAlarmMuteRule",
    resource=lambda call, request: mute_arn(call, request.name),
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    needs=_needs,
)
def put_alarm_mute_rule(call: Call, request: api.PutAlarmMuteRuleInput) -> None:
    """Make or overwrite a rule: in its windows the alarms it names change but take no actions."""
    when = request.rule.schedule
    try:
        schedule.parse(when.expression, when.duration, when.timezone)
    except schedule.BadSchedule as error:
        raise validation(str(error)) from None
    if (
        request.start_date is not None
        and request.expire_date is not None
        and request.start_date >= request.expire_date
    ):
        raise validation("StartDate must be before ExpireDate.")
    rows = call.rows(mutes)
    known = rows.get(request.name)
    rows[request.name] = MuteRule(
        name=request.name,
        description=request.description,
        expression=when.expression,
        duration=when.duration,
        timezone=when.timezone,
        targets=tuple(request.mute_targets.alarm_names) if request.mute_targets else (),
        start=request.start_date,
        expire=request.expire_date,
        updated=call.now,
        tags=known.tags if known is not None else check_tags(request.tags),
    )


@cloudwatch.operation(
    "GetAlarmMuteRule",
    resource=lambda call, request: mute_arn(call, request.alarm_mute_rule_name),
)
def get_alarm_mute_rule(
    call: Call, request: api.GetAlarmMuteRuleInput
) -> api.GetAlarmMuteRuleOutput:
    """A mute rule and whether it is in force."""
    row = call.rows(mutes).get(request.alarm_mute_rule_name)
    if row is None:
        raise no_resource("alarm-mute-rule", request.alarm_mute_rule_name)
    return api.GetAlarmMuteRuleOutput(
        name=row.name,
        alarm_mute_rule_arn=mute_arn(call, row.name),
        description=row.description,
        rule=api.Rule(
            schedule=api.Schedule(
                expression=row.expression, duration=row.duration, timezone=row.timezone
            )
        ),
        mute_targets=api.MuteTargets(alarm_names=list(row.targets)) if row.targets else None,
        start_date=row.start,
        expire_date=row.expire,
        status=row.status(call.now),
        last_updated_timestamp=row.updated,
        mute_type=_type(row),
    )


@cloudwatch.operation("ListAlarmMuteRules", resource=lambda call, request: mute_arn(call, "*"))
def list_alarm_mute_rules(
    call: Call, request: api.ListAlarmMuteRulesInput
) -> api.ListAlarmMuteRulesOutput:
    """Mute rules, by the alarm they mute or by their status."""
    found, token = page(
        (
            row
            for row in call.rows(mutes).values()
            if (request.alarm_name is None or request.alarm_name in row.targets)
            and (not request.statuses or row.status(call.now) in request.statuses)
        ),
        lambda row: row.name,
        request.next_token,
        request.max_records or PAGE,
        bad_token,
    )
    return api.ListAlarmMuteRulesOutput(
        alarm_mute_rule_summaries=[
            api.AlarmMuteRuleSummary(
                alarm_mute_rule_arn=mute_arn(call, row.name),
                expire_date=row.expire,
                status=row.status(call.now),
                mute_type=_type(row),
                last_updated_timestamp=row.updated,
            )
            for row in found
        ],
        next_token=token,
    )


@cloudwatch.operation(
    "DeleteAlarmMuteRule",
    resource=lambda call, request: mute_arn(call, request.alarm_mute_rule_name),
)
def delete_alarm_mute_rule(call: Call, request: api.DeleteAlarmMuteRuleInput) -> None:
    """Delete a rule, if it is there."""
    call.rows(mutes).pop(request.alarm_mute_rule_name, None)


def _type(row: MuteRule) -> str:
    return "ONE_TIME" if row.schedule.once is not None else "RECURRING"
