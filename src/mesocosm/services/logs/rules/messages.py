"""What subscribers are sent (CloudWatch Logs user guide, "Real-time processing of log data with
subscriptions")."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec

RECORD_BYTES = 1_000_000


def control_message(now_ms: int, receiver: str) -> bytes:
    """The message that tests whether a receiver can be reached."""
    return _packed(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [
                {
                    "id": "",
                    "timestamp": now_ms,
                    "message": f"CWL CONTROL MESSAGE: Checking health of destination {receiver}.",
                }
            ],
        }
    )


def data_messages(
    owner: str, group: str, stream: str, filter_name: str, events: list[dict[str, Any]]
) -> list[bytes]:
    """Events as records, each small enough for its receiver."""
    packed = _packed(
        {
            "messageType": "DATA_MESSAGE",
            "owner": owner,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [filter_name],
            "logEvents": events,
        }
    )
    if len(packed) <= RECORD_BYTES or len(events) == 1:
        return [packed]
    half = len(events) // 2
    return [
        record
        for part in (events[:half], events[half:])
        for record in data_messages(owner, group, stream, filter_name, part)
    ]


def _packed(value: Any) -> bytes:
    return gzip.compress(msgspec.json.encode(value), 6, mtime=0)
