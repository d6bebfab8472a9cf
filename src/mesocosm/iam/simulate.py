"""Evaluate a JSON case without a running cloud: a request and the policies that apply to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from .context import Context
from .decision import Decision
from .explain import explain
from .policy import Kind, Policy, PolicyError, parse
from .principal import ANONYMOUS, Principal, principal_keys
from .stack import AuthorizationRequest, Level, PolicyStack, ResourceKind

_TRUST = frozenset(
    {"assumerole", "assumerolewithsaml", "assumerolewithwebidentity", "tagsession",
     "setsourceidentity", "setcontext"}
)  # fmt: skip
_POLICY_WRITES = frozenset(
    {"createpolicy", "createpolicyversion", "deletepolicy", "deletepolicyversion",
     "setdefaultpolicyversion", "tagpolicy", "untagpolicy"}
)  # fmt: skip
_ROLE_WRITES = frozenset(
    {"attachrolepolicy", "createrole", "deleterole", "deleterolepermissionsboundary",
     "deleterolepolicy", "detachrolepolicy", "putrolepermissionsboundary", "putrolepolicy",
     "tagrole", "untagrole", "updateassumerolepolicy", "updaterole"}
)  # fmt: skip
_HOST = re.compile(r"[a-z0-9\-.]+\.(amazonaws\.com(\.cn)?|aws\.internal|aws)\Z")


class CaseError(ValueError):
    """A case that is not of the form it should be; the message names the member."""


def simulate(case: Mapping[str, Any]) -> dict[str, Any]:
    """The result of one case and its explanation.

    `case`: {"request": {"action", "resource": {"resource", "accountId"}, "principal",
    "contextVariables": {}}, "identityPolicies": [], "resourcePolicy": {}, ...}; each policy is
    {"name", "policy"}. Answers {"result", "explanation"}. Raises CaseError for a case that is not
    of that form.
    """
    _check(case)
    request = _request(case["request"])
    stack = _stack(case, request)
    explanation = explain(request, stack)
    refused = refusal(request.action, request.resource)
    decision = explanation.decision
    if refused and decision.allowed:
        decision = Decision("ImplicitlyDenied", "builtin", "", refused)
        explanation = msgspec.structs.replace(explanation, decision=decision, reason=refused)
    return {"result": decision.result, "explanation": msgspec.to_builtins(explanation)}


def refusal(action: str, resource: str) -> str:
    """What no policy can allow: a sentence, or "" if there is nothing of the kind.

    Source: IAM user guide, "AWS managed policies" and "Using service-linked roles".
    """
    vendor, _, name = action.lower().partition(":")
    if vendor == "iam":
        if ":iam::aws:policy/" in resource and name in _POLICY_WRITES:
            return "AWS managed policies cannot be changed"
        if ":role/aws-reserved/" in resource and name in _ROLE_WRITES | {"passrole"}:
            return "this role is only modifiable by AWS"
        if ":role/aws-service-role/" in resource and name in _ROLE_WRITES:
            return "service-linked roles are changed only through their service"
    if vendor == "kms" and name == "createalias" and ":alias/aws/" in resource:
        return "aliases that begin with alias/aws/ are reserved"
    return ""


def principal_of(name: str) -> Principal:
    """A principal from what a case calls it: an ARN, an account, a service's host name, or `*`."""
    if name in ("*", "", "anonymous"):
        return ANONYMOUS
    if _HOST.match(name):
        return Principal(kind="service", arn=name, services=(name,))
    if re.fullmatch(r"\d{12}", name):
        return _root(f"arn:aws:iam::{name}:root", name, "aws")
    if not name.startswith("arn:") or name.count(":") < 5:
        return Principal(kind="web-identity", arn=name, federated_provider=name)
    _, partition, service, _, account, rest = name.split(":", 5)
    kind, _, path = rest.partition("/")
    last = path.rpartition("/")[2]
    if rest == "root":
        return _root(name, account, partition)
    if kind == "assumed-role":
        role, _, session = path.partition("/")
        return Principal(
            kind="assumed-role", account=account, partition=partition, arn=name, name=role,
            session_name=session, role_arn=f"arn:{partition}:iam::{account}:role/{role}",
        )  # fmt: skip
    if kind == "role":
        return Principal(
            kind="assumed-role", account=account, partition=partition, arn=name, name=last,
            role_arn=name,
        )  # fmt: skip
    if kind == "federated-user":
        return Principal(
            kind="federated-user", account=account, partition=partition, arn=name, name=path,
            id=f"{account}:{path}",
        )  # fmt: skip
    if service == "iam" and kind in ("oidc-provider", "saml-provider"):
        saml = kind == "saml-provider"
        return Principal(kind="saml" if saml else "web-identity", arn=name, federated_provider=name)
    return Principal(kind="user", account=account, partition=partition, arn=name, name=last)


