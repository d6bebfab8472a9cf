"""A naive evaluator written straight from the IAM user guide, to compare `decide` with.

It shares no code with the package: policies are walked as parsed JSON, wildcards by recursion.
"""

from __future__ import annotations

from functools import cache
from typing import Any

Case = dict[str, Any]


@cache
def like(pattern: str, text: str, stop: str = "") -> bool:
    """Wildcards by recursion; `*` and `?` do not match `stop`."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return like(pattern[1:], text, stop) or (
            text != "" and text[0] != stop and like(pattern, text[1:], stop)
        )
    if not text or (pattern[0] != "?" and pattern[0] != text[0]):
        return False
    return (pattern[0] != "?" or text[0] != stop) and like(pattern[1:], text[1:], stop)


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def fill(text: str, keys: dict[str, Any]) -> str | None:
    """Variables; wildcards in values are kept apart as private-use characters."""
    out = ""
    while "${" in text:
        before, _, rest = text.partition("${")
        body, _, text = rest.partition("}")
        value = keys.get(body.lower())
        if value is None:
            return None
        out += before + value.replace("*", "\ue001").replace("?", "\ue002")
    return out + text


def resource_hit(pattern: str, resource: str, keys: dict[str, Any]) -> bool | None:
    filled = fill(pattern, keys)
    if filled is None:
        return None
    resource = resource.replace("*", "\ue001") if resource != "*" else resource
    if filled == "*":
        return True
    want, got = filled.split(":", 5), resource.split(":", 5)
    if len(want) != 6 or len(got) != 6:
        return False
    return all(like(w, g, ":") for w, g in zip(want[:5], got[:5], strict=True)) and like(
        want[5], got[5]
    )


def condition_hit(name: str, key: str, values: list[str], keys: dict[str, Any]) -> bool:
    quantifier, _, operator = name.rpartition(":")
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    have = keys.get(key.lower())
    if operator == "Null":
        return any((v == "true") == (have is None) for v in values)
    inverted = "Not" in operator
    positive = operator.replace("Not", "")
    if have is None:
        if optional or quantifier == "ForAllValues":
            return True
        return inverted and quantifier != "ForAnyValue"

    def one(item: str) -> bool:
        for value in values:
            wanted = fill(value, keys)
            if wanted is None:
                continue
            plain = wanted.replace("\ue001", "*").replace("\ue002", "?")
            if positive == "StringEquals" and item == plain:
                return True
            if positive == "StringEqualsIgnoreCase" and item.lower() == plain.lower():
                return True
            if positive == "StringLike" and like(wanted, item):
                return True
        return False

    items = [have] if isinstance(have, str) else have
    if quantifier == "ForAllValues":
        return all(one(item) != inverted for item in items)
    if quantifier == "ForAnyValue":
        return any(one(item) != inverted for item in items)
    return any(one(item) for item in items) != inverted


def names(case: Case) -> list[tuple[str, int]]:
    """The caller's names in resource policies: direct 3, role 2, account 1."""
    arn, account = case["principal"], case["principal"].split(":")[4]
    found = [(arn, 3)]
    if ":assumed-role/" in arn:
        found.append((f"arn:aws:iam::{account}:role/{arn.split('/')[1]}", 2))
    return [*found, (account, 1), (f"arn:aws:iam::{account}:root", 1)]


def means(statement: dict[str, Any], case: Case) -> int:
    if "Principal" not in statement:
        return 3
    principal = statement["Principal"]
    if principal == "*" or "*" in listed(principal.get("AWS", [])):
        return 3
    return max((n for name, n in names(case) if name in listed(principal["AWS"])), default=0)


def applies(statement: dict[str, Any], case: Case) -> int:
    """0, or how strongly the statement applies to the case."""
    action, keys = case["action"].lower(), case["keys"]
    key = "Action" if "Action" in statement else "NotAction"
    hit = any(like(pattern.lower(), action) for pattern in listed(statement[key]))
    if hit != (key == "Action"):
        return 0
    key = "Resource" if "Resource" in statement else "NotResource"
    hits = [resource_hit(pattern, case["resource"], keys) for pattern in listed(statement[key])]
    if key == "Resource" and True not in hits:
        return 0
    if key == "NotResource" and (True in hits or None in hits):
        return 0
    for operator, block in statement.get("Condition", {}).items():
        for name, values in block.items():
            if not condition_hit(operator, name, listed(values), keys):
                return 0
    return means(statement, case)


def best(policies: list[dict[str, Any]], effect: str, case: Case) -> int:
    return max(
        (
            applies(statement, case)
            for policy in policies
            for statement in policy["Statement"]
            if statement["Effect"] == effect
        ),
        default=0,
    )


def evaluate(case: Case) -> str:
    """`case`: action, resource, account, principal, keys; identity, boundary, session,
    resource_policy, scp (levels)."""
    levels = case["scp"]
    layers = [case["identity"], case["boundary"], case["session"], case["resource_policy"], *levels]
    if any(best(layer, "Deny", case) for layer in layers):
        return "ExplicitlyDenied"
    if not all(best(level, "Allow", case) for level in levels):
        return "ImplicitlyDenied"
    by_resource = best(case["resource_policy"], "Allow", case)
    own = bool(best(case["identity"], "Allow", case))
    limits = all(
        not case[kind] or best(case[kind], "Allow", case) for kind in ("boundary", "session")
    )
    if case["principal"].split(":")[4] != case["account"]:
        allowed = own and limits and by_resource > 0
    else:
        allowed = by_resource == 3 or (limits and (by_resource == 2 or own))
    return "Allowed" if allowed else "ImplicitlyDenied"
