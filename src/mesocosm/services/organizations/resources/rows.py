"""The rows of Organizations. Times are epoch seconds of the world's clock."""

from __future__ import annotations

import re

import msgspec

from mesocosm.world import Table

PARTITION_WIDE = ("", "aws-global")
APPEARED = re.compile(r"root\+(\d{12})@example\.com")
"""The e-mail address of an account that appeared at its first use and was never given another."""


class Organization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An organization with its one root.

    `types`: the policy types enabled in the root; `trusted`: service principals with trusted access
    and since when; `closings`: when accounts were closed in the last 30 days.
    """

    id: str
    root: str
    management: str
    created: float
    features: str = "ALL"
    types: tuple[str, ...] = ()
    trusted: dict[str, float] = {}
    root_tags: dict[str, str] = {}
    closings: tuple[float, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account that belongs, or once belonged, to an organization (`organization` is empty
    outside of one).

    `created` is set for accounts that Organizations has made.
    """

    id: str
    name: str
    email: str
    organization: str = ""
    parent: str = ""
    status: str = "ACTIVE"
    method: str = "INVITED"
    joined: float = 0
    created: float | None = None
    tags: dict[str, str] = {}


def appeared(account: str) -> Account:
    """An account that nobody has made or named: its name and address are made from its id."""
    return Account(id=account, name=f"account-{account}", email=f"root+{account}@example.com")


class Unit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An organizational unit."""

    id: str
    organization: str
    parent: str
    name: str
    tags: dict[str, str] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A policy of an organization."""

    id: str
    organization: str
    name: str
    type: str
    content: str
    description: str = ""
    updated: float = 0
    tags: dict[str, str] = {}


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A policy attached to a root, a unit or an account; the key is (target, policy)."""

    organization: str
    target: str
    policy: str
    type: str
    since: float


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """A delegated administrator of a service; the key is (account, service principal)."""

    organization: str
    account: str
    service: str
    since: float
    first: float


class Creation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request to create an account."""

    id: str
    organization: str
    name: str
    email: str
    role: str
    requested: float
    state: str = "IN_PROGRESS"
    completed: float | None = None
    account: str | None = None
    failure: str | None = None
    tags: dict[str, str] = {}


class Handshake(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agreement in the making. `party` is an account id or an e-mail address (`party_type` says
    which).
    """

    id: str
    organization: str
    management: str
    action: str
    party: str
    party_type: str
    requested: float
    expires: float
    state: str = "OPEN"
    parent: str = ""
    notes: str | None = None
    tags: dict[str, str] = {}
    features: str = "ALL"


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The delegation policy of an organization; the key is the organization's id."""

    id: str
    content: str
    tags: dict[str, str] = {}


organizations = Table("organizations.organizations", Organization)
accounts = Table("organizations.accounts", Account)
units = Table("organizations.units", Unit)
policies = Table("organizations.policies", Policy)
attachments = Table("organizations.attachments", Attachment, key=tuple[str, str])
delegations = Table("organizations.delegations", Delegation, key=tuple[str, str])
creations = Table("organizations.creations", Creation)
handshakes = Table("organizations.handshakes", Handshake)
resource_policies = Table("organizations.resource_policies", ResourcePolicy)

accounts_of = accounts.index("organization", lambda row: row.organization or None)
accounts_under = accounts.index("parent", lambda row: row.parent or None)
accounts_by_email = accounts.index("email", lambda row: row.email.lower())
units_under = units.index("parent", lambda row: row.parent)
units_of = units.index("organization", lambda row: row.organization)
policies_of = policies.index("organization", lambda row: row.organization)
attached_to = attachments.index("target", lambda row: row.target)
attached_where = attachments.index("policy", lambda row: (row.organization, row.policy))
delegations_of = delegations.index("organization", lambda row: row.organization)
delegations_to = delegations.index("account", lambda row: row.account)
creations_of = creations.index("organization", lambda row: row.organization)
handshakes_of = handshakes.index("organization", lambda row: row.organization)
handshakes_with = handshakes.index("party", lambda row: row.party.lower())