def _root(arn: str, account: str, partition: str) -> Principal:
    return Principal(kind="root", account=account, partition=partition, arn=arn, id=account)


def _check(case: Any) -> None:
    if not isinstance(case, Mapping):
        raise CaseError("a case is a JSON object with a member 'request'")
    request = case.get("request")
    if not isinstance(request, Mapping):
        raise CaseError("'request' must be a JSON object")
    for name in ("action", "principal"):
        if not isinstance(request.get(name), str):
            raise CaseError(f"'request' must have a text '{name}'")
    if not re.fullmatch(r"[^:\s]+:\S+", request["action"]):
        raise CaseError(f"'{request['action']}' is no action: write service:Operation")
    if not isinstance(request.get("resource") or "*", str | Mapping):
        raise CaseError("'resource' must be an ARN, or an object of 'resource' and 'accountId'")
    if not isinstance(request.get("contextVariables") or {}, Mapping):
        raise CaseError("'contextVariables' must be a JSON object")
    for name in ("serviceControlPolicies", "resourceControlPolicies"):
        levels = case.get(name) or []
        if not isinstance(levels, list) or not all(isinstance(one, Mapping) for one in levels):
            raise CaseError(f"'{name}' must be a list of objects: 'orgIdentifier' and 'policies'")


def _request(body: Mapping[str, Any]) -> AuthorizationRequest:
    principal = principal_of(body["principal"])
    target = body.get("resource") or "*"
    target = {"resource": target} if isinstance(target, str) else target
    resource = target.get("resource") or "*"
    account = target.get("accountId") or ""
    if not account and resource.count(":") >= 5:
        account = resource.split(":", 5)[4]
    given = body.get("contextVariables") or {}
    keys = dict(principal_keys(principal))
    keys.pop("aws:viaawsservice", None)  # follows from the call, of which a case says nothing
    if account or principal.account:
        keys["aws:resourceaccount"] = account or principal.account
    context = Context(keys)
    context.update(Context.of(given))
    return AuthorizationRequest(body["action"], resource, account, principal, context)


def _stack(case: Mapping[str, Any], request: AuthorizationRequest) -> PolicyStack:
    vendor, _, name = request.action.lower().partition(":")
    kind: ResourceKind = ""
    if vendor == "sts" and name in _TRUST and ":role/" in request.resource:
        kind = "trust"
    elif vendor == "kms" and ":key/" in request.resource:
        kind = "kms"
    resources = _policies(case.get("resourcePolicy"), "trust" if kind == "trust" else "resource")
    return PolicyStack(
        identity=_policies(case.get("identityPolicies"), "identity"),
        boundary=_policies(case.get("permissionBoundaryPolicies"), "boundary"),
        session=_policies(case.get("sessionPolicy"), "session"),
        scp=_levels(case.get("serviceControlPolicies"), "scp"),
        rcp=_levels(case.get("resourceControlPolicies"), "rcp"),
        resource=resources[0] if resources else None,
        resource_kind=kind,
        endpoint=_policies(case.get("vpcEndpointPolicies"), "endpoint"),
    )


def _levels(given: Sequence[Mapping[str, Any]] | None, kind: Kind) -> list[Level]:
    return [
        Level(level.get("orgIdentifier", ""), _policies(level.get("policies"), kind))
        for level in given or ()
    ]


def _policies(given: Any, kind: Kind) -> tuple[Policy, ...]:
    """Policies given as {"name", "policy"} or as bare documents, one or a list."""
    if not given:
        return ()
    found = []
    for index, item in enumerate(given if isinstance(given, list) else [given]):
        named = isinstance(item, Mapping) and "policy" in item
        document = item["policy"] if named else item
        name = item.get("name") if named else ""
        name = name or f"{kind} {index}"
        try:
            found.append(parse(document, kind, name))
        except PolicyError as error:
            raise CaseError(f"the {kind} policy '{name}' is malformed: {error}") from error
    return tuple(found)
