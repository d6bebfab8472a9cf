"""Resource policies of secrets: what is accepted, and which grant broad access."""

from __future__ import annotations

import json
from typing import Any

from mesocosm.iam import PolicyError, parse
from mesocosm.wire.errors import AwsError

NAME = "default"
"""The one policy of a secret that its owner may change."""

FIXING = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress", "bool")
LIMITING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
    }
)
"""A statement that gives one of these keys a fixed value is not for everybody."""


def malformed(message: str) -> AwsError:
    """A policy that cannot be read."""
    return AwsError("MalformedPolicyDocumentException", message)


def check(text: str) -> None:
    """Refuse a policy that is none. Raises MalformedPolicyDocumentException."""
    try:
        json.loads(text)
    except ValueError:
        raise malformed("This resource policy contains invalid Json.") from None
    try:
        parse(text, "resource", NAME, check=True)
    except PolicyError as error:
        raise malformed(str(error)) from None


def broad(text: str) -> bool:
    """Whether a policy allows everybody in without a condition that says who."""
    found = json.loads(text)["Statement"]
    return any(map(_broad, [found] if isinstance(found, dict) else found))


def _broad(statement: dict[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    principal = statement.get("Principal")
    names = principal.get("AWS") if isinstance(principal, dict) else principal
    if "NotPrincipal" not in statement and "*" not in _list(names):
        return False
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.lower().split(":")[-1] in FIXING and any(
            key.lower() in LIMITING and all(_fixed(value) for value in _list(values))
            for key, values in keys.items()
        ):
            return False
    return True


def _fixed(value: Any) -> bool:
    return str(value).strip("*?:") != "" and "${" not in str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
