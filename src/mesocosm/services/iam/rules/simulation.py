"""The policy simulator: one evaluation per action and resource, told in the simulator's terms.

Source: IAM API reference, SimulateCustomPolicy and EvaluationResult. The evaluation is
`mesocosm.iam.explain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mesocosm.api import iam as api
from mesocosm.iam import (
    AuthorizationRequest,
    Context,
    Level,
    Policy,
    PolicyError,
    PolicyStack,
    Principal,
    parse,
    principal_keys,
)
from mesocosm.iam.explain import Explanation, explain
from mesocosm.iam.policy import Kind
from mesocosm.services.iam.rules import scan
from mesocosm.wire.errors import AwsError

RESULTS = {
    "Allowed": "allowed",
    "ImplicitlyDenied": "implicitDeny",
    "ExplicitlyDenied": "explicitDeny",
}
SOURCES = {
    "identity": "IAM Policy",
    "boundary": "IAM Permissions Boundary Policy",
    "resource": "Resource Policy",
}


class Source(NamedTuple):
    """A policy under its name in the results, with its text."""

    name: str
    text: str


class Case(NamedTuple):
    """What stays the same for all actions and resources of one simulation."""

    caller: Principal
    identity: list[Source]
    boundary: list[Source]
    scps: list[tuple[str, list[Source]]]
    resource: Source | None
    owner: str
    context: Mapping[str, str | list[str]]


def invalid(message: str) -> AwsError:
    """InvalidInput."""
    return AwsError("InvalidInput", message)


def compiled(sources: list[Source], kind: Kind) -> list[Policy]:
    """Policies from their texts; raises InvalidInput for one that is malformed."""
    found = []
    for source in sources:
        try:
            found.append(parse(source.text, kind, source.name))
        except PolicyError as error:
            raise invalid(f"Invalid policy {source.name}: {error}") from None
    return found


def entries(given: list[api.ContextEntry] | None) -> dict[str, str | list[str]]:
    """The context of a request by key in lower case."""
    found: dict[str, str | list[str]] = {}
    for entry in given or ():
        values = list(entry.context_key_values or ())
        several = (entry.context_key_type or "").endswith("List")
        found[(entry.context_key_name or "").lower()] = (
            values if several or len(values) != 1 else values[0]
        )
    return found


class Simulation:
    """One simulation, compiled once."""

    def __init__(self, case: Case) -> None:
        self.case = case
        resource = compiled([case.resource], "resource") if case.resource else []
        self.stack = PolicyStack(
            identity=compiled(case.identity, "identity"),
            boundary=compiled(case.boundary, "boundary"),
            scp=[Level(name, tuple(compiled(level, "scp"))) for name, level in case.scps],
        )
        if resource:
            self.stack = self.stack.at(resource=resource[0])
        texts = [*case.identity, *case.boundary, *(s for _, level in case.scps for s in level)]
        texts += [case.resource] if case.resource else []
        self._spans = {source.name: scan.spans(source.text) for source in texts}
        self._written = {
            key.lower(): key for source in texts for key in scan.context_keys(source.text)
        }

    def evaluate(self, action: str, resource: str) -> api.EvaluationResult:
        """The result for one action on one resource."""
        case = self.case
        keys = principal_keys(case.caller)
        keys.pop("aws:viaawsservice", None)  # follows from a real call, of which there is none
        context = Context(
            {**keys, **case.context}, families={"aws:principaltag/": lambda: case.caller.tags}
        )
        account = resource.split(":", 5)[4] if resource.count(":") >= 5 else ""
        # Without a caller there is no other account: the policies are simulated as the owner's own.
        account = (account or case.owner) if case.caller.arn else ""
        request = AuthorizationRequest(action, resource, account, case.caller, context)
        explanation = explain(request, self.stack)
        decision = RESULTS[explanation.decision.result]
        matched = self._matched(explanation)
        missing = [self._written.get(key, key) for key in explanation.missing]
        boundary = self._boundary(explanation)
        details = {} if explanation.same_account else self._details(explanation)
        return api.EvaluationResult(
            eval_action_name=action,
            eval_resource_name=resource,
            eval_decision=decision,
            matched_statements=matched,
            missing_context_values=missing,
            organizations_decision_detail=self._organizations(explanation),
            permissions_boundary_decision_detail=boundary,
            eval_decision_details=details,
            resource_specific_results=[
                api.ResourceSpecificResult(
                    eval_resource_name=resource,
                    eval_resource_decision=decision,
                    matched_statements=matched,
                    missing_context_values=missing,
                    eval_decision_details=details,
                    permissions_boundary_decision_detail=boundary,
                )
            ]
            if resource != "*"
            else [],
        )

    def _matched(self, explanation: Explanation) -> list[api.Statement]:
        """The statements that match: the denies of a denial, else the allows of who is asked for
        permissions."""
        denied = explanation.decision.result == "ExplicitlyDenied"
        found = []
        for layer in explanation.layers:
            if layer.type not in SOURCES or (layer.type == "boundary" and not denied):
                continue
            for policy in layer.policies:
                for statement in policy.statements:
                    if not statement.matched or (denied and statement.effect == "Allow"):
                        continue
                    span = self._spans[policy.name][statement.index]
                    found.append(
                        api.Statement(
                            source_policy_id=policy.name,
                            source_policy_type=SOURCES[layer.type],
                            start_position=api.Position(line=span.line, column=span.column),
                            end_position=api.Position(line=span.end_line, column=span.end_column),
                        )
                    )
        return found

    def _organizations(self, explanation: Explanation) -> api.OrganizationsDecisionDetail | None:
        levels = [layer for layer in explanation.layers if layer.type == "scp"]
        if not levels:
            return None
        allowed = all(layer.verdict == "Allowed" or layer.note for layer in levels)
        return api.OrganizationsDecisionDetail(allowed_by_organizations=allowed)

    def _boundary(self, explanation: Explanation) -> api.PermissionsBoundaryDecisionDetail | None:
        for layer in explanation.layers:
            if layer.type == "boundary":
                return api.PermissionsBoundaryDecisionDetail(
                    allowed_by_permissions_boundary=layer.verdict == "Allowed"
                )
        return None

    def _details(self, explanation: Explanation) -> dict[str, str]:
        """How each kind of policy decides when the resource belongs to another account."""
        return {
            SOURCES[layer.type]: RESULTS[layer.verdict]
            for layer in explanation.layers
            if layer.type in SOURCES
        }
