"""Parameter policies: Expiration, ExpirationNotification, NoChangeNotification.

Source: Systems Manager user guide, "Assigning parameter policies in Parameter Store".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from mesocosm.services.ssm.resources import Policy
from mesocosm.wire.errors import AwsError

MAX = 10
UNITS = {"days": 86_400.0, "hours": 3_600.0}
EXPIRATION, BEFORE, UNCHANGED = "Expiration", "ExpirationNotification", "NoChangeNotification"


def parse(text: str, now: float) -> tuple[Policy, ...]:
    """The policies of a PutParameter, with the moments they act at.

    Raises InvalidPolicyTypeException, InvalidPolicyAttributeException,
    IncompatiblePolicyException, PoliciesLimitExceededException.
    """
    try:
        given = json.loads(text)
    except ValueError:
        raise _attribute("The policies are not valid JSON.") from None
    given = given if isinstance(given, list) else [given]
    if len(given) > MAX:
        raise AwsError(
            "PoliciesLimitExceededException",
            "You specified more than the maximum number of allowed policies for the parameter. The "
            f"maximum is {MAX}.",
        )
    kinds = [_kind(one) for one in given]
    if kinds.count(EXPIRATION) > 1:
        raise _conflict("A parameter can have only one Expiration policy.")
    if BEFORE in kinds and EXPIRATION not in kinds:
        raise _conflict("ExpirationNotification needs an Expiration policy.")
    expires = 0.0
    for one, kind in zip(given, kinds, strict=True):
        if kind == EXPIRATION:
            expires = _moment(one, now)
    return tuple(
        Policy(kind, json.dumps(one, separators=(",", ":")), _due(one, kind, expires, now))
        for one, kind in zip(given, kinds, strict=True)
    )


def renewed(policies: tuple[Policy, ...], now: float) -> tuple[Policy, ...]:
    """Policies that a new version takes over: what counts from the last change begins again."""
    return tuple(
        Policy(one.type, one.text, _due(json.loads(one.text), UNCHANGED, 0.0, now))
        if one.type == UNCHANGED
        else one
        for one in policies
    )


def _kind(one: Any) -> str:
    kind = one.get("Type") if isinstance(one, dict) else None
    if kind not in (EXPIRATION, BEFORE, UNCHANGED):
        raise AwsError(
            "InvalidPolicyTypeException",
            "The policy type isn't supported. Parameter Store supports the following policy types: "
            "Expiration, ExpirationNotification, and NoChangeNotification.",
        )
    if one.get("Version") != "1.0" or not isinstance(one.get("Attributes"), dict):
        raise _attribute(f"The {kind} policy needs Version 1.0 and Attributes.")
    return str(kind)


def _moment(one: dict[str, Any], now: float) -> float:
    text = one["Attributes"].get("Timestamp")
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise _attribute(f"Invalid Timestamp of the Expiration policy: {text}") from None
    moment = found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    if moment <= now:
        raise _attribute("The Timestamp of the Expiration policy must be in the future.")
    return moment


def _due(one: dict[str, Any], kind: str, expires: float, now: float) -> float:
    if kind == EXPIRATION:
        return expires
    name = "Before" if kind == BEFORE else "After"
    amount, unit = one["Attributes"].get(name), str(one["Attributes"].get("Unit", "")).lower()
    if not str(amount).isdecimal() or unit not in UNITS:
        raise _attribute(f"The {kind} policy needs {name} (a number) and Unit (Days or Hours).")
    seconds = int(str(amount)) * UNITS[unit]
    return expires - seconds if kind == BEFORE else now + seconds


def _attribute(message: str) -> AwsError:
    return AwsError("InvalidPolicyAttributeException", message)


def _conflict(message: str) -> AwsError:
    return AwsError("IncompatiblePolicyException", message)
