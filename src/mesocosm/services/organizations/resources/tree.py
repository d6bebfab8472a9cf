"""The tree of one world's organizations: who is where, under which policies, by which ARN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mesocosm.services.organizations.resources import rows
from mesocosm.services.organizations.rules import managed

if TYPE_CHECKING:
    from mesocosm.world import World

Node = rows.Organization | rows.Unit | rows.Account
"""A target of policies: an organization stands for its root."""


class Tree:
    """The rows of Organizations in one world, and the questions asked of them."""

    def __init__(self, world: World) -> None:
        self.organizations = world.rows(rows.organizations, *rows.PARTITION_WIDE)
        self.accounts = world.rows(rows.accounts, *rows.PARTITION_WIDE)
        self.units = world.rows(rows.units, *rows.PARTITION_WIDE)
        self.policies = world.rows(rows.policies, *rows.PARTITION_WIDE)
        self.attachments = world.rows(rows.attachments, *rows.PARTITION_WIDE)
        self.delegations = world.rows(rows.delegations, *rows.PARTITION_WIDE)
        self.creations = world.rows(rows.creations, *rows.PARTITION_WIDE)
        self.handshakes = world.rows(rows.handshakes, *rows.PARTITION_WIDE)
        self.resource_policies = world.rows(rows.resource_policies, *rows.PARTITION_WIDE)

    # -- who is where ----------------------------------------------------------------------------

    def of(self, account: str) -> rows.Organization | None:
        """The organization an account belongs to."""
        row = self.accounts.get(account)
        return self.organizations[row.organization] if row and row.organization else None

    def member(self, organization: rows.Organization, account: str) -> rows.Account | None:
        """An account of an organization."""
        row = self.accounts.get(account)
        return row if row is not None and row.organization == organization.id else None

    def unit(self, organization: rows.Organization, unit: str) -> rows.Unit | None:
        """A unit of an organization."""
        row = self.units.get(unit)
        return row if row is not None and row.organization == organization.id else None

    def policy(self, organization: rows.Organization, policy: str) -> rows.Policy | None:
        """A policy that an organization may attach: its own, or one of AWS's."""
        row = managed.POLICIES.get(policy) or self.policies.get(policy)
        return row if row is not None and row.organization in ("", organization.id) else None

    def node(self, organization: rows.Organization, target: str) -> Node | None:
        """The root, unit or account of that id."""
        if target == organization.root:
            return organization
        return self.unit(organization, target) or self.member(organization, target)

    def members(self, organization: rows.Organization) -> list[rows.Account]:
        """All accounts of an organization."""
        return [self.accounts[key] for key in self.accounts.find(rows.accounts_of, organization.id)]

    def accounts_in(self, parent: str) -> list[rows.Account]:
        """The accounts right below a root or unit."""
        return [self.accounts[key] for key in self.accounts.find(rows.accounts_under, parent)]

    def units_in(self, parent: str) -> list[rows.Unit]:
        """The units right below a root or unit."""
        return [self.units[key] for key in self.units.find(rows.units_under, parent)]

    def targets(self, organization: rows.Organization) -> Iterator[str]:
        """Every id a policy can be attached to."""
        yield organization.root
        yield from self.units.find(rows.units_of, organization.id)
        yield from self.accounts.find(rows.accounts_of, organization.id)

    def line(self, organization: rows.Organization, target: str) -> list[str]:
        """The ids from the root down to a target, both included."""
        found = [target]
        while found[-1] != organization.root:
            row = self.units.get(found[-1]) or self.accounts[found[-1]]
            found.append(row.parent)
        return found[::-1]

    def path(self, organization: rows.Organization, target: str) -> str:
        """The path of a target as aws:PrincipalOrgPaths has it, without the final slash."""
        return "/".join([organization.id, *self.line(organization, target)])

    def invited(self, row: rows.Handshake) -> str:
        """The account id a handshake is offered to, empty while nobody has its e-mail address."""
        if row.party_type == "ACCOUNT":
            return row.party
        found = self.accounts.find(rows.accounts_by_email, row.party.lower())
        if found:
            return found[0]
        appeared = rows.APPEARED.fullmatch(row.party)
        return appeared[1] if appeared else ""

    # -- policies --------------------------------------------------------------------------------

    def attached(
        self, organization: rows.Organization, target: str, kind: str
    ) -> list[rows.Policy]:
        """The policies of one type attached to a target, in the order of their ids."""
        found = []
        for key in sorted(self.attachments.find(rows.attached_to, target)):
            row = self.attachments[key]
            policy = self.policy(organization, row.policy) if row.type == kind else None
            if policy is not None:
                found.append(policy)
        return found

    def places(self, organization: rows.Organization, policy: str) -> list[str]:
        """The targets a policy is attached to."""
        found = self.attachments.find(rows.attached_where, (organization.id, policy))
        return sorted(target for target, _ in found)

    def delegated(self, account: str) -> list[rows.Delegation]:
        """What an account administers by delegation."""
        found = self.delegations.find(rows.delegations_to, account)
        return [self.delegations[key] for key in sorted(found)]


# -- ARNs ------------------------------------------------------------------------------------------


def _arn(organization: rows.Organization, rest: str) -> str:
    return f"arn:aws:organizations::{organization.management}:{rest}"


def organization_arn(organization: rows.Organization) -> str:
    """The ARN of an organization."""
    return _arn(organization, f"organization/{organization.id}")


def root_arn(organization: rows.Organization) -> str:
    """The ARN of the root."""
    return _arn(organization, f"root/{organization.id}/{organization.root}")


def account_arn(organization: rows.Organization, account: str) -> str:
    """The ARN of an account as a member."""
    return _arn(organization, f"account/{organization.id}/{account}")


def unit_arn(organization: rows.Organization, unit: str) -> str:
    """The ARN of a unit."""
    return _arn(organization, f"ou/{organization.id}/{unit}")


def policy_arn(organization: rows.Organization, policy: str, kind: str) -> str:
    """The ARN of a policy; AWS's own belong to no organization."""
    if policy in managed.POLICIES:
        return f"arn:aws:organizations::aws:policy/{kind.lower()}/{policy}"
    return _arn(organization, f"policy/{organization.id}/{kind.lower()}/{policy}")


def handshake_arn(row: rows.Handshake) -> str:
    """The ARN of a handshake."""
    action = row.action.lower()
    return f"arn:aws:organizations::{row.management}:handshake/{row.organization}/{action}/{row.id}"


def resource_policy_arn(organization: rows.Organization, policy: str) -> str:
    """The ARN of the delegation policy."""
    return _arn(organization, f"resourcepolicy/{organization.id}/{policy}")


def target_arn(organization: rows.Organization, target: str) -> str:
    """The ARN of a root, unit or account by the form of its id."""
    if target.startswith("r-"):
        return root_arn(organization)
    if target.startswith("ou-"):
        return unit_arn(organization, target)
    return account_arn(organization, target)
