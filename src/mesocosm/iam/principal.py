"""Who makes a call, as plain data: what identification found out and what policies may ask
about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

Kind = Literal[
    "root",
    "user",
    "assumed-role",
    "federated-user",
    "service",
    "anonymous",
    "account",
    "web-identity",
    "saml",
]

PRINCIPAL_TYPES: Mapping[str, str] = {
    "root": "Account",
    "account": "Account",
    "user": "User",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
    "anonymous": "Anonymous",
}
"""Values of `aws:PrincipalType` (IAM user guide, "AWS global condition context keys")."""


class SessionIssuer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CloudTrail's `sessionContext.sessionIssuer`: the role or user a session was issued for."""

    type: str = ""
    principal_id: str = ""
    arn: str = ""
    account_id: str = ""
    user_name: str = ""


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An identified caller. msgpack- and JSON-encodable; `tags` must not be changed after creation.

    `web-identity` and `saml` are callers that hold only a token of an identity provider (they can
    do nothing but assume a role); `account` is another account as a whole, without a named user.
    """

    kind: Kind
    account: str = ""
    partition: str = "aws"
    arn: str = ""
    """The ARN shown in messages and records: of the session (`sts::...:assumed-role/R/S`) for
    sessions."""
    id: str = ""
    """`aws:userid`: `AIDA...`, `AROA...:session`, `account:name` for federated users, the account
    for root."""
    name: str = ""
    """`aws:username` for users; the role's name for sessions; the given name for federated
    users."""
    role_arn: str = ""
    session_name: str = ""
    user_arn: str = ""
    """For federated users: the IAM user (or root) whose keys asked for the token."""
    canonical_id: str = ""
    tags: dict[str, str] = {}
    """The effective principal tags (role or user tags overlaid by session tags)."""
    transitive_keys: tuple[str, ...] = ()
    session_policy: str | None = None
    """The inline session policy's JSON text."""
    session_policy_arns: tuple[str, ...] = ()
    source_identity: str = ""
    issued_at: float | None = None
    """Epoch seconds at which the session's token was issued; None for long-term keys."""
    expires_at: float | None = None
    mfa: bool | None = None
    """None for long-term keys: `aws:MultiFactorAuthPresent` is then absent, not false."""
    mfa_at: float | None = None
    federated_provider: str = ""
    invoked_by: str = ""
    """The service that calls with the caller's credentials (forward access session)."""
    called_via: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    """For service principals: every name of the service, the one used first."""
    access_key_id: str = ""
    issuer: SessionIssuer | None = None
    assumed_root: bool = False

    @property
    def service_linked(self) -> bool:
        """Is it a session of a service-linked role? SCPs and RCPs do not restrict those."""
        return "/aws-service-role/" in self.role_arn


ANONYMOUS = Principal(kind="anonymous", arn="anonymous", id="anonymous")


@lru_cache(maxsize=4096)
def canonical_id(account: str) -> str:
    """The canonical user id of an account: 64 hexadecimal digits, what S3's ACLs name it by."""
    return hashlib.sha256(f"canonical user {account}".encode()).hexdigest()


def principal_keys(principal: Principal) -> dict[str, str | list[str]]:
    """The condition keys that follow from the principal alone (names in lower case).

    Source: IAM user guide, "AWS global condition context keys", properties of the principal.
    Tags are not among them: they are a family of the context (`aws:principaltag/`).
    """
    keys: dict[str, str | list[str]] = {}
    kind = principal.kind
    if kind in PRINCIPAL_TYPES:
        keys["aws:principaltype"] = PRINCIPAL_TYPES[kind]
    if kind != "anonymous":
        keys["aws:principalisawsservice"] = "true" if kind == "service" else "false"
        keys["aws:viaawsservice"] = "true" if principal.called_via else "false"
        arn = principal.role_arn if kind == "assumed-role" else principal.arn
        if arn and kind != "service":
            keys["aws:principalarn"] = arn
        if principal.account and kind != "service":
            keys["aws:principalaccount"] = principal.account
    else:
        keys["aws:principalaccount"] = "anonymous"
    if kind == "service" and principal.services:
        keys["aws:principalservicename"] = principal.services[0]
        keys["aws:principalservicenameslist"] = list(principal.services)
    if principal.id:
        keys["aws:userid"] = principal.id
    if kind == "user" and principal.name:
        keys["aws:username"] = principal.name
    if principal.mfa is not None:
        keys["aws:multifactorauthpresent"] = "true" if principal.mfa else "false"
    if principal.federated_provider:
        keys["aws:federatedprovider"] = principal.federated_provider
    if principal.source_identity:
        keys["aws:sourceidentity"] = principal.source_identity
    if principal.assumed_root:
        keys["aws:assumedroot"] = "true"
    if principal.called_via:
        keys["aws:calledvia"] = list(principal.called_via)
        keys["aws:calledviafirst"] = principal.called_via[0]
        keys["aws:calledvialast"] = principal.called_via[-1]
    return keys
