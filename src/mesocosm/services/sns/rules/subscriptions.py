"""Subscriptions: which endpoints and attributes a protocol takes.

Source: Amazon SNS API reference, Subscribe and SetSubscriptionAttributes; developer guide, "Amazon
SNS dead-letter queues", "Amazon SNS message replay for FIFO topic subscribers".
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.topics import json_object

PROTOCOLS = frozenset(
    {"application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"}
)
MADE = frozenset({"firehose", "http", "https", "sqs"})
"""The protocols that messages are truly delivered by."""
WEB = frozenset({"http", "https"})
TOKEN_SECONDS = 2 * 86_400.0
FILTERS_MAX = 200
FIFO_SUBSCRIPTIONS_MAX = 100

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def check_protocol(protocol: str, fifo: bool) -> None:
    """A protocol SNS knows, and one a topic of this kind has."""
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if fifo and protocol != "sqs":
        raise invalid(f"Invalid protocol type: {protocol}")


def check_endpoint(protocol: str, endpoint: str | None, fifo: bool) -> str:
    """The endpoint, if it is one of its protocol."""
    if not endpoint:
        raise invalid("Endpoint Reason: no value for required parameter")
    if protocol in WEB:
        parts = urlsplit(endpoint)
        if parts.scheme != protocol:
            raise invalid("Endpoint must match the specified protocol")
        if not parts.hostname:
            raise invalid("Endpoint Reason: Unsupported endpoint")
        return endpoint
    parts_of = endpoint.split(":")
    known = "sqs" if protocol == "sqs" else "firehose"
    if (
        len(parts_of) != 6
        or parts_of[0] != "arn"
        or parts_of[2] != known
        or not _ACCOUNT.fullmatch(parts_of[4])
        or not parts_of[5]
    ):
        raise invalid("SQS endpoint ARN" if protocol == "sqs" else "Firehose endpoint ARN")
    if protocol == "sqs" and endpoint.endswith(".fifo") and not fifo:
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to "
            "standard SNS topics"
        )
    return endpoint


def redrive(text: str, before: str, fifo: bool, region: str, account: str) -> str:
    """The ARN of the dead-letter queue in a redrive policy; "" when it is empty."""
    given = json_object("RedrivePolicy", text, before) if text else {}
    if not given:
        return ""
    arn = given.get("deadLetterTargetArn")
    parts = arn.split(":") if isinstance(arn, str) else []
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sqs" or not parts[5]:
        raise invalid(f"{before}RedrivePolicy: deadLetterTargetArn is an invalid arn")
    if fifo and not parts[5].endswith(".fifo"):
        raise invalid(
            f"{before}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a "
            "FIFO Topic."
        )
    if not fifo and parts[5].endswith(".fifo"):
        raise invalid(f"{before}RedrivePolicy: must use a standard queue as DLQ")
    if parts[3:5] != [region, account]:
        raise invalid(
            f"{before}RedrivePolicy: the dead-letter queue must be in the same AWS account and "
            "Region as the subscription"
        )
    return ":".join(parts)


def redrive_text(arn: str) -> str:
    """A redrive policy as GetSubscriptionAttributes shows it."""
    return json.dumps({"deadLetterTargetArn": arn}, separators=(",", ":"))


# -- replay --------------------------------------------------------------------------------


class Replay(NamedTuple):
    """Which archived messages to send again: from `start` to `end` (None: on and on)."""

    start: float
    end: float | None


def replay(text: str, before: str = "") -> Replay | None:
    """A replay policy; None for the empty one, which ends a replay."""
    given = json_object("ReplayPolicy", text, before) if text else {}
    if not given:
        return None
    for name in given:
        if name not in ("PointType", "StartingPoint", "EndingPoint"):
            raise invalid(f"{before}ReplayPolicy: Unexpected JSON member: {name}")
    if given.get("PointType") != "Timestamp":
        raise invalid(f"{before}ReplayPolicy: PointType must be Timestamp")
    start = _moment(given.get("StartingPoint"), "StartingPoint", before)
    end = given.get("EndingPoint")
    found = Replay(start, None if end is None else _moment(end, "EndingPoint", before))
    if found.end is not None and found.end <= found.start:
        raise invalid(f"{before}ReplayPolicy: EndingPoint must be later than StartingPoint")
    return found


def _moment(text: object, name: str, before: str) -> float:
    try:
        if not isinstance(text, str):
            raise ValueError
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise invalid(
            f"{before}ReplayPolicy: {name} must be a timestamp such as 2023-10-03T00:00:00.000Z"
        ) from None
