"""Processors: what one record becomes."""

from __future__ import annotations

import base64
import gzip
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.firehose.rules.processing import Failure, Plan, plan
from mesocosm.wire.errors import AwsError


def made(*processors: tuple[str, dict[str, str]]) -> Plan:
    return plan(
        {
            "Type": kind,
            "Parameters": [
                {"ParameterName": name, "ParameterValue": value} for name, value in given.items()
            ],
        }
        for kind, given in processors
    )


LOGS = made(
    ("Decompression", {"CompressionFormat": "GZIP"}),
    ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
)


def test_log_messages_are_taken_out() -> None:
    events = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "a"}, {"message": "b"}]}
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "c"}]}
    pack = [gzip.compress(json.dumps(one).encode()) for one in (events, control)]
    assert list(LOGS.records(pack[0])) == [(b"a\nb\n", {})]
    assert list(LOGS.records(pack[1])) == []


@pytest.mark.parametrize(
    "data",
    [b"plain", gzip.compress(b"{}"), gzip.compress(b"x" * 10_000_000), b"\x1f\x8b"],
    ids=["plain", "of another kind", "huge", "cut off"],
)
def test_what_is_none_of_logs_fails(data: bytes) -> None:
    with pytest.raises(Failure):
        list(LOGS.records(data))


def test_records_are_taken_apart() -> None:
    split = made(
        ("RecordDeAggregation", {"SubRecordType": "JSON"}),
        ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
    )
    data = b'{"a":1}{"a":2}\n[{"a":3},{"a":4}]'
    assert [one for one, _ in split.records(data)] == [
        f'{{"a":{number}}}\n'.encode() for number in (1, 2, 3, 4)
    ]
    with pytest.raises(Failure):
        list(split.records(b"{"))
    by = made(
        (
            "RecordDeAggregation",
            {"SubRecordType": "DELIMITED", "Delimiter": base64.b64encode(b"##").decode()},
        )
    )
    assert [one for one, _ in by.records(b"a##b##")] == [b"a", b"b"]


@pytest.mark.parametrize(
    "processor",
    [
        ("Decompression", {"CompressionFormat": "ZSTD"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
        ("RecordDeAggregation", {"SubRecordType": "XML"}),
        ("RecordDeAggregation", {"SubRecordType": "DELIMITED"}),
        ("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": "!"}),
        ("MetadataExtraction", {"MetadataExtractionQuery": "{a:.a}"}),
        ("MetadataExtraction", {"MetadataExtractionQuery": "{", "JsonParsingEngine": "JQ-1.6"}),
    ],
)
def test_processors_that_cannot_be(processor: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        made(processor)


@given(st.binary(max_size=50))
def test_any_bytes_are_records_or_failures(data: bytes) -> None:
    parameters = {"MetadataExtractionQuery": "{a:.a}", "JsonParsingEngine": "JQ-1.6"}
    with suppress(Failure):
        for _, found in made(("MetadataExtraction", parameters)).records(data):
            assert set(found) == {"a"}
