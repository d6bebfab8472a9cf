"""Accounts that end or go: closed, removed, leaving."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.call.moments import iso
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import MANAGEMENT, MEMBER, on, targeted
from mesocosm.services.organizations.operations.policies import detach_all
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError


def depart(call: Call, of: tree.Tree, row: rows.Account, method: str) -> None:
    """Take an account out of its organization: REMOVED, LEFT or CLOSED.

    The event is seen in the management account only.
    """
    organization = of.organizations[row.organization]
    call.event(
        "AccountDepartedOrganization",
        account=organization.management,
        accountId=row.id,
        organizationId=organization.id,
        departureMethod=method,
        departureTime=iso(call.now),
    )
    detach_all(of, row.id)
    of.accounts[row.id] = replace(row, organization="", parent="", tags={})


@on("CloseAccount", MANAGEMENT, targeted("account_id"))
def close_account(call: Call, request: api.CloseAccountRequest) -> None:
    """Close an account: pending at first, then suspended, and gone after 90 days."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    if organization.features != "ALL":
        raise common.constraint(
            "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
            "Your organization must have all features enabled to perform this operation.",
        )
    if row.id == organization.management:
        raise common.constraint(
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You can't close the management account."
        )
    if row.status == "SUSPENDED":
        raise AwsError("AccountAlreadyClosedException", "The AWS account is already closed.")
    if row.status == "PENDING_CLOSURE":
        raise AwsError(
            "ConflictException", "The request to close this account is already being processed."
        )
    if of.delegated(row.id):
        raise common.constraint(
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            "You can't close an account that is a delegated administrator.",
        )
    recent = tuple(at for at in organization.closings if at > call.now - quotas.CLOSING_WINDOW_S)
    if len(recent) >= quotas.closings(len(of.members(organization))):
        raise common.constraint(
            "CLOSE_ACCOUNT_QUOTA_EXCEEDED",
            "You have exceeded close account quota for the past 30 days.",
        )
    of.organizations[organization.id] = replace(organization, closings=(*recent, call.now))
    of.accounts[row.id] = replace(row, status="PENDING_CLOSURE")
    call.at(call.now + quotas.CLOSING_S, "close", row.id)


def _may_go(call: Call, of: tree.Tree, organization: rows.Organization, row: rows.Account) -> None:
    if row.id == organization.management:
        raise AwsError(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization. If you want the "
            "management account to become a member account in another organization, you must "
            "first delete the current organization of the management account.",
        )
    if of.delegated(row.id):
        raise common.constraint(
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            "You can't remove an account that is a delegated administrator for an AWS service. "
            "First deregister it.",
        )
    if row.created is not None and call.now - row.created < quotas.LEAVE_AFTER_S:
        raise common.constraint(
            "WAIT_PERIOD_ACTIVE",
            "After you create an account in an organization, you must wait until at least four "
            "days after the account was created.",
        )


@on("RemoveAccountFromOrganization", MANAGEMENT, targeted("account_id"))
def remove_account_from_organization(
    call: Call, request: api.RemoveAccountFromOrganizationRequest
) -> None:
    """Make a member an account of its own."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    _may_go(call, of, organization, row)
    depart(call, of, row, "REMOVED")


@on("LeaveOrganization", MEMBER)
def leave_organization(call: Call, request: object) -> None:
    """The caller's account becomes one of its own."""
    of, organization = common.here(call)
    row = common.member(of, organization, call.account)
    _may_go(call, of, organization, row)
    depart(call, of, row, "LEFT")
