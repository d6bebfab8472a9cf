"""Metric streams in OpenTelemetry's formats: protocol buffers, each request behind its length.

User guide, "CloudWatch metric stream output in OpenTelemetry 1.0.0 format" and "... 0.7.0 format";
opentelemetry-proto v1.0.0 and v0.7.0: `ExportMetricsServiceRequest` with one summary a data point.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

NANOS = 1_000_000_000
MINUTE = 60
UNITS = {
    "Seconds": "s",
    "Microseconds": "us",
    "Milliseconds": "ms",
    "Bytes": "By",
    "Kilobytes": "kBy",
    "Megabytes": "MBy",
    "Gigabytes": "GBy",
    "Terabytes": "TBy",
    "Bits": "bit",
    "Kilobits": "kbit",
    "Megabits": "Mbit",
    "Gigabits": "Gbit",
    "Terabits": "Tbit",
    "Percent": "%",
    "Count": "{Count}",
    "None": "1",
}
"""CloudWatch's units in UCUM; those a second are the same with `/s`."""


class Summary(NamedTuple):
    """A data point of a minute. `quantiles`: from 0 (the minimum) to 1 (the maximum), and value."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str
    minute: int
    samples: float
    total: float
    quantiles: Sequence[tuple[float, float]]


def varint(number: int) -> bytes:
    """A number in groups of seven bits."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _fixed(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def _double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def _string_value(value: str) -> bytes:
    return _text(1, value)


def _pair(key: str, value: bytes) -> bytes:
    """A KeyValue."""
    return _text(1, key) + _bytes(2, value)


def _map_value(values: Mapping[str, str]) -> bytes:
    pairs = [_bytes(1, _pair(key, _string_value(value))) for key, value in values.items()]
    return _bytes(6, b"".join(pairs))


def unit_of(unit: str) -> str:
    """A unit of CloudWatch in UCUM."""
    base, second, _ = unit.partition("/Second")
    return UNITS.get(base, base) + ("/s" if second else "")


def _point(one: Summary, old: bool) -> bytes:
    """A SummaryDataPoint; in version 0.7 attributes are labels."""
    found = []
    if old:
        labels = {"Namespace": one.namespace, "MetricName": one.name, **one.dimensions}
        found += [_bytes(1, _text(1, key) + _text(2, value)) for key, value in labels.items()]
    found += [
        _fixed(2, one.minute * NANOS),
        _fixed(3, (one.minute + MINUTE) * NANOS),
        _fixed(4, int(one.samples)),
        _double(5, one.total),
    ]
    found += [_bytes(6, _double(1, part) + _double(2, value)) for part, value in one.quantiles]
    if not old:
        found += [
            _bytes(7, _pair("Namespace", _string_value(one.namespace))),
            _bytes(7, _pair("MetricName", _string_value(one.name))),
            _bytes(7, _pair("Dimensions", _map_value(one.dimensions))),
        ]
    return b"".join(found)


def request(
    points: Sequence[Summary], account: str, region: str, stream: str, version: str
) -> bytes:
    """An ExportMetricsServiceRequest behind its length. `version`: the OutputFormat."""
    old = version == "opentelemetry0.7"
    attributes = {
        "cloud.provider": "aws",
        "cloud.account.id": account,
        "cloud.region": region,
        "aws.exporter.arn": stream,
    }
    resource = b"".join(
        _bytes(1, _pair(key, _string_value(value))) for key, value in attributes.items()
    )
    metrics = b"".join(
        _bytes(
            2,
            _text(1, f"amazonaws.com/{one.namespace}/{one.name}")
            + _text(3, unit_of(one.unit))
            + _bytes(11, _bytes(1, _point(one, old))),
        )
        for one in points
    )
    whole = _bytes(1, _bytes(1, resource) + _bytes(2, metrics))
    return varint(len(whole)) + whole
