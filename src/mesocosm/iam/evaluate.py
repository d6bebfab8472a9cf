"""The decision: may this principal do this action on this resource?

Source: IAM user guide, "Policy evaluation logic" with "Determining whether a request is allowed or
denied within an account" and "Cross-account policy evaluation logic"; AWS Organizations user guide,
"SCP evaluation" and "RCP evaluation"; KMS developer guide, "Determining access to KMS keys".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .actions import rcp_services
from .callers import DIRECT, NOBODY, ROLE, Caller, caller_of, strength
from .context import Context, Value
from .decision import By, Decision, Result
from .policy import Policy
from .principal import Principal
from .stack import AuthorizationRequest, Entry, Plan, PolicyStack

MISSING: dict[By, Decision] = {
    by: Decision("ImplicitlyDenied", by)
    for by in ("identity", "resource", "trust", "boundary", "session", "scp", "rcp", "endpoint")
}
CALLER_IDENTITY = Decision("Allowed", "builtin", "", "sts:GetCallerIdentity is always allowed")
ROOT = Decision("Allowed", "root")
_ONLY_BY_RESOURCE = frozenset({"service", "anonymous", "web-identity", "saml"})
"""Callers that have no policies of their own."""


def decide(request: AuthorizationRequest, stack: PolicyStack) -> Decision:
    """Decide one request.

    An explicit deny in any policy wins; then every RCP level, the endpoint policy and every SCP
    level must allow; then the resource policy and the principal's own policies decide (`grant`).
    """
    action = request.action.lower()
    if action == "sts:getcalleridentity":
        return CALLER_IDENTITY
    plan = stack.plans.get(action) or _plan(stack, action)
    resource, context = request.resource, request.context
    restricted = bool(plan.scp_denies or plan.levels) and not scp_exempt(request.principal)
    if restricted:
        for match, decision in plan.scp_denies:
            if match is None or match(resource, context):
                return decision
    for match, decision in plan.denies:
        if match is None or match(resource, context):
            return decision
    force, by_resource = NOBODY, None
    if stack.resource is not None or stack.rcp or stack.endpoint:
        denied, force, by_resource = _resource_side(request, action, stack)
        if denied is not None:
            return denied
    if restricted:
        for level in plan.levels:
            if _first(level, resource, context) is None:
                return MISSING["scp"]
    return grant(
        request,
        stack,
        (force, by_resource),
        _first(plan.identity, resource, context),
        not stack.boundary or _first(plan.boundary, resource, context) is not None,
        not stack.session or _first(plan.session, resource, context) is not None,
    )


def grant(
    request: AuthorizationRequest,
    stack: PolicyStack,
    by_resource: tuple[int, Decision | None],
    identity: Decision | None,
    boundary: bool,
    session: bool,
) -> Decision:
    """Who grants, when nothing denies: the resource policy, by how strongly it names the caller,
    and the principal's own policies. `identity`, `boundary`, `session`: what those allow."""
    principal, must = request.principal, stack.resource_kind
    force, allowed = by_resource
    if stack.grants and force < DIRECT:
        force, allowed = DIRECT, Decision("Allowed", "grant", stack.grants[0])
    missing = MISSING["trust" if must == "trust" else "resource"]
    if principal.kind in _ONLY_BY_RESOURCE or (stack.grants and must == "kms"):
        return allowed or missing
    if principal.kind in ("root", "account"):
        identity = identity or ROOT
    elif principal.kind == "federated-user":
        # Without a session policy GetFederationToken gives no permissions; the root user has all.
        session = session and bool(stack.session)
        if principal.user_arn.endswith(":root"):
            identity = identity or ROOT
    if request.resource_account not in ("", "aws", principal.account):
        if identity is None:
            return MISSING["identity"]
        if not boundary or not session:
            return MISSING["session" if boundary else "boundary"]
        return identity if force else missing
    if must and not force:
        return missing
    if force == DIRECT and allowed is not None:
        return allowed
    if force == ROLE:
        identity = allowed
    if identity is None:
        return MISSING["identity"]
    if not boundary or not session:
        return MISSING["session" if boundary else "boundary"]
    return identity


def context_used(request: AuthorizationRequest, stack: PolicyStack) -> dict[str, Value]:
    """The keys that the policies covering this action may read, with their values in this request:
    what a record keeps so that the decision can be explained later. Keys the request does not have
    are left out."""
    action = request.action.lower()
    keys: Iterable[str] = (stack.plans.get(action) or _plan(stack, action)).keys
    if stack.resource is not None or stack.rcp or stack.endpoint:
        others = [*stack.endpoint, *(policy for level in stack.rcp for policy in level.policies)]
        if stack.resource is not None:
            others.append(stack.resource)
        keys = sorted({*keys, *(key for policy in others for key in policy.select(action).keys)})
    context = request.context
    return {key: value for key in keys if (value := context[key]) is not None}


