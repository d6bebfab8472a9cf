"""Topics: their names and tags, and what attributes may be.

Source: Amazon SNS API reference, CreateTopic and SetTopicAttributes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mesocosm.services.sns.rules.errors import invalid
from mesocosm.wire.errors import AwsError

TAGS_MAX = 50
DISPLAY_NAME_MAX = 100
FEEDBACK = frozenset(
    f"{protocol}{kind}"
    for protocol in ("HTTP", "Firehose", "Lambda", "Application", "SQS")
    for kind in (
        "SuccessFeedbackRoleArn",
        "SuccessFeedbackSampleRate",
        "FailureFeedbackRoleArn",
    )
)
"""The attributes of delivery status logging."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}\.fifo", re.ASCII)


def check_name(name: str, fifo: bool) -> None:
    """The name of a topic of that kind."""
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise invalid(
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and "
            "lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and "
            "256 characters long."
        )
    if not fifo and not _NAME.fullmatch(name):
        raise invalid("Topic Name")


def check_tags(tags: dict[str, str]) -> None:
    """All tags that a topic shall have."""
    if len(tags) > TAGS_MAX:
        raise AwsError(
            "TagLimitExceeded",
            f"Could not complete request: tag quota of per resource exceeded: {TAGS_MAX}",
        )
    for key, value in tags.items():
        if not 1 <= len(key) <= 128:
            raise invalid("Tag keys must be between 1 and 128 characters in length.")
        if len(value) > 256:
            raise invalid("Tag values must be between 0 and 256 characters in length.")
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys starting with 'aws:' are reserved for system use.")


def bad_token() -> AwsError:
    """The refusal of a page's token that was never given."""
    return invalid("NextToken")


def flag(name: str, value: str, before: str = "") -> bool:
    """`true` or `false`."""
    if value.lower() not in ("true", "false"):
        raise invalid(f"{before}{name}: Invalid value [{value}]. Must be true or false.")
    return value.lower() == "true"


def json_object(name: str, text: str, before: str = "") -> dict[str, Any]:
    """An attribute that is a JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(f"{before}{name}: failed to parse JSON.") from None
    if not isinstance(found, dict):
        raise invalid(f"{before}{name}: failed to parse JSON.")
    return found


def archive_days(text: str, before: str = "") -> int:
    """The days of an archive policy; 0 when it is empty."""
    given = json_object("ArchivePolicy", text, before) if text else {}
    if not given:
        return 0
    days = given.get("MessageRetentionPeriod")
    if isinstance(days, str) and days.isascii() and days.isdigit():
        days = int(days[:6])
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 365:
        raise invalid(
            f"{before}ArchivePolicy: MessageRetentionPeriod must be a number between 1 and 365"
        )
    for name in given:
        if name != "MessageRetentionPeriod":
            raise invalid(f"{before}ArchivePolicy: Unexpected JSON member: {name}")
    return days
