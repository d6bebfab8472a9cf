"""What metric streams send: each minute's statistics of the metrics that got points, in records
to Firehose: JSON lines (user guide, "CloudWatch metric stream output in JSON format") or
OpenTelemetry's requests.

A minute is sent once it is over. Points that come later for the same minute make it be sent again,
with the statistics as they then are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from mesocosm.api import firehose as firehose_api
from mesocosm.call.authority import Metric
from mesocosm.call.call import Call
from mesocosm.call.roles import assumed
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.kept import Pending, Stream, pending, streams, wants
from mesocosm.services.cloudwatch.resources.metrics import UNITS, SeriesKey, Store, parted
from mesocosm.services.cloudwatch.rules import statistics, telemetry
from mesocosm.services.cloudwatch.rules.points import Sample
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

log = logging.getLogger("mesocosm")

SERVICE = "streams.metrics.cloudwatch.amazonaws.com"
MINUTE = 60
LAG = 2.0
POINTS_IN_RECORD = 100
RECORDS_MAX = 500

updates = Metric("AWS/CloudWatch/MetricStreams", "MetricUpdate")
errors = Metric("AWS/CloudWatch/MetricStreams", "PublishErrorRate", "None")


def gather(
    world: World, account: str, region: str, now: float, keys: Mapping[SeriesKey, float]
) -> None:
    """Note the minutes in which metrics have got points, if a stream wants to know."""
    rows = world.rows(streams, account, region)
    running = [row for row in rows.values() if row.running]
    if not running:
        return
    waiting = world.rows(pending, account, region)
    for key, at in keys.items():
        if not any(wants(row, key) for row in running):
            continue
        known = waiting[key].minutes if key in waiting else ()
        first = int(at) // MINUTE * MINUTE
        last = max(first, int(now) // MINUTE * MINUTE) if at <= now else first
        minutes = {*known, first, last}
        if minutes != set(known):
            waiting[key] = Pending(tuple(sorted(minutes)))
    if waiting and world.timers.get("cloudwatch", "stream", "", account, region) is None:
        world.timers.at(
            now // MINUTE * MINUTE + MINUTE + LAG, "cloudwatch", "stream", "", account, region
        )


@cloudwatch.timer("stream")
def send(call: Call, key: str) -> None:
    """Send the minutes that are over."""
    call.cancel("stream", key)
    waiting = call.rows(pending)
    ready: dict[SeriesKey, list[int]] = {}
    for name in sorted(waiting):
        over = [minute for minute in waiting[name].minutes if minute + MINUTE <= call.now]
        left = tuple(minute for minute in waiting[name].minutes if minute + MINUTE > call.now)
        ready[name] = over
        if left:
            waiting[name] = Pending(left)
        else:
            del waiting[name]
    for stream in list(call.rows(streams).values()):
        if stream.running:
            _deliver(call, stream, ready)
    if waiting:
        call.at(call.now // MINUTE * MINUTE + MINUTE + LAG, "stream", key)


def _deliver(call: Call, stream: Stream, ready: Mapping[SeriesKey, list[int]]) -> None:
    points = list(_points(call, stream, ready))
    records = [
        firehose_api.Record(data=_record(call, stream, points[at : at + POINTS_IN_RECORD]))
        for at in range(0, len(points), POINTS_IN_RECORD)
    ]
    where = (("MetricStreamName", stream.name),)
    meter = call.cloud.meter
    for at in range(0, len(records), RECORDS_MAX):
        try:
            _put(call, stream, records[at : at + RECORDS_MAX])
            meter.count(call.account, call.region, errors, where, 0.0)
        except AwsError as error:
            log.warning("metric stream %s: %s: %s", stream.name, error.code, error.message)
            meter.count(call.account, call.region, errors, where, 1.0)
            return
    if points:
        meter.count(call.account, call.region, updates, where, 1.0, len(points))


def _put(call: Call, stream: Stream, records: list[firehose_api.Record]) -> None:
    asked = stream.asked
    _, _, _, region, account, resource = asked.firehose_arn.split(":", 5)
    call.invoke(
        "firehose",
        "PutRecordBatch",
        firehose_api.PutRecordBatchInput(
            delivery_stream_name=resource.partition("/")[2], records=records
        ),
        principal=assumed(call, asked.role_arn, "CloudWatchMetricStreams", source=SERVICE),
        account=account,
        region=region,
    )


class Point(NamedTuple):
    """A minute of a metric that is to be sent. `more`: further statistics."""

    key: SeriesKey
    unit: str
    minute: int
    sample: Sample
    more: list[str]


def _points(call: Call, stream: Stream, ready: Mapping[SeriesKey, list[int]]) -> Iterator[Point]:
    store = Store(call.world, call.account, call.region)
    for key, minutes in ready.items():
        row = store.series.get(key)
        if row is None or not minutes or not wants(stream, key):
            continue
        more = _additional(stream, key)
        for unit in sorted({code // 2 for code in row.lanes}):
            for minute in minutes:
                samples = store.samples(key, UNITS[unit], minute, minute + MINUTE, MINUTE, call.now)
                if 0 in samples:
                    yield Point(key, UNITS[unit], minute, samples[0], more)


def _additional(stream: Stream, key: SeriesKey) -> list[str]:
    return [
        text
        for configuration in stream.asked.statistics_configurations or ()
        if any(
            one.namespace == key[0] and one.metric_name == key[1]
            for one in configuration.include_metrics
        )
        for text in configuration.additional_statistics
    ]


def _record(call: Call, stream: Stream, points: Sequence[Point]) -> bytes:
    """Points in the format of the stream."""
    version = stream.asked.output_format
    if version == "json":
        return b"".join([_line(call, stream, point) for point in points])
    arn = call.arn(f"metric-stream/{stream.name}")
    summaries = [_summary(point) for point in points]
    return telemetry.request(summaries, call.account, call.region, arn, version)


def _summary(point: Point) -> telemetry.Summary:
    sample = point.sample
    quantiles = [(0.0, statistics.minimum(sample))]
    for text in point.more:
        statistic = statistics.parse(text)
        number = statistics.statistic_of(statistic)(sample) if statistic else None
        if number is not None and statistic is not None and statistic.high is not None:
            quantiles.append((statistic.high / 100.0, number))
    quantiles.append((1.0, statistics.maximum(sample)))
    return telemetry.Summary(
        point.key[0],
        point.key[1],
        dict(parted(point.key[2])),
        point.unit,
        point.minute,
        statistics.count(sample),
        statistics.total(sample),
        quantiles,
    )


def _line(call: Call, stream: Stream, point: Point) -> bytes:
    key, unit, minute, sample, more = point
    value = {
        "max": statistics.maximum(sample),
        "min": statistics.minimum(sample),
        "sum": statistics.total(sample),
        "count": statistics.count(sample),
    }
    for text in more:
        statistic = statistics.parse(text)
        number = statistics.statistic_of(statistic)(sample) if statistic else None
        if number is not None:
            value[text] = number
    line = {
        "metric_stream_name": stream.name,
        "account_id": call.account,
        "region": call.region,
        "namespace": key[0],
        "metric_name": key[1],
        "dimensions": dict(parted(key[2])),
        "timestamp": minute * 1000,
        "value": value,
        "unit": unit,
    }
    return msgspec.json.encode(line) + b"\n"