def scp_exempt(principal: Principal) -> bool:
    """SCPs restrict neither services nor service-linked roles, nor who has no account."""
    return principal.kind in _ONLY_BY_RESOURCE or principal.service_linked


def rcp_exempt(principal: Principal, action: str) -> bool:
    """RCPs restrict only certain services, and not calls by service-linked roles nor
    kms:RetireGrant."""
    if principal.service_linked or action == "kms:retiregrant":
        return True
    return action.partition(":")[0] not in rcp_services()


def _resource_side(
    request: AuthorizationRequest, action: str, stack: PolicyStack
) -> tuple[Decision | None, int, Decision | None]:
    """The denial by RCP, endpoint or resource policy if there is one; else how strongly the
    resource policy allows, and by which statement."""
    resource, context, principal = request.resource, request.context, request.principal
    caller = caller_of(principal, bool(stack.boundary))
    canonical = principal.canonical_id
    needed: list[tuple[By, tuple[Policy, ...]]] = []
    if stack.rcp and not rcp_exempt(principal, action):
        needed += [("rcp", level.policies) for level in stack.rcp]
    if stack.endpoint:
        needed.append(("endpoint", stack.endpoint))
    own: By = "trust" if stack.resource_kind == "trust" else "resource"
    own_policies = () if stack.resource is None else (stack.resource,)
    for by, policies in (*needed, (own, own_policies)):
        for policy in policies:
            for statement in policy.select(action).denies:
                match = statement.match
                if strength(statement, caller, canonical) and (
                    match is None or match(resource, context)
                ):
                    return _decision("ExplicitlyDenied", by, policy.name, statement.name), 0, None
    for by, policies in needed:
        if not _strongest(by, policies, action, resource, context, caller, canonical)[0]:
            return MISSING[by], NOBODY, None
    force, allowed = _strongest(own, own_policies, action, resource, context, caller, canonical)
    return None, force, allowed


def _strongest(
    by: By,
    policies: Sequence[Policy],
    action: str,
    resource: str,
    context: Context,
    caller: Caller,
    canonical: str,
) -> tuple[int, Decision | None]:
    """The matching Allow that names the caller most strongly (the first of equals)."""
    best, allowed = NOBODY, None
    for policy in policies:
        for statement in policy.select(action).allows:
            force = strength(statement, caller, canonical)
            if force > best and (statement.match is None or statement.match(resource, context)):
                best, allowed = force, _decision("Allowed", by, policy.name, statement.name)
    return best, allowed


def _first(entries: Iterable[Entry], resource: str, context: Context) -> Decision | None:
    for match, decision in entries:
        if match is None or match(resource, context):
            return decision
    return None


def _plan(stack: PolicyStack, action: str) -> Plan:
    """Compile the principal's side for one action; the last thousand are remembered."""
    if len(stack.plans) >= 1024:
        stack.plans.clear()
    own: list[tuple[By, tuple[Policy, ...]]] = [
        ("identity", stack.identity),
        ("boundary", stack.boundary),
        ("session", stack.session),
    ]
    scp = [policy for level in stack.scp for policy in level.policies]
    every = [*scp, *(policy for _, policies in own for policy in policies)]
    levels = (_entries("scp", level.policies, action, allow=True) for level in stack.scp)
    plan = stack.plans[action] = Plan(
        _entries("scp", scp, action, allow=False),
        tuple(entry for by, ps in own for entry in _entries(by, ps, action, allow=False)),
        tuple(level for level in levels if all(match is not None for match, _ in level)),
        _entries("identity", stack.identity, action, allow=True),
        _entries("boundary", stack.boundary, action, allow=True),
        _entries("session", stack.session, action, allow=True),
        tuple(sorted({key for policy in every for key in policy.select(action).keys})),
    )
    return plan


def _entries(by: By, policies: Iterable[Policy], action: str, *, allow: bool) -> tuple[Entry, ...]:
    """The statements of one effect that cover the action; one that always matches makes the rest
    moot."""
    entries: list[Entry] = []
    for policy in policies:
        selected = policy.select(action)
        for statement in selected.allows if allow else selected.denies:
            result = "Allowed" if allow else "ExplicitlyDenied"
            entries.append((statement.match, _decision(result, by, policy.name, statement.name)))
            if statement.match is None:
                return tuple(entries)
    return tuple(entries)


@lru_cache(maxsize=8192)
def _decision(result: Result, by: By, policy: str, statement: str) -> Decision:
    return Decision(result, by, policy, statement)
