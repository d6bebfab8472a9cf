"""SetAlarmState: an alarm's state by hand, until it looks again."""

from __future__ import annotations

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.actions import change, named
from mesocosm.services.cloudwatch.control.evaluate import arm
from mesocosm.services.cloudwatch.control.suppression import follow
from mesocosm.services.cloudwatch.operations.alarms import alarm_arn
from mesocosm.services.cloudwatch.resources.alarms import METRIC, state_of
from mesocosm.services.cloudwatch.rules.errors import not_found
from mesocosm.wire.errors import AwsError


@cloudwatch.operation("SetAlarmState", resource=alarm_arn)
def set_alarm_state(call: Call, request: api.SetAlarmStateInput) -> None:
    """Put an alarm into a state, with all that follows; its next evaluation may change it again."""
    alarm = named(call, request.alarm_name)
    if alarm is None:
        raise not_found("")
    data = None
    if request.state_reason_data:
        try:
            data = msgspec.json.decode(request.state_reason_data)
        except msgspec.DecodeError:
            raise AwsError(
                "InvalidFormatFault",
                "StateReasonData is not valid JSON",
            ) from None
    before = state_of(call, alarm.name).value
    change(call, alarm, request.state_value, request.state_reason, data)
    if before != request.state_value:
        follow(call, alarm.name)
    if alarm.kind == METRIC:
        arm(call.world, call.account, call.region, alarm, call.now)
