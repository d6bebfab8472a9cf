"""Where an account belongs and what limits it: Organizations' answer to the call floor
(`call/authority.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.call.authority import Membership, PolicyText
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import documents, effective

if TYPE_CHECKING:
    from mesocosm.world import World

Levels = tuple[tuple[str, tuple[PolicyText, ...]], ...]


@organizations.provides("organization")
class Authority:
    """The organizations of one world, with each account's place kept until something changes."""

    def __init__(self, world: World) -> None:
        self._tree = tree.Tree(world)
        self._kept: dict[str, Membership | None] = {}
        self._version = -1

    def version(self) -> int:
        """A number that changes whenever `membership` of any account may."""
        of = self._tree
        return (
            of.organizations.version
            + of.accounts.version
            + of.units.version
            + of.policies.version
            + of.attachments.version
        )

    def membership(self, account: str) -> Membership | None:
        """The account's place, or None outside any organization."""
        if not self._tree.organizations:
            return None
        version = self.version()
        if version != self._version:
            self._kept.clear()
            self._version = version
        try:
            return self._kept[account]
        except KeyError:
            made = self._kept[account] = self._membership(account)
            return made

    def closed(self, account: str) -> bool:
        """Whether an account is closed: nobody calls for it any longer."""
        row = self._tree.accounts.get(account)
        return row is not None and row.status == "SUSPENDED"

    def account(self, account: str) -> rows.Account | None:
        """What is known of an account that is or was in an organization: its name and e-mail
        address.
        """
        return self._tree.accounts.get(account)

    def rename(self, account: str, name: str) -> None:
        """Name an account, whether it is in an organization or not. Runs in a transaction."""
        row = self._tree.accounts.get(account) or rows.appeared(account)
        self._tree.accounts[account] = replace(row, name=name)

    def trusted(self, account: str, service: str) -> bool:
        """Whether the organization of an account trusts a service."""
        found = self._tree.of(account)
        return found is not None and service in found.trusted

    def delegated(self, account: str, service: str) -> bool:
        """Whether an account administers a service for its organization."""
        return (account, service) in self._tree.delegations

    def management(self, account: str) -> str | None:
        """The management account of an account's organization."""
        found = self._tree.of(account)
        return found.management if found is not None else None

    def members(self, account: str) -> list[str]:
        """The accounts of an account's organization."""
        found = self._tree.of(account)
        return [row.id for row in self._tree.members(found)] if found is not None else []

    def effective(self, account: str, kind: str) -> Any:
        """What the policies of a kind, such as TAG_POLICY, come to for an account; None without."""
        organization = self._tree.of(account)
        if organization is None or kind not in organization.types:
            return None
        return effective.merged(
            [documents.loaded(row.content) for row in self._tree.attached(organization, name, kind)]
            for name in self._tree.line(organization, account)
        )

    def _membership(self, account: str) -> Membership | None:
        organization = self._tree.of(account)
        if organization is None:
            return None
        row, line = self._tree.accounts[account], self._tree.line(organization, account)
        return Membership(
            organization.id,
            ("/".join([organization.id, *line[:-1]]) + "/",),
            account == organization.management,
            self._levels(organization, line, "SERVICE_CONTROL_POLICY"),
            self._levels(organization, line, "RESOURCE_CONTROL_POLICY"),
            row.name,
            row.created,
            row.status,
        )

    def _levels(self, organization: rows.Organization, line: list[str], kind: str) -> Levels:
        if kind not in organization.types:
            return ()
        return tuple(
            (
                target,
                tuple(
                    (tree.policy_arn(organization, row.id, kind), row.content)
                    for row in self._tree.attached(organization, target, kind)
                ),
            )
            for target in line
        )
