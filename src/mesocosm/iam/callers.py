"""How strongly a Principal or NotPrincipal element names a caller.

Source: IAM user guide, "Principal" and "NotPrincipal" elements; "Determining whether a request is
allowed or denied within an account" (the table of principals in resource-based policies).
"""

from __future__ import annotations

from typing import NamedTuple

from .policy import Statement
from .principal import Principal
from .principal import canonical_id as canonical_id_of

NOBODY, ACCOUNT, ROLE, DIRECT = range(4)
"""ACCOUNT delegates to the caller's own policies; ROLE needs no identity policy, but boundary and
session policy limit it; DIRECT grants by itself."""


class Caller(NamedTuple):
    """The names under which policies may mean a caller, strongest first."""

    type: str
    names: tuple[tuple[str, int], ...]
    account: str
    bounded: bool


def caller_of(principal: Principal, bounded: bool) -> Caller:
    """`bounded`: the principal has a permissions boundary."""
    kind = principal.kind
    if kind == "service":
        return Caller("Service", tuple((name, DIRECT) for name in principal.services), "", False)
    if kind in ("web-identity", "saml"):
        return Caller("Federated", ((principal.federated_provider, DIRECT),), "", False)
    if kind == "anonymous":
        return Caller("", (), "", False)
    names: list[tuple[str, int]] = []
    if kind in ("user", "federated-user", "assumed-role"):
        session_of_role = kind == "assumed-role" and principal.arn == principal.role_arn
        if not session_of_role:
            names.append((principal.arn, DIRECT))
        if kind == "user" and principal.id:
            names.append((principal.id, DIRECT))
        if kind == "assumed-role":
            names.append((principal.role_arn, ROLE))
            if principal.id:
                names.append((principal.id.partition(":")[0], ROLE))
        if kind == "federated-user" and principal.user_arn:
            names.append((principal.user_arn, ROLE))
    names.append((principal.account, ACCOUNT))
    return Caller("AWS", tuple(names), principal.account, bounded)


def strength(statement: Statement, caller: Caller, canonical_id: str = "") -> int:
    """How strongly the statement means the caller: NOBODY, ACCOUNT, ROLE or DIRECT."""
    element = statement.principals
    if element is None:
        return NOBODY
    if statement.negated_principals:
        return _excepted(statement, caller)
    if element.everyone:
        return DIRECT
    listed = element.names.get(caller.type)
    if listed:
        for name, force in caller.names:
            if name in listed:
                return force
    named = element.names.get("CanonicalUser")
    if named and caller.account and (canonical_id or canonical_id_of(caller.account)) in named:
        return ACCOUNT
    return NOBODY


def _excepted(statement: Statement, caller: Caller) -> int:
    """NotPrincipal: DIRECT for everyone who is not excepted.

    A Deny excepts only who is listed with every name (session, role and account), and nobody who
    has a permissions boundary. An Allow excepts whoever is listed with any name.
    """
    element = statement.principals
    assert element is not None
    if statement.allow:
        listed = element.names.get(caller.type, frozenset())
        hit = element.everyone or any(name in listed for name, _ in caller.names)
        return NOBODY if hit else DIRECT
    if caller.bounded:
        return DIRECT
    if element.everyone:
        return NOBODY
    listed = element.names.get(caller.type, frozenset())
    # A unique id stands for the ARN it belongs to, so either of the two excepts.
    by_force: dict[int, bool] = {}
    for name, force in caller.names:
        by_force[force] = by_force.get(force, False) or name in listed
    return NOBODY if by_force and all(by_force.values()) else DIRECT
