"""Anomaly detectors: what the model of a metric is to leave out, and its time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from mesocosm.api import cloudwatch as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.services.cloudwatch import cloudwatch
from mesocosm.services.cloudwatch.resources.kept import Detector, detectors
from mesocosm.services.cloudwatch.resources.metrics import Store, joined
from mesocosm.services.cloudwatch.resources.querying import Session, check
from mesocosm.services.cloudwatch.rules import bands, statistics
from mesocosm.services.cloudwatch.rules.errors import (
    bad_token,
    combination,
    invalid,
    missing,
    no_resource,
)
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression
from mesocosm.services.cloudwatch.rules.math.values import Line

PAGE = 100
RANGES_MAX = 10
SINGLE, MATH = "SINGLE_METRIC", "METRIC_MATH"
PLAIN = ("namespace", "metric_name", "dimensions", "stat")


def _identity(request: Any) -> tuple[str, str]:
    """Kind and identity of the metric a request means, whichever form it came in."""
    forms = [
        any(getattr(request, member) is not None for member in PLAIN),
        request.single_metric_anomaly_detector is not None,
        request.metric_math_anomaly_detector is not None,
    ]
    if sum(forms) > 1:
        raise combination(
            "Only one of SingleMetricAnomalyDetector, MetricMathAnomalyDetector and the "
            "parameters Namespace, MetricName, Dimensions and Stat can be specified."
        )
    if forms[2]:
        queries = request.metric_math_anomaly_detector.metric_data_queries or []
        return MATH, msgspec.json.encode(queries).decode()
    given = request.single_metric_anomaly_detector or request
    for member, name in (
        ("namespace", "Namespace"),
        ("metric_name", "MetricName"),
        ("stat", "Stat"),
    ):
        if getattr(given, member) is None:
            raise missing(f"The parameter {name} is required.")
    if statistics.parse(given.stat) is None:
        raise invalid(f"The value {given.stat} for parameter Stat is not supported.")
    pairs = [(one.name, one.value) for one in given.dimensions or ()]
    return SINGLE, "\1".join((given.namespace, given.metric_name, joined(pairs), given.stat))


def _find(call: Call, identity: tuple[str, str]) -> Detector | None:
    for row in call.rows(detectors).values():
        if _identity(row.asked) == identity:
            return row
    return None


@cloudwatch.operation("PutAnomalyDetector")
def put_anomaly_detector(
    call: Call, request: api.PutAnomalyDetectorInput
) -> api.PutAnomalyDetectorOutput:
    """Make or overwrite the detector of a metric or an expression."""
    identity = _identity(request)
    if request.metric_math_anomaly_detector is not None:
        queries = request.metric_math_anomaly_detector.metric_data_queries or []
        check(queries, "MetricDataQueries")
        if sum(query.return_data is not False for query in queries) != 1:
            raise invalid("Exactly one element of the metrics list should return data.")
    configuration = request.configuration
    if configuration is not None:
        if len(configuration.excluded_time_ranges or ()) > RANGES_MAX:
            raise invalid(f"At most {RANGES_MAX} time ranges can be excluded.")
        if configuration.metric_timezone:
            try:
                ZoneInfo(configuration.metric_timezone)
            except (KeyError, ValueError, OSError):
                raise invalid(
                    f"The value {configuration.metric_timezone} for parameter MetricTimezone is "
                    "invalid."
                ) from None
    known = _find(call, identity)
    row = Detector(
        id=known.id if known else call.ids.uuid(),
        request=msgspec.json.encode(_single(request)).decode(),
        made=known.made if known else call.now,
    )
    call.rows(detectors)[row.id] = row
    return api.PutAnomalyDetectorOutput(anomaly_detector_id=row.id)


def _single(request: api.PutAnomalyDetectorInput) -> api.PutAnomalyDetectorInput:
    """With the metric in the newer form."""
    if request.namespace is None:
        return request
    return replace(
        request,
        single_metric_anomaly_detector=api.SingleMetricAnomalyDetector(
            namespace=request.namespace,
            metric_name=request.metric_name,
            dimensions=request.dimensions,
            stat=request.stat,
        ),
        namespace=None,
        metric_name=None,
        dimensions=None,
        stat=None,
    )


@cloudwatch.operation("DeleteAnomalyDetector")
def delete_anomaly_detector(
    call: Call, request: api.DeleteAnomalyDetectorInput
) -> api.DeleteAnomalyDetectorOutput:
    """Delete a detector, by its id or its metric."""
    rows = call.rows(detectors)
    row = (
        rows.get(request.anomaly_detector_id)
        if request.anomaly_detector_id is not None
        else _find(call, _identity(request))
    )
    if row is None:
        raise no_resource("anomaly-detector", request.anomaly_detector_id or "")
    del rows[row.id]
    return api.DeleteAnomalyDetectorOutput()


@cloudwatch.operation("DescribeAnomalyDetectors")
def describe_anomaly_detectors(
    call: Call, request: api.DescribeAnomalyDetectorsInput
) -> api.DescribeAnomalyDetectorsOutput:
    """Detectors of single metrics, or of expressions where these are asked for."""
    ids = request.anomaly_detector_ids
    kinds = request.anomaly_detector_types or [SINGLE]
    found, token = page(
        (
            row
            for row in call.rows(detectors).values()
            if (row.id in ids if ids else _matches(row, request, kinds))
        ),
        lambda row: row.id,
        request.next_token,
        min(request.max_results or PAGE, PAGE),
        bad_token,
    )
    return api.DescribeAnomalyDetectorsOutput(
        anomaly_detectors=[_shown(call, row) for row in found], next_token=token
    )


def _matches(row: Detector, request: api.DescribeAnomalyDetectorsInput, kinds: list[str]) -> bool:
    single = row.asked.single_metric_anomaly_detector
    if (SINGLE if single is not None else MATH) not in kinds:
        return False
    if single is None:
        return not (request.namespace or request.metric_name or request.dimensions)
    wanted = {(one.name, one.value) for one in request.dimensions or ()}
    return (
        request.namespace in (None, single.namespace)
        and request.metric_name in (None, single.metric_name)
        and wanted <= {(one.name, one.value) for one in single.dimensions or ()}
    )


def _shown(call: Call, row: Detector) -> api.AnomalyDetector:
    asked = row.asked
    single = asked.single_metric_anomaly_detector
    return api.AnomalyDetector(
        anomaly_detector_id=row.id,
        namespace=single.namespace if single else None,
        metric_name=single.metric_name if single else None,
        dimensions=(single.dimensions or []) if single else None,
        stat=single.stat if single else None,
        configuration=asked.configuration,
        metric_characteristics=asked.metric_characteristics,
        single_metric_anomaly_detector=single,
        metric_math_anomaly_detector=asked.metric_math_anomaly_detector,
        state_value=_state(call, asked),
    )


def _state(call: Call, asked: api.PutAnomalyDetectorInput) -> str:
    """TRAINED when there is enough to learn from (by periods of five minutes)."""
    single = asked.single_metric_anomaly_detector
    if single is not None:
        query = api.MetricDataQuery(
            id="m1",
            metric_stat=api.MetricStat(
                metric=api.Metric(
                    namespace=single.namespace,
                    metric_name=single.metric_name,
                    dimensions=single.dimensions,
                ),
                period=300,
                stat=single.stat or "",
            ),
        )
        queries, name = [query], "m1"
    else:
        math = asked.metric_math_anomaly_detector
        queries = (math.metric_data_queries if math else None) or []
        name = next(query.id for query in queries if query.return_data is not False)
    store = Store(call.world, call.account, call.region)
    session = Session(store, queries, call.now - bands.TRAINING, call.now, call.now)
    try:
        line = session.value(name)
    except BadExpression:
        line = None
    enough = isinstance(line, Line) and bands.train(line.points) is not None
    return "TRAINED" if enough else "TRAINED_INSUFFICIENT_DATA"
