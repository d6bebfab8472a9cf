"""Bucket policies: what S3 accepts, and which of them are public.

Source: "The meaning of 'public'", Amazon S3 User Guide, Blocking public access.
"""

from __future__ import annotations

import ipaddress
import json
from functools import lru_cache
from typing import Any

from mesocosm.iam import PolicyError, parse
from mesocosm.wire.errors import AwsError

SIZE_MAX = 20 * 1024

_FIXED_KEYS = frozenset(
    {
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalaccount",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:userid",
        "aws:sourceip",
        "aws:vpcsourceip",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
"""A condition that gives one of these keys a fixed value makes a statement non-public."""

_FIXING = frozenset(
    {
        "stringequals",
        "stringequalsignorecase",
        "stringlike",
        "arnequals",
        "arnlike",
        "ipaddress",
    }
)


def check(text: str, bucket: str) -> None:
    """Refuse a policy as PutBucketPolicy does. Raises MalformedPolicy, PolicyTooLarge wording of
    S3.
    """
    if len(text.encode()) > SIZE_MAX:
        raise _malformed("Policy document exceeds the maximum allowed size of 20480 bytes")
    if not text.lstrip().startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    try:
        parse(text, "resource", bucket, check=True, service="s3")
    except PolicyError as error:
        raise _malformed(str(error)) from None
    arn = f"arn:aws:s3:::{bucket}"
    for statement in statements(text):
        names = _list(statement.get("Resource", statement.get("NotResource")))
        if not names:
            raise _malformed("Missing required field Resource")
        for name in names:
            if name != "*" and not _concerns(name, arn):
                raise _malformed("Policy has invalid resource")
        for action in _list(statement.get("Action")):
            if action != "*" and not action.lower().startswith("s3:"):
                raise _malformed("Policy has invalid action")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise _malformed("Missing required field Principal")


def _concerns(name: str, arn: str) -> bool:
    """Whether a resource pattern names the bucket or its objects (wildcards may stand in the
    bucket's name).
    """
    from fnmatch import fnmatchcase

    bucket = name.split("/", 1)[0]
    return fnmatchcase(arn, bucket.replace("[", "[[]"))


def statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy's JSON text."""
    found = json.loads(text)["Statement"]
    return [found] if isinstance(found, dict) else list(found)


@lru_cache(maxsize=512)
def is_public(text: str) -> bool:
    """Whether a bucket policy grants anything to everyone."""
    return any(_statement_public(statement) for statement in statements(text))


def _statement_public(statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    everyone = principal == "*" or (
        isinstance(principal, dict) and "*" in _list(principal.get("AWS"))
    )
    return everyone and not _restricted(statement.get("Condition") or {})


def _restricted(condition: dict[str, Any]) -> bool:
    for operator, keys in condition.items():
        plain = operator.lower().removeprefix("forallvalues:").removeprefix("foranyvalue:")
        if plain not in _FIXING:
            continue
        for key, values in keys.items():
            if key.lower() in _FIXED_KEYS and all(
                _fixed(key.lower(), value) for value in _list(values)
            ):
                return True
    return False


def _fixed(key: str, value: str) -> bool:
    if "${" in value or value.strip("*?:") == "":
        return False
    if key in ("aws:sourceip", "aws:vpcsourceip"):
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return False
        return network.prefixlen >= (8 if network.version == 4 else 32)
    if key in ("aws:sourcearn", "aws:principalarn"):
        account = (value.split(":") + [""] * 6)[4]
        return "*" not in account or value.startswith("arn:aws:s3:::")
    return "*" not in value and "?" not in value if key != "aws:userid" else True


@lru_cache(maxsize=512)
def restricted(text: str, account: str) -> str:
    """A public policy under RestrictPublicBuckets: only the owner's account and AWS services get
    through.
    """
    document = json.loads(text)
    document["Statement"] = [
        *statements(text),
        {
            "Sid": "RestrictPublicBuckets",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:PrincipalAccount": account},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
    ]
    return json.dumps(document)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, status=400)
