"""What one decision takes into account: the request, and every policy that takes part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from .context import Context
from .decision import Decision
from .policy import Match, Policy
from .principal import Principal

ResourceKind = Literal["", "trust", "kms"]
Entry = tuple["Match | None", Decision]
"""A statement in a plan: its test (None: always true) and the decision it stands for."""


class Level(NamedTuple):
    """The SCPs or RCPs attached to the root, an organisational unit or the account."""

    name: str
    policies: tuple[Policy, ...]


class AuthorizationRequest(msgspec.Struct, frozen=True, gc=False):
    """`resource_account` is empty when the resource has no account of its own: then it is the
    caller's."""

    action: str
    resource: str
    resource_account: str
    principal: Principal
    context: Context


class Plan(NamedTuple):
    """What is left of a principal's policies for one action: statements that cannot match, and
    levels that always allow, are gone."""

    scp_denies: tuple[Entry, ...]
    denies: tuple[Entry, ...]
    levels: tuple[tuple[Entry, ...], ...]
    identity: tuple[Entry, ...]
    boundary: tuple[Entry, ...]
    session: tuple[Entry, ...]
    keys: tuple[str, ...]


class PolicyStack:
    """Every policy that takes part in a decision. Immutable.

    Keep one per principal (`identity`: of the user and its groups, or of the role; `boundary`;
    `session`; `scp`, from the root down to the account, empty for the management account) and
    derive one per resource with `at`; both share the compiled plans. Empty `boundary`, `session` or
    `endpoint` means there is none.
    """

    __slots__ = (
        "boundary", "endpoint", "grants", "identity", "plans", "rcp", "resource", "resource_kind",
        "scp", "session",
    )  # fmt: skip

    def __init__(
        self,
        *,
        identity: Iterable[Policy] = (),
        boundary: Iterable[Policy] = (),
        session: Iterable[Policy] = (),
        scp: Iterable[Level] = (),
        rcp: Iterable[Level] = (),
        resource: Policy | None = None,
        resource_kind: ResourceKind = "",
        endpoint: Iterable[Policy] = (),
        grants: Iterable[str] = (),
    ) -> None:
        self.identity = tuple(identity)
        self.boundary = tuple(boundary)
        self.session = tuple(session)
        self.scp = tuple(scp)
        self.plans: dict[str, Plan] = {}
        self.rcp = tuple(rcp)
        self.resource = resource
        self.resource_kind: ResourceKind = resource_kind
        self.endpoint = tuple(endpoint)
        self.grants = tuple(grants)

    def at(
        self,
        *,
        resource: Policy | None = None,
        resource_kind: ResourceKind = "",
        rcp: tuple[Level, ...] = (),
        endpoint: tuple[Policy, ...] = (),
        grants: tuple[str, ...] = (),
    ) -> PolicyStack:
        """The same principal's policies with those of a resource, its account and the way to it.

        `resource_kind`: `trust` for a role's trust policy, `kms` for a key policy: these must
        themselves allow. `grants` names what else on the resource's side allows this very request:
        KMS grants, ACLs.
        """
        stack = PolicyStack.__new__(PolicyStack)
        stack.identity = self.identity
        stack.boundary = self.boundary
        stack.session = self.session
        stack.scp = self.scp
        stack.plans = self.plans
        stack.rcp = rcp
        stack.resource = resource
        stack.resource_kind = resource_kind
        stack.endpoint = endpoint
        stack.grants = grants
        return stack
