"""PutMetricData: the way in."""

from __future__ import annotations

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.arrivals import arrived
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey, Store, joined
from mesocosm.services.cloudwatch.rules import data as rules
from mesocosm.services.cloudwatch.rules.errors import missing

ENTITIES_MAX = 2


@cloudwatch.operation(
    "PutMetricData",
    conditions={"cloudwatch:namespace": lambda call, request: request.namespace},
    category="data",
    read_only=False,
    hide=("MetricData", "EntityMetricData"),
)
def put_metric_data(call: Call, request: api.PutMetricDataInput) -> None:
    """Publish data points. What an entity says of them is accepted and not kept: no operation of
    this API shows it.
    """
    rules.check_namespace(request.namespace)
    data = request.metric_data or []
    rules.check_size(data, "MetricData")
    with_entities = request.entity_metric_data or []
    if not data and not with_entities:
        raise missing("The parameter MetricData is required.")
    store = Store(call.world, call.account, call.region)
    keys = _put(call, store, request.namespace, data, "MetricData")
    for number, entity in enumerate(with_entities, 1):
        name = f"EntityMetricData.member.{number}.MetricData"
        rules.check_size([*data, *(entity.metric_data or [])], name)
        keys |= _put(call, store, request.namespace, entity.metric_data or [], name)
    if len(with_entities) > ENTITIES_MAX:
        call.answer_headers.append(("x-amzn-failure-message", "EntitySizeTooLarge"))
    arrived(call.world, call.account, call.region, call.now, keys)


def _put(
    call: Call, store: Store, namespace: str, data: list[api.MetricDatum], name: str
) -> dict[SeriesKey, float]:
    """Store data; the series that have got points, with the earliest of each."""
    keys: dict[SeriesKey, float] = {}
    now = call.now
    for number, datum in enumerate(data, 1):
        where = f"{name}.member.{number}"
        at = now if datum.timestamp is None else datum.timestamp
        rules.check_time(at, now, where)
        pairs = rules.named(datum.dimensions, f"{where}.Dimensions")
        key = (namespace, datum.metric_name, joined(pairs))
        resolution = rules.check_resolution(datum.storage_resolution, where)
        unit = datum.unit or "None"
        if datum.value is not None:
            rules.check_number(datum.value, f"{where}.Value")
            rules.check_alone(datum, where)
            store.add(key, unit, resolution, at, datum.value)
        else:
            store.add_sets(key, unit, resolution, at, rules.sets_of(datum, where))
        keys[key] = min(at, keys.get(key, at))
    return keys
