"""What the tests of logs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesocosm.testing.local import LocalCloud

Make = Callable[..., Any]


def stream(client: Make, group: str = "g", name: str = "s") -> Any:
    """A client, with a group and a stream in it."""
    logs = client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=name)
    return logs


def say(cloud: LocalCloud, logs: Any, *messages: str, group: str = "g", name: str = "s") -> None:
    """Put messages, now."""
    at = now(cloud)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=name,
        logEvents=[{"timestamp": at, "message": message} for message in messages],
    )


def now(cloud: LocalCloud) -> int:
    """The cloud's time in epoch milliseconds."""
    return int(cloud.now() * 1000)


def messages(logs: Any, group: str = "g", **more: Any) -> list[str]:
    """The messages of a group."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **more)
    return [event["message"] for page in pages for event in page["events"]]
