"""Event notifications: what a configuration must be, which of them an event concerns, and the
event as S3 writes it.

Source: "Amazon S3 Event Notifications", "Event message structure", Amazon S3 User Guide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

from mesocosm.services.s3.rules.attributes import argument
from mesocosm.wire import models

VERSIONS = {
    "ObjectCreated": "2.1",
    "ObjectRemoved": "2.1",
    "ObjectRestore": "2.1",
    "Replication": "2.2",
}
"""The version of an event's structure by the first part of its name; 2.3 for all others."""


def destinations(document: Any) -> list[Any]:
    """The configurations of a document, of every kind."""
    return [
        *(document.queue_configurations or ()),
        *(document.topic_configurations or ()),
        *(document.lambda_function_configurations or ()),
    ]


def target(given: Any) -> str:
    """The ARN of the queue or the topic that a configuration names."""
    arn: str = getattr(given, "queue_arn", None) or given.topic_arn
    return arn


def check(document: Any) -> None:
    """Raises InvalidArgument."""
    names: set[str] = set()
    for given in destinations(document):
        if given.id is not None and given.id in names:
            raise argument(
                "Same ID used for multiple configurations. IDs must be unique", "Id", given.id
            )
        names.add(given.id or "")
        names.discard("")
        known = models.service("s3").shapes["Event"]["enum"]
        if not given.events or any(event not in known for event in given.events):
            raise argument(
                "A specified event is not supported for notifications.",
                "Event",
                next((event for event in given.events or () if event not in known), ""),
            )
        _check_filter(given)
    _check_overlaps(destinations(document))


def _check_filter(given: Any) -> None:
    key = given.filter.key if given.filter is not None else None
    seen = set()
    for rule in (key.filter_rules if key is not None else None) or ():
        name = (rule.name or "").lower()
        if name not in ("prefix", "suffix"):
            raise argument(
                "filter rule name must be either prefix or suffix", "FilterRule.Name", name
            )
        if name in seen:
            raise argument(
                "Cannot specify more than one prefix rule in a filter."
                if name == "prefix"
                else "Cannot specify more than one suffix rule in a filter.",
                f"FilterRule.{name.title()}",
                rule.value or "",
            )
        seen.add(name)
        if len((rule.value or "").encode()) > 1024:
            raise argument(
                "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
                "FilterRule.Value",
                rule.value,
            )
        rule.name, rule.value = rule.name.capitalize(), rule.value or ""


def affixes(given: Any) -> tuple[str, str]:
    """The prefix and the suffix of a configuration's filter."""
    key = given.filter.key if given.filter is not None else None
    found = {
        rule.name.lower(): rule.value or ""
        for rule in (key.filter_rules if key is not None else None) or ()
    }
    return found.get("prefix", ""), found.get("suffix", "")


def _check_overlaps(given: list[Any]) -> None:
    for index, one in enumerate(given):
        for other in given[index + 1 :]:
            if not any(_meets(a, b) for a in one.events for b in other.events):
                continue
            (prefix, suffix), (prefix2, suffix2) = affixes(one), affixes(other)
            starts = prefix.startswith(prefix2) or prefix2.startswith(prefix)
            ends = suffix.endswith(suffix2) or suffix2.endswith(suffix)
            if starts and ends:
                raise argument(
                    "Configuration is ambiguously defined. Cannot have overlapping suffixes in "
                    "two rules if the prefixes are overlapping for the same event type.",
                    "Filter",
                    "null",
                )


def _meets(one: str, other: str) -> bool:
    return one == other or covers(one, other) or covers(other, one)


def covers(wanted: str, event: str) -> bool:
    """Whether a configured event type means an event."""
    return wanted == event or (wanted.endswith(":*") and event.startswith(wanted[:-1]))


def concerned(document: Any, event: str, key: str) -> Iterator[Any]:
    """The configurations that want to know of an event (without `s3:`) at a key."""
    for given in destinations(document):
        if any(covers(wanted, f"s3:{event}") for wanted in given.events):
            prefix, suffix = affixes(given)
            if key.startswith(prefix) and key.endswith(suffix):
                yield given


def instant(seconds: float) -> str:
    """Epoch seconds as `1970-01-01T00:00:00.000Z`."""
    whole = int(seconds)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{int((seconds - whole) * 1000):03d}Z"


def encoded_key(key: str) -> str:
    """A key as events show it: as in a query string."""
    return quote_plus(key, safe="/*")
