"""`userIdentity`: who made a call (CloudTrail user guide, "CloudTrail userIdentity element")."""

from __future__ import annotations

from typing import Any

from mesocosm.call.moments import iso
from mesocosm.iam import Principal

ANONYMOUS_ACCOUNT = "anonymous"


def user_identity(principal: Principal, recipient: str) -> dict[str, Any]:
    """The element, as the account that receives the event sees it.

    An account that only owns the resource learns the caller's account and unique id, no more.
    """
    kind = principal.kind
    if kind == "service":
        return {"type": "AWSService", "invokedBy": _service(principal)}
    if kind == "anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": ANONYMOUS_ACCOUNT}
    if kind in ("web-identity", "saml"):
        return {
            "type": "WebIdentityUser" if kind == "web-identity" else "SAMLUser",
            "principalId": principal.id,
            "userName": principal.name,
            "identityProvider": principal.federated_provider,
        }
    if recipient != principal.account or kind == "account":
        found = {
            "type": "AWSAccount",
            "principalId": principal.id,
            "accountId": principal.account,
        }
    else:
        found = _own(principal)
    if principal.invoked_by:
        found["invokedBy"] = principal.invoked_by
    return found


def user_name(principal: Principal) -> str:
    """What LookupEvents calls the user: a user's name, a session's name, `root`, a service."""
    kind = principal.kind
    if kind == "root":
        return "root"
    if kind == "assumed-role":
        return principal.session_name
    if kind == "service":
        return _service(principal)
    return principal.name


def _service(principal: Principal) -> str:
    return principal.services[0] if principal.services else principal.arn


TYPES = {
    "root": "Root",
    "user": "IAMUser",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
}


def _own(principal: Principal) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": TYPES.get(principal.kind, "Unknown"),
        "principalId": principal.id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": principal.access_key_id,
    }
    if principal.kind == "user":
        found["userName"] = principal.name
    if principal.issued_at is not None:
        found["sessionContext"] = _session(principal)
    return found


def _session(principal: Principal) -> dict[str, Any]:
    found: dict[str, Any] = {}
    issuer = principal.issuer
    if issuer is not None:
        shown = {
            "type": issuer.type,
            "principalId": issuer.principal_id,
            "arn": issuer.arn,
            "accountId": issuer.account_id,
        }
        if issuer.user_name:
            shown["userName"] = issuer.user_name
        found["sessionIssuer"] = shown
    if principal.federated_provider:
        found["webIdFederationData"] = {
            "federatedProvider": principal.federated_provider,
            "attributes": {},
        }
    assert principal.issued_at is not None
    found["attributes"] = {
        "creationDate": iso(principal.issued_at),
        "mfaAuthenticated": "true" if principal.mfa else "false",
    }
    if principal.source_identity:
        found["sourceIdentity"] = principal.source_identity
    if principal.assumed_root:
        found["assumedRoot"] = "true"
    return found
