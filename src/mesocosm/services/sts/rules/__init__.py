"""What a session may be: durations, tags, session policies (IAM user guide, "Temporary security
credentials").
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mesocosm.iam import PolicyError, parse
from mesocosm.wire.errors import AwsError

SESSION_TAGS_MAX = 50
POLICY_MAX_CHARACTERS = 2_048
POLICY_ARNS_MAX = 10
PACKED_MAX_BYTES = 2_048
"""AWS packs policies and tags into a binary form of a size it does not publish; compressed JSON
stands in for it.
"""
CHAINED_MAX_S = 3_600
SKEW_S = 300
"""Seconds by which the clocks of identity providers may go before ours."""


def invalid(message: str, code: str = "ValidationError") -> AwsError:
    """A refusal of input."""
    return AwsError(code, message, status=400)


def role_duration(asked: int | None, longest: int, chained: bool) -> int:
    """Seconds of a role session; one hour unless asked otherwise."""
    seconds = 3_600 if asked is None else asked
    if chained and seconds > CHAINED_MAX_S:
        raise invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    if seconds > longest:
        raise invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def tags_given(tags: Iterable[Any] | None) -> dict[str, str]:
    """The session tags of a request; keys are one regardless of case."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for tag in tags or ():
        if tag.key.lower() in seen:
            raise invalid(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                "InvalidParameterValue",
            )
        if tag.key.lower().startswith("aws:"):
            raise invalid(
                "Tag keys beginning with 'aws:' are reserved for system use.",
                "InvalidParameterValue",
            )
        seen.add(tag.key.lower())
        found[tag.key] = tag.value
    return found


def transitive(
    asked: Iterable[str] | None, tags: Mapping[str, str], inherited: Mapping[str, str]
) -> tuple[str, ...]:
    """The transitive tag keys of the new session: those asked for and those of the session before
    it.
    """
    own = {key.lower(): key for key in tags}
    found = []
    for key in asked or ():
        if key.lower() not in own:
            raise invalid(
                "The specified transitive tag key must be included in the requested tags.",
                "InvalidParameterValue",
            )
        found.append(own[key.lower()])
    for key in inherited:
        if key.lower() in own:
            raise invalid(
                "One of the specified transitive tag keys can't be set because it conflicts with a "
                "transitive tag key from the calling session.",
                "InvalidParameterValue",
            )
    return (*found, *inherited)


def overlaid(*layers: Mapping[str, str]) -> dict[str, str]:
    """Tags of several sources: a later one replaces an earlier whose key differs only in case."""
    found: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for key, value in layer.items():
            found[key.lower()] = (key, value)
    return dict(found.values())


def session_policy(text: str | None) -> str | None:
    """A session policy's text, checked."""
    if text is None:
        return None
    if len(text) > POLICY_MAX_CHARACTERS:
        raise invalid(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {POLICY_MAX_CHARACTERS}"
        )
    try:
        parse(text, "session", check=True)
    except PolicyError as error:
        raise AwsError("MalformedPolicyDocument", str(error), status=400) from None
    return text


def packed_percent(policies: Iterable[str], tags: Mapping[str, str]) -> int | None:
    """How much of the space for session policies and tags is used, in percent; raises
    PackedPolicyTooLarge.
    """
    texts = list(policies)
    if not texts and not tags:
        return None
    size = len(zlib.compress(msgspec.json.encode([texts, dict(tags)]), 9))
    percent = -(-size * 100 // PACKED_MAX_BYTES)
    if percent > 100:
        raise AwsError(
            "PackedPolicyTooLarge",
            f"Packed size of session tags consumes {percent}% of allotted space.",
            status=400,
        )
    return percent


def session_limit(kind: str, mfa: bool, service: str, operation: str) -> AwsError | None:
    """What sessions of users cannot call (IAM user guide, "Compare AWS STS credentials").

    GetSessionToken: nothing of IAM without MFA, of STS only AssumeRole and GetCallerIdentity.
    GetFederationToken: nothing of IAM, of STS only GetCallerIdentity.
    """
    if kind not in ("user", "root", "federated-user"):
        return None
    federated = kind == "federated-user"
    if service == "iam" and (federated or not mfa):
        return AwsError(
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
            status=403,
        )
    callable_here = ("GetCallerIdentity",) if federated else ("GetCallerIdentity", "AssumeRole")
    if service == "sts" and operation not in callable_here:
        return AwsError(
            "AccessDenied", f"Cannot call {operation} with session credentials", status=403
        )
    return None
