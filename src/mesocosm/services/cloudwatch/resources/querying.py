"""Queries over metrics: what GetMetricData, alarms and detectors share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from mesocosm.api import cloudwatch as api
from mesocosm.services.cloudwatch.resources.kept import detectors
from mesocosm.services.cloudwatch.resources.metrics import (
    LAST_IS_LATE,
    LISTED,
    SeriesKey,
    Store,
    joined,
    parted,
)
from mesocosm.services.cloudwatch.rules import bands, statistics
from mesocosm.services.cloudwatch.rules.errors import validation
from mesocosm.services.cloudwatch.rules.math import grammar, insights, search
from mesocosm.services.cloudwatch.rules.math.evaluate import evaluate
from mesocosm.services.cloudwatch.rules.math.grammar import BadExpression, Node
from mesocosm.services.cloudwatch.rules.math.values import Line, Value
from mesocosm.services.cloudwatch.rules.periods import rounded, valid
from mesocosm.world import World

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
SEARCHED_MAX = 500


class Models:
    """The models of expected values that were trained in the last hour."""

    def __init__(self, world: World) -> None:
        self.hour = 0
        self.kept: dict[Any, bands.Model | None] = {}


class Session:
    """The queries of one request over a stretch of time, each computed once. Raises BadExpression.

    `start` is a full period, `end` exclusive; epoch seconds.
    """

    def __init__(
        self,
        store: Store,
        queries: Sequence[api.MetricDataQuery],
        start: float,
        end: float,
        now: float,
    ) -> None:
        self.store = store
        self.queries = {query.id: query for query in queries}
        self.begin = start
        self.end = end
        self.now = now
        periods = [query.metric_stat.period for query in queries if query.metric_stat is not None]
        periods += [query.period for query in queries if query.period is not None]
        self.period = max(periods, default=60)
        self.start = rounded(start, min(periods, default=60), now)
        self._values: dict[str, Value] = {}
        self._open: list[str] = []

    # -- what expressions ask for -------------------------------------------------------------

    def value(self, name: str) -> Value | None:
        """The result of a query."""
        if name in self._values:
            return self._values[name]
        query = self.queries.get(name)
        if query is None:
            return None
        if name in self._open:
            raise BadExpression(f"Circular reference: {', '.join([*self._open, name])}")
        self._open.append(name)
        if query.metric_stat is not None:
            value: Value = self._metric(query.metric_stat)
        else:
            value = self._expression(query)
        self._open.pop()
        self._values[name] = value
        return value

    def metrics(self, part: str) -> list[Line]:
        """The metrics of the request whose id contains `part`."""
        found = [
            self.value(name)
            for name, query in self.queries.items()
            if query.metric_stat is not None and part in name
        ]
        return [line for line in found if isinstance(line, Line)]

    def search(self, text: str, stat: str, period: int | None) -> list[Line]:
        """The metrics a search finds among those with data in the past two weeks."""
        statistic = statistics.parse(stat)
        if statistic is None:
            raise BadExpression(f"Invalid statistic in SEARCH: {stat}")
        period = period or self.period
        if not valid(period):
            raise BadExpression(f"Invalid period in SEARCH: {period}")
        test = search.parse(text)
        oldest = self.now - LISTED - LAST_IS_LATE
        keys = sorted(
            key
            for key, row in self.store.series.items()
            if row.last >= oldest and test(search.Found(key[0], key[1], tuple(parted(key[2]))))
        )[:SEARCHED_MAX]
        names = search.labels([search.Found(k[0], k[1], tuple(parted(k[2]))) for k in keys])
        return [
            self.line(key, statistic, stat, None, period, label)
            for key, label in zip(keys, names, strict=True)
        ]

    def band(self, node: Node, line: Line, deviations: float) -> list[Line]:
        """Upper and lower bound; empty while there is too little to learn from."""
        model = self._model(node, line)
        if model is None:
            return [Line({}, line.period, line.label), Line({}, line.period, line.label)]
        seconds = range(self.start, int(self.end), line.period)
        upper, lower = bands.band(model, seconds, deviations)
        return [
            Line(upper, line.period, f"{line.label} Upper", line.props),
            Line(lower, line.period, f"{line.label} Lower", line.props),
        ]

    # -- metrics ------------------------------------------------------------------------------

    def line(
        self,
        key: SeriesKey,
        statistic: statistics.Statistic,
        stat: str,
        unit: str | None,
        period: int,
        label: str,
    ) -> Line:
        """The time series of a metric."""
        start = rounded(self.begin, period, self.now)
        points = self.store.values(key, statistic, unit, start, self.end, period, self.now)
        props = {
            "AccountId": self.store.account,
            "Region": self.store.region,
            "Namespace": key[0],
            "MetricName": key[1],
            "Stat": stat,
            "Period": str(period),
            **{f"Dim.{name}": value for name, value in parted(key[2])},
        }
        return Line(points, period, label, props)

    def _metric(self, asked: api.MetricStat) -> Line:
        statistic = statistics.parse(asked.stat)
        assert statistic is not None
        metric = asked.metric
        key = (
            metric.namespace or "",
            metric.metric_name or "",
            joined([(one.name, one.value) for one in metric.dimensions or ()]),
        )
        return self.line(key, statistic, asked.stat, asked.unit, asked.period, key[1])

    def _expression(self, query: api.MetricDataQuery) -> Value:
        period, self.period = self.period, query.period or self.period
        text = query.expression or ""
        try:
            if is_insights(text):
                return self.insights(text)
            value = evaluate(grammar.parse(text), self)
        finally:
            self.period = period
        return value

    def insights(self, text: str) -> Value:
        """What a query of Metrics Insights finds: one series, or one for each group."""
        query = insights.parse(text)
        oldest = self.now - LISTED - LAST_IS_LATE
        groups: dict[tuple[str, ...], list[SeriesKey]] = {}
        for key in sorted(self.store.series):
            one = search.Found(key[0], key[1], tuple(parted(key[2])))
            if self.store.series[key].last >= oldest and query.matches(one):
                labels = dict(one.dimensions)
                groups.setdefault(tuple(labels[name] for name in query.group), []).append(key)
        function = insights.FUNCTIONS[query.function]
        start, period = rounded(self.begin, self.period, self.now), self.period
        lines = []
        for group, keys in groups.items():
            samples = insights.merged(
                [self.store.samples(key, None, start, self.end, period, self.now) for key in keys]
            )
            values = {number: function(samples[number]) for number in sorted(samples)}
            points = {
                start + number * period: value
                for number, value in values.items()
                if value is not None
            }
            lines.append(Line(points, period, " ".join(group) or query.metric))
        if query.group:
            return insights.ordered(query, lines)
        return lines[0] if lines else Line({}, period, query.metric)

    def _model(self, node: Node, line: Line) -> bands.Model | None:
        """The model of an expression, trained on two weeks up to the last full hour."""
        models = self.store.world.derived(Models)
        hour = int(min(self.now, max(self.end, self.start + 1))) // 3_600
        if models.hour != int(self.now) // 3_600:
            models.kept.clear()
            models.hour = int(self.now) // 3_600
        where = (self.store.account, self.store.region)
        key = (*where, hour, node, line.period, tuple(sorted(line.props.items())), self._shape())
        if key not in models.kept:
            end = hour * 3_600
            queries = list(self.queries.values())
            past = Session(self.store, queries, end - bands.TRAINING, end, self.now)
            seen = evaluate(node, past)
            excluded, zone = self.trained_by(line)
            points = seen.points if isinstance(seen, Line) else {}
            models.kept[key] = bands.train(points, excluded, zone)
        return models.kept[key]

    def _shape(self) -> str:
        """The queries as text: the model of an expression depends on all of them."""
        return repr(list(self.queries.values()))

    def trained_by(self, line: Line) -> tuple[list[tuple[float, float]], tzinfo]:
        """Times left out of the training, and the time zone of the seasons (PutAnomalyDetector)."""
        rows = self.store.world.rows(detectors, self.store.account, self.store.region)
        for row in rows.values():
            metric = row.asked.single_metric_anomaly_detector
            if metric is None or not _is_of(metric, line):
                continue
            configuration = row.asked.configuration
            if configuration is None:
                break
            ranges = [
                (one.start_time, one.end_time) for one in configuration.excluded_time_ranges or ()
            ]
            name = configuration.metric_timezone
            return ranges, ZoneInfo(name) if name else UTC
        return [], UTC


def _is_of(metric: api.SingleMetricAnomalyDetector, line: Line) -> bool:
    """Whether a time series is the metric and the statistic of a detector."""
    dimensions = {f"Dim.{one.name}": one.value for one in metric.dimensions or ()}
    return (
        metric.namespace == line.props.get("Namespace")
        and metric.metric_name == line.props.get("MetricName")
        and metric.stat == line.props.get("Stat")
        and dimensions == {k: v for k, v in line.props.items() if k.startswith("Dim.")}
    )


# -- checking a list of queries ------------------------------------------------------------------


def check(queries: Sequence[api.MetricDataQuery], name: str) -> None:
    """Refuse queries that make no sense, in AWS's words."""
    known = set()
    for number, query in enumerate(queries, 1):
        where = f"{name}.member.{number}"
        if not _ID.fullmatch(query.id):
            raise validation(
                f"The value {query.id} for parameter {where}.Id is not matching the expected "
                "pattern ^[a-z][a-zA-Z0-9_]*$."
            )
        if query.id in known:
            raise validation(f"The values for parameter id in {name} are not unique.")
        known.add(query.id)
        if (query.metric_stat is None) == (query.expression is None):
            raise validation(
                f"The parameters {where}.MetricStat and {where}.Expression are mutually exclusive "
                "options and you have specified both."
                if query.expression is not None
                else f"At least one of the parameters {where}.MetricStat and {where}.Expression "
                "must be specified."
            )
        if query.metric_stat is not None:
            check_stat(query.metric_stat, f"{where}.MetricStat")
        if query.period is not None and not valid(query.period):
            raise validation(f"The value {query.period} for parameter {where}.Period is invalid.")
    if sum(is_insights(query.expression or "") for query in queries) > 1:
        raise validation("Only one Metrics Insights query can be in a request.")
    for query in queries:
        if query.expression is not None:
            _check_expression(query.id, query.expression, known)


