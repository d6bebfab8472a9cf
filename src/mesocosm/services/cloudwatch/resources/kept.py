"""What is kept beside metrics and alarms: dashboards, metric streams, anomaly detectors, saved
queries.
"""

from __future__ import annotations

import msgspec

from mesocosm.api import cloudwatch as api
from mesocosm.services.cloudwatch.resources.metrics import SeriesKey
from mesocosm.world import Table

GLOBAL = "aws-global"
"""Dashboards are an account's, whatever the Region."""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dashboard; `modified` in epoch seconds."""

    name: str
    body: str
    modified: float
    tags: dict[str, str] = {}


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric stream: the JSON of PutMetricStream without tags. Times: epoch seconds."""

    name: str
    request: str
    created: float
    updated: float
    running: bool = True
    tags: dict[str, str] = {}

    @property
    def asked(self) -> api.PutMetricStreamInput:
        """What was asked for."""
        return msgspec.json.decode(self.request, type=api.PutMetricStreamInput)


class Pending(msgspec.Struct, frozen=True):
    """Minutes (their first epoch second) in which a metric got points that no stream has sent."""

    minutes: tuple[int, ...]


class Detector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An anomaly detector: the JSON of PutAnomalyDetector, its metric in one form."""

    id: str
    request: str
    made: float

    @property
    def asked(self) -> api.PutAnomalyDetectorInput:
        """What was asked for."""
        return msgspec.json.decode(self.request, type=api.PutAnomalyDetectorInput)


class Definition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A saved query; times are epoch seconds."""

    id: str
    path: str
    expression: str
    kind: str
    created: float
    updated: float
    tags: dict[str, str] = {}


dashboards: Table[str, Dashboard] = Table("cloudwatch.dashboards", Dashboard)
streams: Table[str, Stream] = Table("cloudwatch.streams", Stream)
pending = Table("cloudwatch.pending", Pending, key=tuple[str, str, str])
detectors: Table[str, Detector] = Table("cloudwatch.detectors", Detector)
definitions: Table[str, Definition] = Table("cloudwatch.query_definitions", Definition)
by_path = definitions.index("path", lambda row: row.path)


def wants(stream: Stream, key: SeriesKey) -> bool:
    """Whether a stream sends a metric."""
    asked = stream.asked
    if asked.include_filters is not None:
        return any(_fits(one, key) for one in asked.include_filters)
    return not any(_fits(one, key) for one in asked.exclude_filters or ())


def _fits(given: api.MetricStreamFilter, key: SeriesKey) -> bool:
    if given.namespace != key[0]:
        return False
    return not given.metric_names or key[1] in given.metric_names
