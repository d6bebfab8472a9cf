"""Accounts: made, listed, moved."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import MANAGEMENT, READ, on, targeted
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError

DEFAULT_ROLE = "OrganizationAccountAccessRole"
STATES = {"ACTIVE": "ACTIVE", "PENDING_CLOSURE": "PENDING_CLOSURE", "SUSPENDED": "CLOSED"}
"""Status, which AWS keeps for old clients -> state."""


def shape(of: tree.Tree, organization: rows.Organization, row: rows.Account) -> api.Account:
    """An account as answers carry it."""
    return api.Account(
        id=row.id,
        arn=tree.account_arn(organization, row.id),
        email=row.email,
        name=row.name,
        status=row.status,
        state=STATES[row.status],
        paths=[of.path(organization, row.id) + "/"],
        joined_method=row.method,
        joined_timestamp=row.joined,
    )


def status_shape(row: rows.Creation) -> api.CreateAccountStatus:
    """A request for an account as answers carry it."""
    return api.CreateAccountStatus(
        id=row.id,
        account_name=row.name,
        state=row.state,
        requested_timestamp=row.requested,
        completed_timestamp=row.completed,
        account_id=row.account,
        failure_reason=row.failure,
    )


def room(of: tree.Tree, organization: rows.Organization) -> bool:
    """Whether the organization may have one more account: those on their way and those invited
    count.
    """
    making = [of.creations[key] for key in of.creations.find(rows.creations_of, organization.id)]
    invited = [
        of.handshakes[key] for key in of.handshakes.find(rows.handshakes_of, organization.id)
    ]
    count = len(of.members(organization))
    count += sum(row.state == "IN_PROGRESS" for row in making)
    count += sum(row.state == "OPEN" and row.action == "INVITE" for row in invited)
    return count < quotas.ACCOUNTS


@on("CreateAccount", MANAGEMENT, tagging=True)
def create_account(call: Call, request: api.CreateAccountRequest) -> api.CreateAccountResponse:
    """Ask for a new account; it is made some seconds later, with a role that the management account
    may take on.
    """
    of, organization = common.here(call)
    if not room(of, organization):
        raise common.constraint(
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
            "You have exceeded the allowed number of AWS accounts.",
        )
    row = rows.Creation(
        id=common.new_id(call, "car-", 32),
        organization=organization.id,
        name=request.account_name,
        email=request.email,
        role=request.role_name or DEFAULT_ROLE,
        requested=call.now,
        tags=common.checked_tags(request.tags),
    )
    of.creations[row.id] = row
    call.at(call.now + quotas.CREATION_S, "create", row.id)
    return api.CreateAccountResponse(create_account_status=status_shape(row))


@on("CreateGovCloudAccount", MANAGEMENT, tagging=True)
def create_gov_cloud_account(call: Call, request: api.CreateGovCloudAccountRequest) -> None:
    """Refused, as AWS does where the management account has no counterpart in GovCloud."""
    common.here(call)
    raise common.constraint(
        "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED",
        "To complete this operation, you must have an AWS GovCloud (US) account that is paired "
        "with the organization's management account.",
    )


@on("DescribeCreateAccountStatus", READ)
def describe_create_account_status(
    call: Call, request: api.DescribeCreateAccountStatusRequest
) -> api.DescribeCreateAccountStatusResponse:
    """How far the making of an account has come."""
    of, organization = common.here(call)
    row = of.creations.get(request.create_account_request_id)
    if row is None or row.organization != organization.id:
        raise AwsError(
            "CreateAccountStatusNotFoundException",
            "We can't find an create account request with the CreateAccountRequestId that you "
            "specified.",
        )
    return api.DescribeCreateAccountStatusResponse(create_account_status=status_shape(row))


@on("ListCreateAccountStatus", READ)
def list_create_account_status(
    call: Call, request: api.ListCreateAccountStatusRequest
) -> api.ListCreateAccountStatusResponse:
    """The requests for accounts of the last 90 days."""
    of, organization = common.here(call)
    every = [of.creations[key] for key in of.creations.find(rows.creations_of, organization.id)]
    if request.states:
        every = [row for row in every if row.state in request.states]
    found, token = common.paged(request, every, lambda row: row.id)
    return api.ListCreateAccountStatusResponse(
        create_account_statuses=[status_shape(row) for row in found], next_token=token
    )


@on("DescribeAccount", READ, targeted("account_id"))
def describe_account(
    call: Call, request: api.DescribeAccountRequest
) -> api.DescribeAccountResponse:
    """One account."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    return api.DescribeAccountResponse(account=shape(of, organization, row))


@on("ListAccounts", READ)
def list_accounts(call: Call, request: api.ListAccountsRequest) -> api.ListAccountsResponse:
    """All accounts of the organization."""
    of, organization = common.here(call)
    found, token = common.paged(request, of.members(organization), lambda row: row.id)
    return api.ListAccountsResponse(
        accounts=[shape(of, organization, row) for row in found], next_token=token
    )


def _moved(_: Call, __: tree.Tree, organization: rows.Organization, request: Any) -> list[str]:
    return [
        tree.target_arn(organization, name)
        for name in (
            request.account_id,
            request.source_parent_id,
            request.destination_parent_id,
        )
    ]


@on("MoveAccount", MANAGEMENT, _moved)
def move_account(call: Call, request: api.MoveAccountRequest) -> None:
    """Move an account; the policies of its new place hold from the next call on."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    for name, code, words in (
        (request.source_parent_id, "SourceParentNotFoundException", "a source root or OU"),
        (
            request.destination_parent_id,
            "DestinationParentNotFoundException",
            "the destination container (a root or OU)",
        ),
    ):
        found = of.node(organization, name)
        source = code.startswith("Source")
        if found is None or isinstance(found, rows.Account) or (source and row.parent != name):
            raise AwsError(code, f"We can't find {words} with the ParentId that you specified.")
    if request.destination_parent_id == row.parent:
        raise AwsError(
            "DuplicateAccountException",
            "That account is already present in the specified destination.",
        )
    of.accounts[row.id] = replace(row, parent=request.destination_parent_id)
