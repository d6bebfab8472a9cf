"""Grants that decide: whether one allows what a principal asks for.

Source: KMS developer guide, "Grants in AWS KMS" and "Using grant constraints".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mesocosm.iam import Principal
from mesocosm.services.kms.resources.rows import (
    Grant,
    Key,
    grants,
    grants_by_grantee,
)
from mesocosm.world import World

CONTEXT = "kms:encryptioncontext"
"""The whole encryption context as JSON: what a constraint is compared with. A policy cannot ask
for it by that name: its keys are `kms:EncryptionContext:<name>`."""
CONSTRAINTS = "kms:grantconstraints"
"""The constraints of the grant that CreateGrant asks for, as JSON."""
GRANT = "kms:grantid"
"""The id of the grant that RetireGrant is for."""
WITH_CONTEXT = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
)


def names(principal: Principal) -> tuple[str, ...]:
    """Every name by which a grant may call a principal."""
    if principal.kind == "service":
        return principal.services
    found = (principal.arn, principal.role_arn, principal.user_arn)
    return tuple(dict.fromkeys(name for name in found if name))


def meant(unique_id: str, principal: Principal) -> bool:
    """Whether a principal is the very one a grant names: one made anew under an old name is not."""
    return not unique_id or principal.id.partition(":")[0] == unique_id


def granting(world: World, key: Key) -> Callable[[Any, str, Any], str | None]:
    """A function that says which grant on the key allows a request, or None."""

    def found(principal: Principal, action: str, context: Mapping[str, Any]) -> str | None:
        rows = world.rows(grants, key.account, key.region)
        operation = action.partition(":")[2]
        callers = names(principal)
        for caller in callers:
            for grant_id in sorted(rows.find(grants_by_grantee, f"{key.id} {caller}")):
                if operation == "RetireGrant" and context[GRANT] != grant_id:
                    continue
                if meant(rows[grant_id].grantee_id, principal) and allows(
                    rows[grant_id], operation, context
                ):
                    return grant_id
        if operation == "RetireGrant":
            asked = rows.get(context[GRANT] or "")
            if (
                asked is not None
                and asked.key == key.id
                and asked.retiring in callers
                and meant(asked.retiring_id, principal)
            ):
                return str(context[GRANT])
        return None

    return found


def allows(grant: Grant, operation: str, context: Mapping[str, Any]) -> bool:
    """Whether a grant allows its grantee one operation."""
    if operation not in grant.operations:
        return False
    if operation == "CreateGrant":
        return _narrower(grant, context)
    if operation == "RetireGrant":
        return True
    if grant.source and context["aws:sourcearn"] != grant.source:
        return False
    if operation not in WITH_CONTEXT or (grant.equals is None and grant.subset is None):
        return True
    given = _mapping(context[CONTEXT])
    if grant.equals is not None and given != grant.equals:
        return False
    return grant.subset is None or grant.subset.items() <= given.items()


def _narrower(grant: Grant, context: Mapping[str, Any]) -> bool:
    """Whether the grant asked for allows no more than the one it comes from: its operations are
    among those, its constraints at least as strict."""
    if not set(context["kms:grantoperations"] or ()) <= set(grant.operations):
        return False
    constraints = msgspec.json.decode(context[CONSTRAINTS] or "{}")
    if grant.source and constraints.get("SourceArn") != grant.source:
        return False
    equals = constraints.get("EncryptionContextEquals")
    subset = constraints.get("EncryptionContextSubset")
    if grant.equals is not None and equals != grant.equals:
        return False
    if grant.subset is not None:
        narrower = equals if equals is not None else subset
        return narrower is not None and grant.subset.items() <= narrower.items()
    return True


def _mapping(text: str | None) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str]) if text else {}
