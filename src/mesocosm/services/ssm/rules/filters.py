"""Filters of DescribeParameters and GetParametersByPath.

Source: API reference, "ParameterStringFilter"; user guide, "Searching for Systems Manager
parameters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mesocosm.services.ssm.resources import Parameter, Version
from mesocosm.services.ssm.rules.names import check_path, invalid
from mesocosm.wire.errors import AwsError

KINDS = ("SecureString", "StringList", "String")
TIERS = ("Standard", "Advanced", "Intelligent-Tiering")
DESCRIBE = ("Path", "Name", "Type", "KeyId", "Tier", "DataType")
BY_PATH = ("Type", "KeyId", "Label")


class Filter(NamedTuple):
    """A filter: what is compared, how, and with what."""

    key: str
    option: str
    values: Sequence[str]

    def passes(self, row: Parameter, version: Version) -> bool:
        """Whether a parameter, with its newest version, passes."""
        if self.key == "Path":
            return any(_under(row.name, path, self.option) for path in self.values)
        if self.key.startswith("tag:"):
            there = row.tags.get(self.key[4:])
            return there is not None and (not self.values or self._compare(there))
        if self.key == "Name":
            names = {row.name, row.name.removeprefix("/")}
            return any(self._compare(name) for name in names)
        found = {
            "Type": version.type,
            "KeyId": version.key_id,
            "Tier": version.tier,
            "DataType": version.data_type,
        }
        return self._compare(found[self.key])

    def _compare(self, text: str) -> bool:
        if self.option == "BeginsWith":
            return text.startswith(tuple(self.values))
        if self.option == "Contains":
            return any(value in text for value in self.values)
        return text in self.values


def _under(name: str, path: str, option: str) -> bool:
    start = path.rstrip("/") + "/"
    if not name.startswith(start) and not (start == "/" and "/" not in name):
        return False
    return option == "Recursive" or "/" not in name.removeprefix(start)


def parsed(
    given: Sequence[tuple[str, str | None, Sequence[str] | None]], allowed: Sequence[str]
) -> list[Filter]:
    """The filters of a request: (key, option, values) each.

    Raises InvalidFilterKey, InvalidFilterOption, InvalidFilterValue, ValidationException.
    """
    found: list[Filter] = []
    for key, option, values in given:
        tag = key.startswith("tag:") and "Path" in allowed
        if key not in allowed and not tag:
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter key is not valid: {key}. Valid filter keys include: "
                f"[{', '.join(allowed)}].",
            )
        if any(one.key == key for one in found):
            raise invalid(
                f"The following filters are duplicated in the request: {key}. A request can "
                "contain only one instance of a specific filter."
            )
        if not values and not tag:
            raise AwsError(
                "InvalidFilterValue",
                f"The following filter values are missing : null for filter key {key}",
            )
        found.append(Filter(key, _option(key, option), tuple(values or ())))
        _check_values(key, values or ())
    return found


_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "Path": ("Recursive", "OneLevel"),
    "Name": ("BeginsWith", "Equals", "Contains"),
    "Label": ("Equals",),
}


def _option(key: str, option: str | None) -> str:
    valid = _OPTIONS.get(key, ("BeginsWith", "Equals"))
    if option is None:
        return "OneLevel" if key == "Path" else "Equals"
    if option not in valid:
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: "
            f"[{', '.join(valid)}].",
        )
    return option


def _check_values(key: str, values: Sequence[str]) -> None:
    if key == "Path":
        for path in values:
            check_path(path)
    choices = {"Type": KINDS, "Tier": TIERS}.get(key)
    for value in values if choices else ():
        assert choices is not None
        if value not in choices:
            raise AwsError(
                "InvalidFilterOption",
                f"The following filter value is not valid: {value}. Valid values include: "
                f"[{', '.join(choices)}].",
            )
