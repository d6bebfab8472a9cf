"""PutMetricData: the way in."""

from __future__ import annotations

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.control.arrivals import arrived
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey, joined
from mesocosm.services.cloudwatch.resources.writing import Writer
from mesocosm.services.cloudwatch.rules import data as rules
from mesocosm.services.cloudwatch.rules.errors import invalid, missing

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
    if len(with_entities) > ENTITIES_MAX:
        if request.strict_entity_validation:
            raise invalid(
                f"The collection EntityMetricData must not have a size greater than {ENTITIES_MAX}."
            )
        call.answer_headers.append(("x-amzn-failure-message", "EntitySizeTooLarge"))
    writer = Writer(call.world, call.account, call.region)
    keys = _put(call, writer, request.namespace, data, "MetricData")
    for number, entity in enumerate(with_entities, 1):
        name = f"EntityMetricData.member.{number}.MetricData"
        rules.check_size([*data, *(entity.metric_data or [])], name)
        keys |= _put(call, writer, request.namespace, entity.metric_data or [], name)
    arrived(call.world, call.account, call.region, call.now, keys)


def _put(
    call: Call, writer: Writer, namespace: str, data: list[api.MetricDatum], name: str
) -> dict[SeriesKey, float]:
    """Store data; the series that have got points, with the earliest of each. A thousand of them
    may come at once: what names a datum in an error is only made for the error.
    """
    keys: dict[SeriesKey, float] = {}
    now = call.now
    oldest, newest = now - rules.PAST, now + rules.FUTURE
    lowest, highest = -rules.LARGEST, rules.LARGEST
    for number, datum in enumerate(data, 1):
        at = datum.timestamp
        if at is None:
            at = now
        elif not oldest <= at <= newest:
            rules.check_time(at, now, f"{name}.member.{number}")
        dimensions = datum.dimensions
        if not dimensions:
            text = ""
        elif len(dimensions) == 1:
            text = f"{dimensions[0].name}\0{dimensions[0].value}"
        else:
            text = joined(rules.named(dimensions, f"{name}.member.{number}.Dimensions"))
        key = (namespace, datum.metric_name, text)
        resolution = datum.storage_resolution
        if resolution is None:
            resolution = 60
        elif resolution != 60:
            resolution = rules.check_resolution(resolution, f"{name}.member.{number}")
        value = datum.value
        if value is None:
            sets = rules.sets_of(datum, f"{name}.member.{number}")
            writer.add_sets(key, datum.unit or "None", resolution, at, sets)
        else:
            if not lowest <= value <= highest:  # true of NaN
                rules.check_number(value, f"{name}.member.{number}.Value")
            if datum.values or datum.statistic_values is not None:
                rules.check_alone(datum, f"{name}.member.{number}")
            writer.add(key, datum.unit or "None", resolution, at, value)
        if at < keys.get(key, newest + 1):
            keys[key] = at
    return keys
