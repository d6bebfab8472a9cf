"""A change of state: the row, the history, the event, and the alarm's actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import sns as sns_api
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.services.cloudwatch.control.notices import event_of, message_of
from mesocosm.services.cloudwatch.resources.alarms import (
    COMPOSITE,
    EVENTS_MAX,
    Alarm,
    Event,
    HistoryItem,
    State,
    alarms,
    arn_of,
    events,
    history,
    state_of,
    states,
)
from mesocosm.services.cloudwatch.resources.metrics import roll_daily
from mesocosm.services.cloudwatch.resources.mutes import muted_by
from mesocosm.services.cloudwatch.rules import places
from mesocosm.wire.errors import AwsError

SUBJECT_MAX = 100
SERVICE = "cloudwatch.amazonaws.com"


def note(call: Call, alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
    """Write an item of history."""
    rows = call.rows(history)
    last = next(rows.range(reverse=True), 0)
    rows[last + 1] = HistoryItem(
        alarm=alarm.name,
        alarm_kind=alarm.kind,
        time=call.now,
        kind=kind,
        summary=summary,
        data=msgspec.json.encode(data).decode(),
    )
    roll_daily(call.world, call.account, call.region)


def change(call: Call, alarm: Alarm, value: str, reason: str, data: dict[str, Any] | None) -> None:
    """Put an alarm into a state, and do what follows. The alarm may be in that state already:
    then only the reason is new (SetAlarmState).
    """
    before = state_of(call, alarm.name)
    changed = value != before.value
    after = replace(
        before,
        value=value,
        reason=reason,
        data=msgspec.json.encode(data).decode() if data is not None else "",
        updated=call.now,
        transitioned=call.now if changed else before.transitioned,
    )
    call.rows(states)[alarm.name] = after
    if not changed:
        return
    note(
        call,
        alarm,
        "StateUpdate",
        f"Alarm updated from {before.value} to {value}",
        {"version": "1.0", "oldState": _shown(before), "newState": _shown(after)},
    )
    _event(call, alarm, before, after)
    act(call, alarm, before.value, after)


def _shown(state: State) -> dict[str, Any]:
    found: dict[str, Any] = {"stateValue": state.value, "stateReason": state.reason}
    if state.data:
        found["stateReasonData"] = msgspec.json.decode(state.data)
    return found


def _event(call: Call, alarm: Alarm, before: State, after: State) -> None:
    rows = call.rows(events)
    last = next(rows.range(reverse=True), 0)
    event = event_of(call, alarm, before, after)
    rows[last + 1] = Event(call.now, msgspec.json.encode(event).decode())
    rows.pop(last + 1 - EVENTS_MAX, None)


def listed(alarm: Alarm, value: str) -> Sequence[str]:
    """The actions of a state."""
    asked = alarm.composite if alarm.kind == COMPOSITE else alarm.metric
    actions = {
        "OK": asked.ok_actions,
        "ALARM": asked.alarm_actions,
        "INSUFFICIENT_DATA": asked.insufficient_data_actions,
    }
    return actions[value] or ()


def act(call: Call, alarm: Alarm, old: str, state: State) -> None:
    """Carry out the actions of the state an alarm has come into, unless something holds them."""
    if not alarm.actions_enabled or call.now < alarm.warm:
        return
    if muted_by(call, alarm.name):
        return
    if alarm.kind == COMPOSITE and alarm.composite.actions_suppressor:
        from mesocosm.services.cloudwatch.control.suppression import held_back

        if held_back(call, alarm, state):
            return
    carry_out(call, alarm, old, state)


def carry_out(call: Call, alarm: Alarm, old: str, state: State) -> None:
    """Carry out the actions of a state, each by itself."""
    for action in listed(alarm, state.value):
        message = message_of(call, alarm, old, state)
        try:
            _do(call, alarm, action, state, message)
        except AwsError as error:
            note(
                call,
                alarm,
                "Action",
                f'Failed to execute action {action}. Received error: "{error.message}"',
                {
                    "actionState": "Failed",
                    "stateUpdateTimestamp": int(state.updated * 1000),
                    "notificationResource": action,
                    "publishedMessage": None,
                    "error": error.message,
                },
            )
            continue
        note(
            call,
            alarm,
            "Action",
            f"Successfully executed action {action}",
            {
                "actionState": "Succeeded",
                "stateUpdateTimestamp": int(state.updated * 1000),
                "notificationResource": action,
                "publishedMessage": msgspec.json.encode(
                    {"default": msgspec.json.encode(message).decode()}
                ).decode(),
            },
        )


def _do(call: Call, alarm: Alarm, action: str, state: State, message: dict[str, Any]) -> None:
    parts = action.split(":")
    if len(parts) != 6 or parts[2] != "sns":
        raise AwsError("NotImplemented", f"Actions of {parts[2]} are not implemented", status=501)
    subject = f'{state.value}: "{alarm.name}" in {places.shown(call.region)}'
    call.invoke(
        "sns",
        "Publish",
        sns_api.PublishInput(
            topic_arn=action,
            subject=subject if len(subject) <= SUBJECT_MAX else f"{subject[:97]}...",
            message=msgspec.json.encode(message).decode(),
        ),
        principal=service_principal(SERVICE, call.account),
        account=parts[4],
        region=parts[3],
        conditions={
            "aws:SourceArn": arn_of(call.region, call.account, alarm.name),
            "aws:SourceAccount": call.account,
            "aws:SourceOwner": call.account,
        },
    )


def named(call: Call, name: str) -> Alarm | None:
    """The alarm of that name in this cell."""
    return call.rows(alarms).get(name)
