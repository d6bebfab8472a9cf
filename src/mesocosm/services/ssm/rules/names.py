"""Names of parameters, paths, labels, and what a request calls a version.

Source: Systems Manager user guide, "Creating Systems Manager parameters", "Requirements and
constraints for parameter names".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mesocosm.wire.errors import AwsError

NAME = re.compile(r"[a-zA-Z0-9_.-]+|(/[a-zA-Z0-9_.-]+)+", re.ASCII)
PATH = re.compile(r"/|(/[a-zA-Z0-9_.-]+)+/?", re.ASCII)
LABEL = re.compile(r"(?!(?i:aws|ssm))[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}", re.ASCII)
LEVELS_MAX = 15
LENGTH_MAX = 1011
"""Of name and ARN before it."""

LABELS_MAX = 10
REFERENCE = "/aws/reference/secretsmanager/"
PUBLIC = "/aws/service/"


def invalid(message: str) -> AwsError:
    """A parameter of the request that cannot be."""
    return AwsError("ValidationException", message)


def not_found() -> AwsError:
    """AWS's error of a parameter that is not there: it says no more."""
    return AwsError("ParameterNotFound", "")


def no_version(name: str, number: int | str) -> AwsError:
    """AWS's error of a version that is not there."""
    return AwsError(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {number} of {name}. Verify the version and try "
        "again.",
    )


SYMBOLS = (
    "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can "
    "be formed as a mix of letters, numbers and the following 3 symbols .-_"
)


def check_name(name: str, arn: str) -> None:
    """Refuse a name that a new parameter cannot have. Raises ValidationException,
    AccessDeniedException, HierarchyLevelLimitExceededException.
    """
    bare = name.removeprefix("/").lower()
    if bare.startswith("aws") and name.startswith("/"):
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    if bare.startswith(("aws", "ssm")) and "/" not in name:
        raise invalid('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if "/" in name and not name.startswith("/"):
        raise invalid("Parameter name must be a fully qualified name.")
    if bare.startswith("ssm") or not NAME.fullmatch(name):
        raise invalid(
            f'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). {SYMBOLS}'
        )
    if len(arn) > LENGTH_MAX:
        raise invalid(f"Parameter name: the length including the ARN exceeds {LENGTH_MAX}.")
    if name.count("/") > LEVELS_MAX:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {LEVELS_MAX} levels. For more information, see "
            "Requirements and constraints for parameter names in the AWS Systems Manager User "
            "Guide.",
        )


def check_path(path: str) -> None:
    """Refuse a path that is none. Raises ValidationException."""
    public = path.startswith(("/aws/service", "/aws/reference"))
    bare = path[1:].lower()
    if not PATH.fullmatch(path) or (bare.startswith(("aws", "ssm")) and not public):
        raise invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must "
            'begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" '
            "(case-insensitive). It must use only letters, numbers, or the following symbols: . "
            "(period), - (hyphen), _ (underscore). Special characters are not allowed. All "
            'sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
            "/get/parameters2-/by1./path0_."
        )
    if path.rstrip("/").count("/") > LEVELS_MAX:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {LEVELS_MAX} levels.",
        )


class Wanted(NamedTuple):
    """What a request calls a parameter: a name, or an ARN; a version, a label, or neither."""

    name: str
    arn: str = ""
    selector: str = ""

    @property
    def number(self) -> int | None:
        """The version, when a number is given."""
        return int(self.selector) if self.selector.isascii() and self.selector.isdigit() else None


def wanted(text: str) -> Wanted:
    """Read `name`, `name:3`, `name:label` or the same with an ARN. Raises ValidationException."""
    text = text.strip()
    if text.startswith("arn:"):
        parts = text.split(":")
        name = parts[5].removeprefix("parameter") if len(parts) > 5 else ""
        if not 6 <= len(parts) <= 7 or parts[2] != "ssm" or not name.startswith("/"):
            raise invalid(f"Invalid parameter name or ARN: {text}")
        return Wanted(name, ":".join(parts[:6]), parts[6] if len(parts) == 7 else "")
    name, colon, selector = text.partition(":")
    if (colon and not selector) or (":" in selector and not name.startswith(REFERENCE)):
        raise invalid(
            "Invalid parameter name. Please use correct syntax for referencing a version/label "
            " <name>:<version/label>"
        )
    return Wanted(name, "", selector)


def plain(text: str) -> str:
    """A name in a request that takes no ARN and no version. Raises ValidationException."""
    name = text.strip()
    if ":" in name or (name and not NAME.fullmatch(name)):
        raise invalid(f"Invalid parameter name: {text}. {SYMBOLS}")
    return name
