"""What happens to records between their coming and their delivery.

Source: Amazon Data Firehose developer guide, "Partition streaming data", "Decompress CloudWatch
Logs"; API reference, "Processor".
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mesocosm.services.firehose.rules import jq
from mesocosm.services.firehose.rules.expressions import refused

UNPACKED_MAX = 6 << 20
"""Bytes a decompressed record may have: AWS's limit of one record after processing."""


class Failure(Exception):
    """A record that cannot be processed: the error's code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Plan(NamedTuple):
    """The processors of a destination, in the order in which they act."""

    decompress: bool = False
    messages: bool = False
    split: str = ""
    separator: bytes = b""
    query: str = ""
    delimiter: bytes = b""

    def records(self, data: bytes) -> Iterator[tuple[bytes, dict[str, str]]]:
        """What one record becomes, with its partition keys. Raises Failure."""
        for part in self._parts(data):
            keys = _keys(self.query, part) if self.query else {}
            yield part + self.delimiter, keys

    def _parts(self, data: bytes) -> Iterator[bytes]:
        if self.decompress:
            data = _unpacked(data)
        if self.messages:
            yield from _messages(data)
        elif self.split == "JSON":
            yield from _documents(data)
        elif self.split == "DELIMITED":
            yield from (part for part in data.split(self.separator) if part)
        else:
            yield data


def plan(processors: Iterable[Mapping[str, Any]]) -> Plan:
    """Processors as the API gives them. Raises InvalidArgumentException for what they cannot be."""
    made = Plan()
    for one in processors:
        given = {
            parameter["ParameterName"]: parameter["ParameterValue"]
            for parameter in one.get("Parameters") or ()
        }
        made = _with(made, one["Type"], given)
    if made.messages and not made.decompress:
        raise refused("CloudWatchLogProcessing needs the Decompression processor.")
    return made


def _with(made: Plan, kind: str, given: Mapping[str, str]) -> Plan:
    if kind == "Decompression":
        if given.get("CompressionFormat", "GZIP") != "GZIP":
            raise refused("The compression format of the Decompression processor must be GZIP.")
        return made._replace(decompress=True)
    if kind == "CloudWatchLogProcessing":
        return made._replace(messages=given.get("DataMessageExtraction", "").lower() == "true")
    if kind == "AppendDelimiterToRecord":
        text = given.get("Delimiter", "\\n")
        return made._replace(delimiter=text.encode().decode("unicode_escape").encode())
    if kind == "RecordDeAggregation":
        split = given.get("SubRecordType", "")
        if split not in ("JSON", "DELIMITED"):
            raise refused("SubRecordType of RecordDeAggregation must be JSON or DELIMITED.")
        try:
            separator = base64.b64decode(given.get("Delimiter", ""), validate=True)
        except binascii.Error:
            raise refused("Delimiter of RecordDeAggregation must be base64 encoded.") from None
        if split == "DELIMITED" and not separator:
            raise refused("RecordDeAggregation of type DELIMITED needs a Delimiter.")
        return made._replace(split=split, separator=separator)
    query = given.get("MetadataExtractionQuery", "")
    if given.get("JsonParsingEngine") != "JQ-1.6" or not query:
        raise refused(
            "MetadataExtraction needs MetadataExtractionQuery and JsonParsingEngine JQ-1.6."
        )
    try:
        jq.compiled(query)
    except jq.JqError as error:
        raise refused(f"MetadataExtractionQuery is not valid: {error}") from None
    return made._replace(query=query)


def _unpacked(data: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(31)
        found = unpacker.decompress(data, UNPACKED_MAX)
    except zlib.error as error:
        raise Failure("Decompression.Failed", f"The record is not GZIP: {error}") from None
    if not unpacker.eof:
        raise Failure("Decompression.Failed", "The decompressed record is too large or cut off.")
    return found


def _messages(data: bytes) -> Iterator[bytes]:
    """The messages of a subscription's record of CloudWatch Logs, a line each."""
    try:
        found = json.loads(data)
        kind, events = found["messageType"], found["logEvents"]
    except (ValueError, KeyError, TypeError):
        message = "The record is none of CloudWatch Logs."
        raise Failure("CloudWatchLogs.InvalidFormat", message) from None
    if kind == "DATA_MESSAGE":
        yield "".join(f"{event['message']}\n" for event in events).encode()


def _documents(data: bytes) -> Iterator[bytes]:
    """JSON objects one after the other, or in an array."""
    decoder = json.JSONDecoder()
    try:
        text = data.decode().strip()
        while text:
            found, end = decoder.raw_decode(text)
            for one in found if isinstance(found, list) else [found]:
                yield json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()
            text = text[end:].lstrip(" \t\r\n,")
    except ValueError:
        message = "The record cannot be split into JSON objects."
        raise Failure("DynamicPartitioning.DeaggregationFailed", message) from None


def _keys(query: str, data: bytes) -> dict[str, str]:
    code = "DynamicPartitioning.MetadataExtractionFailed"
    try:
        value = json.loads(data)
        found = jq.compiled(query)(value)
    except jq.JqError as error:
        raise Failure(code, str(error)) from None
    except ValueError:
        raise Failure(code, "The record is not valid JSON.") from None
    if not isinstance(found, dict) or not found:
        raise Failure(code, "The query did not make an object of partition keys.")
    keys: dict[str, str] = {}
    for name, key in found.items():
        if key is None or key == "" or isinstance(key, dict | list):
            raise Failure(code, f"partitionKeys values must not be null or empty: {name}")
        keys[name] = key if isinstance(key, str) else json.dumps(key)
    return keys


def compressed(data: bytes, form: str, name: str) -> bytes:
    """A body in a compression format; `name`: of the member of a ZIP archive."""
    if form == "GZIP":
        return gzip.compress(data, 6, mtime=0)
    if form == "ZIP":
        import io
        import zipfile

        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name), data)
        return file.getvalue()
    return data
