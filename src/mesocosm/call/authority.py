"""Who is known and which policies speak: what the steps of a call ask of the services that keep identities.

The call floor names no service. A service answers one of these protocols with `@service.provides("...")`:
"identity" (users, roles and their policies), "sessions" (temporary credentials), "organization" (accounts, SCPs, RCPs).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mesocosm.iam import Principal

PolicyText = tuple[str, str]
"""A policy's name or ARN, and its JSON text."""


class Credential(NamedTuple):
    """What an access key id stands for. `expires` is epoch seconds of the world's clock, None for long-term keys.

    `session` holds the session policies (None: none were given, an empty tuple grants nothing).
    """

    access_key_id: str
    secret: str
    principal: Principal
    token: str | None = None
    expires: float | None = None
    active: bool = True
    session: tuple[PolicyText, ...] | None = None


class Grants(NamedTuple):
    """Identity-based policies and the permissions boundary of a principal."""

    identity: tuple[PolicyText, ...] = ()
    boundary: PolicyText | None = None


class Membership(NamedTuple):
    """An account's place in its organization.

    `scps` and `rcps` hold one tuple of policies per level, from the root down to the account; empty when the policy
    type is not enabled. `paths` are the values of aws:PrincipalOrgPaths. `exempt`: the management account, which
    neither limits. `name`, `created` and `status` are what the organization knows of the account itself.
    """

    organization: str
    paths: tuple[str, ...]
    exempt: bool
    scps: tuple[tuple[str, tuple[PolicyText, ...]], ...] = ()
    rcps: tuple[tuple[str, tuple[PolicyText, ...]], ...] = ()
    name: str = ""
    created: float | None = None
    status: str = "ACTIVE"


class RoleFacts(NamedTuple):
    """What taking on a role must know of it. `max_session` is in seconds."""

    arn: str
    id: str
    name: str
    tags: dict[str, str]
    max_session: int = 3600


class Identity(Protocol):
    """Long-term credentials and the policies of users and roles."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a long-term key, also of an inactive one."""

    def root(self, account: str) -> Principal:
        """The root user of an account."""

    def grants(self, principal: Principal) -> Grants:
        """The policies attached to a user, its groups, or the role behind a session."""

    def version(self, account: str) -> int:
        """A number that changes whenever `grants` of any principal of the account may."""

    def tags(self, principal: Principal) -> dict[str, str]:
        """The tags of a user (a session's tags are in its principal)."""

    def role(self, arn: str) -> RoleFacts | None:
        """The role of that ARN."""

    def policy(self, account: str, arn: str) -> str | None:
        """The text of a managed policy's default version, as an account may use it."""

    def mfa(self, principal: Principal, serial: str, code: str, now: float) -> bool:
        """Whether a code is what the principal's MFA device shows now."""

    def seen(
        self, credential: Credential, service: str, region: str, action: str, now: float
    ) -> None:
        """A call was made: keep what "last used" and "last accessed" show. Runs in the call's transaction."""


class Sessions(Protocol):
    """Temporary credentials."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a session, also of an expired one."""


class Organization(Protocol):
    """Organizations: where an account belongs, and what limits it."""

    def version(self) -> int:
        """A number that changes whenever `membership` of any account may."""

    def membership(self, account: str) -> Membership | None:
        """The account's place, or None outside any organization."""

    def closed(self, account: str) -> bool:
        """Whether an account has been closed: its credentials are refused."""
