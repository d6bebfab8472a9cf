"""The delegated administrator of CloudTrail in an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.api import cloudtrail as api
from mesocosm.api import organizations
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import trails as found
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call


def _management(call: Call) -> Any:
    """What knows the organization, for its management account.

    Raises OrganizationsNotInUseException, NotOrganizationManagementAccountException.
    """
    provider = call.cloud.provider("organization")
    if not found.organization_of(call, call.account):
        raise AwsError(
            "OrganizationsNotInUseException", "Your account is not a member of an organization."
        )
    if provider.management(call.account) != call.account:
        raise AwsError(
            "NotOrganizationManagementAccountException",
            "This operation can be performed only by the organization's management account.",
        )
    return provider


@cloudtrail.operation("RegisterOrganizationDelegatedAdmin")
def register_organization_delegated_admin(
    call: Call, request: api.RegisterOrganizationDelegatedAdminRequest
) -> api.RegisterOrganizationDelegatedAdminResponse:
    """Let a member account manage the organization's trails."""
    provider = _management(call)
    member = request.member_account_id
    if member == call.account:
        raise AwsError(
            "CannotDelegateManagementAccountException",
            "The management account of an organization cannot be registered as the CloudTrail "
            "delegated administrator.",
        )
    if member not in provider.members(call.account):
        raise AwsError(
            "AccountNotFoundException",
            f"Account {member} is not a member of the organization.",
        )
    if provider.delegated(member, cloudtrail.source):
        raise AwsError(
            "AccountRegisteredException",
            f"Account {member} is already registered as a delegated administrator.",
        )
    call.invoke(
        "organizations",
        "RegisterDelegatedAdministrator",
        organizations.RegisterDelegatedAdministratorRequest(
            account_id=member, service_principal=cloudtrail.source
        ),
    )
    return api.RegisterOrganizationDelegatedAdminResponse()


@cloudtrail.operation("DeregisterOrganizationDelegatedAdmin")
def deregister_organization_delegated_admin(
    call: Call, request: api.DeregisterOrganizationDelegatedAdminRequest
) -> api.DeregisterOrganizationDelegatedAdminResponse:
    """Take it back."""
    provider = _management(call)
    member = request.delegated_admin_account_id
    if not provider.delegated(member, cloudtrail.source):
        raise AwsError(
            "AccountNotRegisteredException",
            f"Account {member} is not registered as a delegated administrator.",
        )
    call.invoke(
        "organizations",
        "DeregisterDelegatedAdministrator",
        organizations.DeregisterDelegatedAdministratorRequest(
            account_id=member, service_principal=cloudtrail.source
        ),
    )
    return api.DeregisterOrganizationDelegatedAdminResponse()
