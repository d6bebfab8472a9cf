"""Why a decision is what it is: every policy looked at, every statement matched or not, and by
what.

Slow and complete, apart from `decide`: it visits every statement of every layer, also after the
decision is clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from .callers import DIRECT, NOBODY, Caller, caller_of, strength
from .context import Context, Value
from .decision import By, Decision, Result
from .evaluate import CALLER_IDENTITY, MISSING, grant, rcp_exempt, scp_exempt
from .policy import Policy, Statement
from .stack import AuthorizationRequest, PolicyStack

NAMES: dict[By, str] = {
    "identity": "identity-based policies",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "boundary": "permissions boundary",
    "session": "session policies",
    "scp": "service control policies",
    "rcp": "resource control policies",
    "endpoint": "VPC endpoint policies",
}
_STRENGTHS = ("", "account", "role", "direct")


class StatementView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`failed`: action, resource, principal or condition, whichever was looked at first; empty if
    it matched. `principal`: how strongly a resource policy names the caller (account, role,
    direct)."""

    index: int
    effect: str
    matched: bool
    sid: str = ""
    failed: str = ""
    detail: str = ""
    principal: str = ""


class PolicyView(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    version: str
    statements: tuple[StatementView, ...]


class LayerView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of policy, or one level of SCPs or RCPs. `note` says why a layer does not apply."""

    type: By
    verdict: Result
    policies: tuple[PolicyView, ...]
    level: str = ""
    note: str = ""


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`decision` always equals what `decide` answers. Encodes to JSON; `lines()` prints it as a
    tree."""

    decision: Decision
    principal: str
    action: str
    resource: str
    reason: str
    same_account: bool
    layers: tuple[LayerView, ...]
    context: dict[str, Value]
    """The keys that the statements covering this action read, with their values."""
    missing: tuple[str, ...]
    """Those of them that the request does not have."""

    def lines(self) -> list[str]:
        """The explanation as an indented tree, one line an entry."""
        said = [f"{self.decision.result}: {self.principal} {self.action} {self.resource}"]
        if self.decision.policy or self.decision.statement:
            by = f"{self.decision.by} policy {self.decision.policy!r}"
            said.append(f"decided by {by}, statement {self.decision.statement!r}")
        elif self.reason:
            said.append(self.reason)
        for layer in self.layers:
            title = NAMES[layer.type] + (f" of {layer.level}" if layer.level else "")
            said.append(f"├─ {title}: {layer.note or layer.verdict}")
            for policy in layer.policies:
                said.append(f"│  ├─ {policy.name or '(unnamed)'}")
                said += [f"│  │  ├─ {_line(statement)}" for statement in policy.statements]
        said += [f"├─ {key} = {value}" for key, value in self.context.items()]
        said += [f"├─ {key} is missing" for key in self.missing]
        return said


def _line(view: StatementView) -> str:
    name = f"{view.effect} {view.sid or view.index}"
    return f"{name}: matches" if view.matched else f"{name}: no, {view.failed}: {view.detail}"


class _Layer:
    """A layer as it is looked at: its view, its first deny and its strongest allow."""

    def __init__(
        self,
        by: By,
        policies: Sequence[Policy],
        request: AuthorizationRequest,
        caller: Caller | None,
        level: str = "",
        note: str = "",
    ) -> None:
        self.by, self.note = by, note
        self.deny: Decision | None = None
        self.allow: Decision | None = None
        self.force = NOBODY
        self.keys: set[str] = set()
        views = tuple(self._policy(policy, request, caller) for policy in policies)
        self.view = LayerView(by, self._verdict(), views, level, note)

    def _verdict(self) -> Result:
        if self.deny is not None:
            return "ExplicitlyDenied"
        return "ImplicitlyDenied" if self.allow is None else "Allowed"

    def _policy(
        self, policy: Policy, request: AuthorizationRequest, caller: Caller | None
    ) -> PolicyView:
        views = []
        for statement in policy.statements:
            force = DIRECT
            if caller is not None:
                force = strength(statement, caller, request.principal.canonical_id)
            view = _look(statement, request, force, caller is not None)
            if view.failed != "action":
                self.keys |= statement.keys
            if view.matched and not statement.allow and self.deny is None:
                self.deny = Decision("ExplicitlyDenied", self.by, policy.name, statement.name)
            if view.matched and statement.allow and force > self.force:
                self.force = force
                self.allow = Decision("Allowed", self.by, policy.name, statement.name)
            views.append(view)
        return PolicyView(policy.name, policy.version, tuple(views))


def _look(
    statement: Statement, request: AuthorizationRequest, force: int, named: bool
) -> StatementView:
    """One statement: the first of principal, action, resource and conditions that fails."""
    effect = "Allow" if statement.allow else "Deny"
    failed = detail = ""
    test = statement.resource_test
    if not statement.acts(request.action.lower()):
        negated = "NotAction" if statement.negated else "Action"
        failed, detail = "action", f"{negated} {_some(statement.actions)}"
    elif not force:
        negated = "NotPrincipal" if statement.negated_principals else "Principal"
        failed, detail = "principal", f"{negated} does not mean {request.principal.arn}"
    elif test is not None and not test(request.resource, request.context):
        negated = "NotResource" if statement.negated_resources else "Resource"
        failed, detail = "resource", f"{negated} {_some(statement.resources)}"
    else:
        for condition in statement.conditions:
            if not condition.test(request.context):
                failed = "condition"
                values = _values(condition.keys, request.context)
                detail = f"{condition.operator} {condition.key} {_some(condition.values)}: {values}"
                break
    principal = _STRENGTHS[force] if named else ""
    return StatementView(
        statement.index, effect, not failed, statement.sid, failed, detail, principal
    )


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(values[:5])
    return shown if len(values) <= 5 else f"{shown}, ... ({len(values)})"


def _values(keys: Iterable[str], context: Context) -> str:
    said = []
    for key in dict.fromkeys(keys):
        value = context[key]
        said.append(f"{key} is missing" if value is None else f"{key} is {value!r}")
    return ", ".join(said)


def explain(request: AuthorizationRequest, stack: PolicyStack) -> Explanation:
    """Everything that was looked at for a decision, and the decision. Equal to `decide`'s."""
    layers = _layers(request, stack)
    decision = _decision(request, stack, layers)
    keys: set[str] = set().union(*(layer.keys for layer in layers))
    found = {key: request.context[key] for key in sorted(keys)}
    account = request.resource_account
    return Explanation(
        decision=decision,
        principal=request.principal.arn,
        action=request.action,
        resource=request.resource,
        reason=decision.reason(request.action).strip(),
        same_account=account in ("", "aws", request.principal.account),
        layers=tuple(layer.view for layer in layers),
        context={key: value for key, value in found.items() if value is not None},
        missing=tuple(key for key, value in found.items() if value is None),
    )


def _layers(request: AuthorizationRequest, stack: PolicyStack) -> list[_Layer]:
    principal = request.principal
    free = "does not restrict this caller" if scp_exempt(principal) else ""
    layers = [_Layer("scp", lv.policies, request, None, lv.name, free) for lv in stack.scp]
    layers.append(_Layer("identity", stack.identity, request, None))
    if stack.boundary:
        layers.append(_Layer("boundary", stack.boundary, request, None))
    if stack.session:
        layers.append(_Layer("session", stack.session, request, None))
    caller = caller_of(principal, bool(stack.boundary))
    free = ""
    if stack.rcp and rcp_exempt(principal, request.action.lower()):
        free = "does not restrict this call"
    layers += [_Layer("rcp", lv.policies, request, caller, lv.name, free) for lv in stack.rcp]
    if stack.endpoint:
        layers.append(_Layer("endpoint", stack.endpoint, request, caller))
    if stack.resource is not None:
        by: By = "trust" if stack.resource_kind == "trust" else "resource"
        layers.append(_Layer(by, (stack.resource,), request, caller))
    return layers


def _decision(
    request: AuthorizationRequest, stack: PolicyStack, layers: Sequence[_Layer]
) -> Decision:
    if request.action.lower() == "sts:getcalleridentity":
        return CALLER_IDENTITY
    applied = [layer for layer in layers if not layer.note]
    for layer in applied:
        if layer.deny is not None:
            return layer.deny
    for by in ("rcp", "endpoint", "scp"):
        if any(layer.by == by and layer.allow is None for layer in applied):
            return MISSING[by]
    last: dict[str, _Layer] = {layer.by: layer for layer in applied}
    own = last.get("resource") or last.get("trust")
    return grant(
        request,
        stack,
        (NOBODY, None) if own is None else (own.force, own.allow),
        last["identity"].allow,
        "boundary" not in last or last["boundary"].allow is not None,
        "session" not in last or last["session"].allow is not None,
    )
