"""The attributes of a queue: their names, their values, and which combinations AWS refuses.

Source: Amazon SQS API reference, CreateQueue and SetQueueAttributes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mesocosm.iam import parse
from mesocosm.iam.policy import PolicyError
from mesocosm.wire.errors import AwsError

NUMBERS: Mapping[str, tuple[str, int, int]] = {
    "DelaySeconds": ("delay", 0, 900),
    "MaximumMessageSize": ("maximum_size", 1_024, 1_048_576),
    "MessageRetentionPeriod": ("retention", 60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": ("wait", 0, 20),
    "VisibilityTimeout": ("visibility", 0, 43_200),
    "KmsDataKeyReusePeriodSeconds": ("kms_reuse", 60, 86_400),
}
CHOICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "DeduplicationScope": ("deduplication_scope", ("queue", "messageGroup")),
    "FifoThroughputLimit": ("throughput_limit", ("perQueue", "perMessageGroupId")),
}
FLAGS: Mapping[str, str] = {
    "ContentBasedDeduplication": "content_deduplication",
    "SqsManagedSseEnabled": "managed_sse",
}
FIFO_ONLY = frozenset({*CHOICES, "ContentBasedDeduplication"})
COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
)
SETTABLE = frozenset({*NUMBERS, *CHOICES, *FLAGS, "Policy", "RedrivePolicy", "RedriveAllowPolicy"})
NAMES = SETTABLE | {*COUNTED, "FifoQueue", "KmsMasterKeyId", "All"}

RECEIVES_MIN, RECEIVES_MAX = 1, 1_000
SOURCES_MAX = 10
POLICY_MAX_BYTES = 8_192

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo", re.ASCII)


class DeadLetter(NamedTuple):
    """A redrive policy: to which queue, after how many receives."""

    arn: str
    max_receives: int


def unknown(name: str) -> AwsError:
    """An attribute that does not exist, or not for this kind of queue."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def bad_value(name: str, reason: str = "") -> AwsError:
    """A value out of range."""
    tail = f" Reason: {reason}" if reason else ""
    return AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.{tail}")


def bad_parameter(value: object, name: str, reason: str) -> AwsError:
    """A parameter that does not hold, in SQS's usual wording."""
    return AwsError(
        "InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}"
    )


def check_name(name: str, fifo: bool) -> None:
    """Refuse a name that a queue of this kind cannot have."""
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise AwsError(
            "InvalidParameterValue",
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )
    if not fifo and not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )


def fields(
    given: Mapping[str, str], fifo: bool, dead_letter: Callable[[str], DeadLetter | None]
) -> dict[str, Any]:
    """The members of a queue's row that the attributes given set; raises what AWS would.

    `dead_letter` reads a redrive policy and looks at the queue it names.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in SETTABLE or (name in FIFO_ONLY and not fifo):
            raise unknown(name)
        if name in NUMBERS:
            field, low, high = NUMBERS[name]
            found[field] = number(name, value, low, high)
        elif name in FLAGS:
            found[FLAGS[name]] = flag(name, value)
        elif name in CHOICES:
            field, choices = CHOICES[name]
            if value not in choices:
                raise bad_value(name)
            found[field] = value
        elif name == "Policy":
            found["policy"] = policy(value)
        elif name == "RedriveAllowPolicy":
            found["redrive_allow"] = redrive_allow(value)
        else:
            target = dead_letter(value)
            found["dead_letter_arn"] = target.arn if target else ""
            found["max_receives"] = target.max_receives if target else 0
    return found


def number(name: str, value: str, low: int, high: int) -> int:
    """A whole number within bounds."""
    if not value.isascii() or not value.isdigit() or not low <= int(value[:12]) <= high:
        raise bad_value(name)
    return int(value)


def flag(name: str, value: str) -> bool:
    """`true` or `false`."""
    if value.lower() not in ("true", "false"):
        raise bad_value(name)
    return value.lower() == "true"


def policy(value: str) -> str:
    """A queue policy as it was given; an empty one takes the policy away."""
    if not value:
        return ""
    try:
        parse(value, "resource", "Policy")
    except PolicyError as error:
        raise bad_value("Policy", str(error)) from None
    if len(value.encode()) > POLICY_MAX_BYTES:
        raise bad_value("Policy")
    return value


def _json_map(value: str) -> dict[str, Any] | None:
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def redrive_policy(value: str) -> DeadLetter | None:
    """A redrive policy; None for the empty one, which takes it away."""
    if not value:
        return None
    name = "RedrivePolicy"
    read = _json_map(value)
    if read is None:
        raise bad_parameter(value, name, "Redrive policy is not a valid JSON map.")
    for member in ("deadLetterTargetArn", "maxReceiveCount"):
        if member not in read:
            reason = f"Redrive policy does not contain mandatory attribute: {member}."
            raise bad_parameter(value, name, reason)
    for member in read:
        if member not in ("deadLetterTargetArn", "maxReceiveCount"):
            reason = (
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
            )
            raise bad_parameter(value, name, reason)
    count, arn = str(read["maxReceiveCount"]), read["deadLetterTargetArn"]
    if not (count.isascii() and count.isdigit() and RECEIVES_MIN <= int(count[:6]) <= RECEIVES_MAX):
        reason = (
            f"Invalid value for maxReceiveCount: {count}, valid values are from "
            f"{RECEIVES_MIN} to {RECEIVES_MAX} both inclusive."
        )
        raise bad_parameter(value, name, reason)
    if not isinstance(arn, str) or not arn.startswith("arn:") or arn.count(":") != 5:
        raise bad_parameter(value, name, "Dead letter target does not exist.")
    return DeadLetter(arn, int(count))


def redrive_text(dead_letter: DeadLetter) -> str:
    """A redrive policy as GetQueueAttributes shows it."""
    shown = {"deadLetterTargetArn": dead_letter.arn, "maxReceiveCount": dead_letter.max_receives}
    return json.dumps(shown, separators=(",", ":"))


def redrive_allow(value: str) -> str:
    """A redrive allow policy in AWS's form; an empty one takes it away."""
    if not value:
        return ""
    name = "RedriveAllowPolicy"
    read = _json_map(value)
    if read is None:
        raise bad_value(
            name, "Amazon SQS can't create the redrive allow policy. The policy isn't valid JSON."
        )
    permission, sources = read.get("redrivePermission"), read.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue") or read.keys() - {
        "redrivePermission",
        "sourceQueueArns",
    }:
        raise bad_value(
            name,
            "Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.",
        )
    if permission != "byQueue":
        if sources is not None:
            raise bad_value(
                name,
                "Amazon SQS can't create the redrive allow policy. sourceQueueArns may be "
                "specified only when redrivePermission is byQueue.",
            )
        return json.dumps({"redrivePermission": permission}, separators=(",", ":"))
    if (
        not isinstance(sources, list)
        or not 1 <= len(sources) <= SOURCES_MAX
        or not all(isinstance(s, str) and s.startswith("arn:") for s in sources)
    ):
        raise bad_value(
            name,
            "Amazon SQS can't create the redrive allow policy. When you specify the byQueue "
            f"permission type, you must also specify 1 to {SOURCES_MAX} sourceQueueArns values.",
        )
    shown = {"redrivePermission": permission, "sourceQueueArns": sources}
    return json.dumps(shown, separators=(",", ":"))


def allows_redrive(allow: str, source_arn: str) -> bool:
    """Whether a queue with this redrive allow policy takes dead letters of a source."""
    if not allow:
        return True
    read = json.loads(allow)
    return bool(
        read["redrivePermission"] == "allowAll" or source_arn in read.get("sourceQueueArns", ())
    )