def check_stat(stat: api.MetricStat, where: str) -> None:
    """A metric, a period and a statistic."""
    for member, value in (
        ("Namespace", stat.metric.namespace),
        ("MetricName", stat.metric.metric_name),
    ):
        if not value:
            raise validation(f"The parameter {where}.Metric.{member} is required.")
    if not valid(stat.period):
        raise validation(f"The value {stat.period} for parameter {where}.Period is invalid.")
    if statistics.parse(stat.stat) is None:
        raise validation(f"The value {stat.stat} for parameter {where}.Stat is not supported.")


def is_insights(text: str) -> bool:
    """Whether an expression is a query of Metrics Insights."""
    return text.lstrip()[:7].upper().rstrip() == "SELECT"


KEYWORDS = frozenset(
    [
        "REPEAT",
        "LINEAR",
        "ASC",
        "DESC",
        "AVG",
        "MAX",
        "MIN",
        "SUM",
        "STDDEV",
        "DATAPOINT_COUNT",
        "LAST",
    ]
)


def _check_expression(name: str, text: str, known: set[str]) -> None:
    if is_insights(text):
        try:
            insights.parse(text)
        except BadExpression as error:
            raise bad_expression(name, error) from None
        return
    try:
        node = grammar.parse(text)
    except BadExpression as error:
        raise bad_expression(name, error) from None
    unknown = sorted(grammar.names(node) - known - KEYWORDS)
    if unknown:
        raise bad_expression(
            name, BadExpression(f"The following ids were not found: {', '.join(unknown)}")
        )


def bad_expression(name: str, error: BadExpression) -> Exception:
    """AWS's error of an expression."""
    return validation(f"Error in expression '{name}': {error}")
