"""Which groups a policy of an account is for."""

from __future__ import annotations

import json
import re
from typing import Any

from mesocosm.services.logs.resources.rows import AccountPolicy, Group, Subscription
from mesocosm.wire.errors import AwsError

_NOT_IN = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s+\[(.*)\]\s*", re.DOTALL)
_NAME = re.compile(r'"([^"]+)"')


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def left_out(criteria: str) -> frozenset[str]:
    """The groups that `LogGroupName NOT IN [...]` leaves out."""
    if not criteria:
        return frozenset()
    found = _NOT_IN.fullmatch(criteria)
    if found is None:
        raise _wrong("Invalid selectionCriteria: expected LogGroupName NOT IN [...]")
    return frozenset(_NAME.findall(found[1]))


def subscription_document(document: str) -> dict[str, Any]:
    """What a subscription filter policy says. Raises InvalidParameterException."""
    try:
        found = json.loads(document)
    except ValueError:
        raise _wrong("Invalid policy document: it is not valid JSON.") from None
    if not isinstance(found, dict) or not found.get("DestinationArn"):
        raise _wrong("Invalid policy document: DestinationArn is missing.")
    unknown = found.keys() - {"DestinationArn", "RoleArn", "FilterPattern", "Distribution"}
    if unknown:
        raise _wrong(f"Invalid policy document: unknown field {min(unknown)}.")
    return found


def subscription_of(policy: AccountPolicy, group: Group) -> Subscription | None:
    """The subscription that a policy makes for a group; None when it is not for it."""
    if group.kind != "STANDARD" or group.name in left_out(policy.selection):
        return None
    found = json.loads(policy.document)
    return Subscription(
        name=f"account:{policy.name}",
        group=group.name,
        pattern=found.get("FilterPattern", ""),
        destination=found["DestinationArn"],
        created=policy.updated,
        role=found.get("RoleArn", ""),
        distribution=found.get("Distribution", "Random"),
    )
