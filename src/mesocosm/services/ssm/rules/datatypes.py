"""Values of parameters: their size, their data type, the pattern they must match.

Source: Systems Manager user guide, "Working with parameter data types in Parameter Store".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from mesocosm.call.regions import REGIONS
from mesocosm.services.ssm.rules.names import invalid
from mesocosm.wire.errors import AwsError

SIZES = {"Standard": 4_096, "Advanced": 8_192}
ADVANCED_ONLY = frozenset({"url", "json", "jsonc"})
HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    re.I,
)
COMMENTS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.S)


def _tried(function: Callable[[str], object]) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        try:
            function(value)
        except (ValueError, binascii.Error):
            return False
        return True

    return test


def _pattern(text: str) -> Callable[[str], bool]:
    pattern = re.compile(text, re.ASCII)
    return lambda value: pattern.fullmatch(value) is not None


TYPES: Mapping[str, Callable[[str], bool]] = {
    "text": lambda value: True,
    "aws:ec2:image": _pattern("ami-[0-9a-f]{8}([0-9a-f]{9})?"),
    "aws:ssm:integration": _tried(json.loads),
    "aws:region": lambda value: value in REGIONS,
    "aws:account:id": _pattern(r"\d{12}"),
    "boolean": _pattern("true|false"),
    "integer": _pattern(r"[+-]?\d+"),
    "float": _pattern(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"),
    "binary": _tried(lambda value: base64.b64decode(value, validate=True)),
    "hostname": lambda value: HOST.fullmatch(value) is not None,
    "email": _pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "ipv4-address": _tried(ipaddress.IPv4Address),
    "ipv6-address": _tried(ipaddress.IPv6Address),
    "url": lambda value: bool(urlsplit(value).scheme and urlsplit(value).netloc),
    "json": _tried(json.loads),
    "jsonc": _tried(lambda value: json.loads(COMMENTS.sub(lambda m: m[1] or "", value))),
}


def check_type(data_type: str, kind: str) -> None:
    """Refuse a data type there is not. Raises ValidationException."""
    if data_type not in TYPES:
        raise invalid(
            f"The following data type is not supported: {data_type} (Data type names are all "
            "lowercase.)"
        )
    if data_type == "aws:ec2:image" and kind != "String":
        raise invalid(f"The {data_type} data type is supported for String parameters only.")


def check_value(value: str, data_type: str, kind: str, pattern: str) -> None:
    """Refuse a value of the wrong kind. Raises ValidationException,
    ParameterPatternMismatchException, InvalidAllowedPatternException.
    """
    if not value:
        raise invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member "
            "must have length greater than or equal to 1."
        )
    if re.search(r"\{\{.*\}\}", value, re.S):
        raise invalid(
            'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.'
        )
    if not TYPES[data_type](value):
        raise invalid(f"The parameter value doesn't meet the requirements of {data_type}.")
    if not pattern:
        return
    try:
        allowed = re.compile(pattern)
    except re.error:
        raise AwsError(
            "InvalidAllowedPatternException",
            "The request does not meet the regular expression requirement.",
        ) from None
    for one in value.split(",") if kind == "StringList" else [value]:
        if allowed.search(one) is None:
            raise AwsError(
                "ParameterPatternMismatchException",
                f"Parameter value, cannot be validated against allowedPattern: {pattern}",
            )


def tier(
    asked: str, before: str | None, value: str, data_type: str, policies: bool, count: int
) -> str:
    """The tier of a parameter: asked for ("" for none), had before, or found by what it needs.

    `count`: how many standard parameters there are. Raises ValidationException,
    ParameterLimitExceeded.
    """
    size = len(value.encode())
    needs = size > SIZES["Standard"] or policies or data_type in ADVANCED_ONLY
    if asked == "Intelligent-Tiering":
        asked = "Advanced" if needs or before == "Advanced" or count >= 10_000 else "Standard"
    chosen = asked or before or "Standard"
    if before == "Advanced" and chosen == "Standard":
        raise invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from "
            "the advanced-parameter tier to the standard-parameter tier. If necessary, you can "
            "delete the advanced parameter and recreate it as a standard parameter."
        )
    if chosen == "Standard":
        _check_standard(size, policies, data_type)
        if before is None and count >= 10_000:
            raise AwsError(
                "ParameterLimitExceeded",
                "You have exceeded the number of parameters for this AWS account. Delete one or "
                "more parameters and try again.",
            )
    elif size > SIZES["Advanced"]:
        raise invalid(
            "Advanced tier parameters support a maximum parameter value of 8192 characters."
        )
    return chosen


def _check_standard(size: int, policies: bool, data_type: str) -> None:
    if size > SIZES["Standard"]:
        raise invalid(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To "
            "create a larger parameter value, upgrade the parameter to use the advanced-parameter "
            "tier. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "parameter-store-advanced-parameters.html"
        )
    if policies:
        raise invalid("Parameter policies are supported for advanced-tier parameters only.")
    if data_type in ADVANCED_ONLY:
        raise invalid(f"The {data_type} data type needs the advanced-parameter tier.")
