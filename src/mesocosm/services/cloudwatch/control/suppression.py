"""Composite alarms: their state follows that of others, and a suppressor holds their actions.

User guide, "Composite alarm action suppression": when the composite alarm changes, it waits at most
the wait period for the suppressor to go into ALARM; while the suppressor is in ALARM nothing is
done; when it leaves ALARM the actions wait for the extension period.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.actions import carry_out, change, named
from mesocosm.services.cloudwatch.resources.alarms import (
    Alarm,
    State,
    Watchers,
    arn_of,
    name_in,
    state_of,
    states,
)
from mesocosm.services.cloudwatch.rules import composite, reasons

_REASONS = {
    "Alarm": "Actions suppressed by {arn}: it is in ALARM state",
    "WaitPeriod": "Waiting {seconds} seconds for {arn} to go into ALARM state",
    "ExtensionPeriod": "Waiting {seconds} seconds after {arn} went out of ALARM state",
}


def follow(call: Call, name: str, path: tuple[str, ...] = ()) -> None:
    """An alarm has changed: whatever depends on it looks again. A cycle ends where it closes."""
    for parent in call.world.derived(Watchers).parents(call.account, call.region, name):
        alarm = named(call, parent)
        if alarm is None or parent in path:
            continue
        if name == name_in(alarm.composite.actions_suppressor or ""):
            suppressor_changed(call, alarm)
        reconsider(call, alarm, name, (*path, parent))


def reconsider(call: Call, alarm: Alarm, cause: str = "", path: tuple[str, ...] = ()) -> None:
    """Evaluate the rule of a composite alarm."""
    rule = composite.parse(alarm.composite.alarm_rule)
    value = "ALARM" if composite.holds(rule, lambda text: _state(call, text)) else "OK"
    if value == state_of(call, alarm.name).value:
        return
    reason, data = _why(call, alarm, rule, value, cause)
    change(call, alarm, value, reason, data)
    follow(call, alarm.name, path or (alarm.name,))


def _state(call: Call, text: str) -> str:
    name = name_in(text)
    return state_of(call, name).value if named(call, name) is not None else ""


def _why(
    call: Call, alarm: Alarm, rule: composite.Rule, value: str, cause: str
) -> tuple[str, dict[str, Any] | None]:
    if not cause:
        found = [name_in(text) for text in composite.alarms(rule)]
        triggers = [name for name in found if state_of(call, name).value == "ALARM"] or found
    else:
        triggers = [cause]
    if not triggers:
        return f"{alarm.composite.alarm_rule} evaluates to {value}", None
    shown = []
    for name in triggers:
        state = state_of(call, name)
        shown.append((arn_of(call.region, call.account, name), state))
    arn, state = shown[0]
    reason = reasons.child(arn, state.value, state.transitioned or call.now)
    data = {
        "triggeringAlarms": [
            {
                "arn": arn,
                "state": {
                    "value": state.value,
                    "timestamp": reasons.iso(state.transitioned or call.now),
                },
            }
            for arn, state in shown
        ]
    }
    return reason, data


# -- suppression ---------------------------------------------------------------------------------


def _hold(call: Call, alarm: Alarm, state: State, by: str, seconds: int | None) -> None:
    suppressor = name_in(alarm.composite.actions_suppressor or "")
    arn = arn_of(call.region, call.account, suppressor)
    call.rows(states)[alarm.name] = replace(
        state,
        suppressed_by=by,
        suppressed_reason=_REASONS[by].format(arn=arn, seconds=seconds),
        held=state.value,
    )
    if by == "Alarm":
        call.cancel("suppress", alarm.name)
    else:
        call.at(call.now + (seconds or 0), "suppress", alarm.name)


def held_back(call: Call, alarm: Alarm, state: State) -> bool:
    """Whether the actions of a new state have to wait for the suppressor."""
    asked = alarm.composite
    if _state(call, asked.actions_suppressor or "") == "ALARM":
        _hold(call, alarm, state, "Alarm", None)
        return True
    if state.suppressed_by == "ExtensionPeriod":
        call.rows(states)[alarm.name] = replace(state, held=state.value)
        return True
    if asked.actions_suppressor_wait_period:
        _hold(call, alarm, state, "WaitPeriod", asked.actions_suppressor_wait_period)
        return True
    return False


def suppressor_changed(call: Call, alarm: Alarm) -> None:
    """The suppressor of an alarm has changed its state."""
    state = state_of(call, alarm.name)
    asked = alarm.composite
    if _state(call, asked.actions_suppressor or "") == "ALARM":
        if state.suppressed_by in ("WaitPeriod", "ExtensionPeriod"):
            _hold(call, alarm, state, "Alarm", None)
    elif state.suppressed_by == "Alarm":
        seconds = asked.actions_suppressor_extension_period or 0
        _hold(call, alarm, state, "ExtensionPeriod", seconds)


@cloudwatch.timer("suppress")
def end_of_waiting(call: Call, name: str) -> None:
    """A wait or extension period is over: the actions are carried out."""
    alarm, state = named(call, name), state_of(call, name)
    if alarm is None or not state.suppressed_by:
        return
    state = replace(state, suppressed_by="", suppressed_reason="", held="")
    call.rows(states)[name] = state
    if alarm.actions_enabled:
        carry_out(call, alarm, "OK" if state.value == "ALARM" else "ALARM", state)
