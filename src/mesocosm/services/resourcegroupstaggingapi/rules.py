"""Compliance with tag policies: pure functions over an effective policy.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_tag-policies.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

ALL = "all_supported"


class Compliance(NamedTuple):
    """What of a resource's tags is not as the policy wants it."""

    keys: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all is as the policy wants it."""
        return not (self.keys or self.values or self.missing)


def compliance(policy: Any, types: Iterable[str], tags: Mapping[str, str]) -> Compliance:
    """Compare the tags of a resource, of a kind with these names, with an effective policy.

    A key that is written otherwise than the policy does is noncompliant itself, and the policy's
    key counts among those with noncompliant values, too.
    """
    keys: list[str] = []
    values: list[str] = []
    missing: list[str] = []
    for wanted, rule in _rules(policy):
        present = [key for key in tags if key.lower() == wanted.lower()]
        odd = [key for key in present if key != wanted]
        allowed = rule.get("tag_value")
        bad = allowed is not None and any(
            not any(fnmatchcase(tags[key], one.replace("[", "[[]")) for one in allowed)
            for key in present
        )
        keys += odd
        if odd or bad:
            values.append(wanted)
        if not present and _names(rule.get("report_required_tag_for", ()), types):
            missing.append(wanted)
    return Compliance(tuple(sorted(keys)), tuple(sorted(values)), tuple(sorted(missing)))


def required(policy: Any) -> dict[str, list[str]]:
    """Kind of resource (`service:type`) -> the tag keys that are reported when they are missing."""
    found: dict[str, list[str]] = {}
    for key, rule in _rules(policy):
        for kind in rule.get("report_required_tag_for", ()):
            found.setdefault(kind, []).append(key)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def _rules(policy: Any) -> list[tuple[str, Mapping[str, Any]]]:
    rules = policy.get("tags", {}) if policy else {}
    return [(rule.get("tag_key", name), rule) for name, rule in sorted(rules.items())]


def _names(wanted: Iterable[str], types: Iterable[str]) -> bool:
    known = {kind.lower() for kind in types}
    services = {kind.partition(":")[0] for kind in known}
    return any(
        one.lower() in known
        or (one.lower().endswith(f":{ALL}") and one.lower().partition(":")[0] in services)
        for one in wanted
    )
