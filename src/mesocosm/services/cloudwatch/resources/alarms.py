"""Alarms: what was asked for, the state they are in, and what became of them.

What was asked for and the state are two rows, so that a change of state does not look like a change
of the alarm to those who watch alarms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey, joined
from mesocosm.services.cloudwatch.rules import composite
from mesocosm.world import Table, World

if TYPE_CHECKING:
    from mesocosm.call.call import Call

METRIC = "MetricAlarm"
COMPOSITE = "CompositeAlarm"

HISTORY = 30 * 86_400.0
"""How long AWS keeps the history of alarms."""

EVENTS_MAX = 1_000


class Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm. `request` is the JSON of PutMetricAlarm or PutCompositeAlarm, without tags. `warm`:
    until then it warms up (epoch seconds).
    """

    name: str
    kind: str
    request: str
    created: float
    configured: float
    actions_enabled: bool = True
    warm: float = 0.0
    tags: dict[str, str] = {}

    @property
    def metric(self) -> api.PutMetricAlarmInput:
        """What was asked for of a metric alarm."""
        return msgspec.json.decode(self.request, type=api.PutMetricAlarmInput)

    @property
    def composite(self) -> api.PutCompositeAlarmInput:
        """What was asked for of a composite alarm."""
        return msgspec.json.decode(self.request, type=api.PutCompositeAlarmInput)


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of an alarm; times are epoch seconds.

    `suppressed_by`: WaitPeriod, ExtensionPeriod or Alarm while the actions of a composite alarm are
    held back; `held`: the state whose actions are.
    """

    value: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    data: str = ""
    updated: float = 0.0
    transitioned: float = 0.0
    suppressed_by: str = ""
    suppressed_reason: str = ""
    held: str = ""


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to an alarm. `kind`: ConfigurationUpdate, StateUpdate or Action."""

    alarm: str
    alarm_kind: str
    time: float
    kind: str
    summary: str
    data: str


class Event(msgspec.Struct, frozen=True):
    """An event for EventBridge: its JSON (source aws.cloudwatch). The newest 1,000 are kept until
    there is an EventBridge to give them to.
    """

    time: float
    event: str


alarms: Table[str, Alarm] = Table("cloudwatch.alarms", Alarm)
states: Table[str, State] = Table("cloudwatch.alarm_states", State)
history = Table("cloudwatch.alarm_history", HistoryItem, key=int, ordered=True)
by_alarm = history.index("alarm", lambda row: row.alarm)
events = Table("cloudwatch.events", Event, key=int, ordered=True)


def arn_of(region: str, account: str, name: str) -> str:
    """The ARN of an alarm."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def name_in(text: str) -> str:
    """The name in an alarm's ARN; a name itself."""
    return text.split(":", 6)[6] if text.startswith("arn:") and text.count(":") >= 6 else text


def state_of(call: Call, name: str) -> State:
    """The state of an alarm of this cell."""
    return call.rows(states).get(name) or State()


def watched(alarm: Alarm) -> list[SeriesKey]:
    """The metrics an alarm looks at."""
    if alarm.kind != METRIC:
        return []
    asked = alarm.metric
    if asked.metric_name is not None:
        return [_key(asked.namespace, asked.metric_name, asked.dimensions)]
    return [
        _key(stat.metric.namespace, stat.metric.metric_name, stat.metric.dimensions)
        for stat in (query.metric_stat for query in asked.metrics or ())
        if stat is not None
    ]


def _key(
    namespace: str | None, name: str | None, dimensions: list[api.Dimension] | None
) -> SeriesKey:
    pairs = [(one.name, one.value) for one in dimensions or ()]
    return (namespace or "", name or "", joined(pairs))


class Watchers:
    """Which alarms look at a metric, and which composite alarms at an alarm, of each cell."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cells: dict[
            tuple[str, str], tuple[int, dict[SeriesKey, list[str]], dict[str, list[str]]]
        ] = {}

    def _cell(
        self, account: str, region: str
    ) -> tuple[int, dict[SeriesKey, list[str]], dict[str, list[str]]]:
        rows = self._world.rows(alarms, account, region)
        found = self._cells.get((account, region))
        if found is not None and found[0] == rows.version:
            return found
        metrics: dict[SeriesKey, list[str]] = {}
        parents: dict[str, list[str]] = {}
        for name in sorted(rows):
            alarm = rows[name]
            for key in watched(alarm):
                metrics.setdefault(key, []).append(name)
            for child in children(alarm):
                parents.setdefault(child, []).append(name)
        found = self._cells[account, region] = (rows.version, metrics, parents)
        return found

    def of_metric(self, account: str, region: str, key: SeriesKey) -> list[str]:
        """The alarms that look at a metric."""
        return self._cell(account, region)[1].get(key, [])

    def parents(self, account: str, region: str, name: str) -> list[str]:
        """The composite alarms whose rule, or whose suppressor, is this alarm."""
        return self._cell(account, region)[2].get(name, [])


def children(alarm: Alarm) -> list[str]:
    """The names of the alarms a composite alarm depends on, its suppressor among them."""
    if alarm.kind != COMPOSITE:
        return []
    asked = alarm.composite
    found = [name_in(text) for text in composite.alarms(composite.parse(asked.alarm_rule))]
    if asked.actions_suppressor:
        found.append(name_in(asked.actions_suppressor))
    return list(dict.fromkeys(found))
