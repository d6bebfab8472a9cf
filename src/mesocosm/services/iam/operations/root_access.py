"""Centralised root access of an organization's member accounts: which of its features are on.

Source: IAM user guide, "Centrally manage root access for member accounts". What the caller's
account may do in the organization is asked of AWS Organizations as the caller.
"""

from __future__ import annotations

from mesocosm.api import iam as api
from mesocosm.api import organizations as organizations_api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.resources import accounts
from mesocosm.wire.errors import AwsError
from mesocosm.wire.types import Empty

PRINCIPAL = "iam.amazonaws.com"
CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"


class Managed:
    """The organization of the caller, whose account manages it or administers IAM for it."""

    def __init__(self, call: Call) -> None:
        found = _organization(call)
        self.id: str = found.id or ""
        self.management: str = found.master_account_id or ""
        if found.feature_set != "ALL":
            raise AwsError(
                "OrganizationNotInAllFeaturesModeException",
                "The organization must have all features enabled.",
            )
        trusted = call.invoke(
            "organizations",
            "ListAWSServiceAccessForOrganization",
            organizations_api.ListAWSServiceAccessForOrganizationRequest(),
        )
        if PRINCIPAL not in {row.service_principal for row in trusted.enabled_service_principals}:
            raise AwsError(
                "ServiceAccessNotEnabledException",
                "Trusted access for AWS Identity and Access Management is not enabled "
                "in the organization.",
            )
        self._call = call

    def features(self) -> tuple[str, ...]:
        """The features that are on."""
        cell = self._call.rows(accounts.accounts, account=self.management)
        return cell.get(accounts.KEY, accounts.NEW).root_features

    def switch(self, feature: str, on: bool) -> list[str]:
        """Switch a feature on or off; gives those that are on then."""
        kept = [name for name in self.features() if name != feature]
        found = [*kept, feature] if on else kept
        accounts.change(self._call, account=self.management, root_features=tuple(found))
        return found


def _organization(call: Call) -> organizations_api.Organization:
    try:
        described = call.invoke("organizations", "DescribeOrganization", Empty())
    except AwsError as error:
        if error.code != "AWSOrganizationsNotInUseException":
            raise
        raise AwsError(
            "OrganizationNotFoundException", "The account is not a member of an organization."
        ) from None
    found: organizations_api.Organization = described.organization
    if found.master_account_id != call.account and not _administers(call):
        raise AwsError(
            "AccountNotManagementOrDelegatedAdministratorException",
            "The account is neither the management account of the organization nor a delegated "
            "administrator for IAM.",
        )
    return found


def _administers(call: Call) -> bool:
    """Is the account a delegated administrator for IAM?"""
    try:
        listed = call.invoke(
            "organizations",
            "ListDelegatedAdministrators",
            organizations_api.ListDelegatedAdministratorsRequest(service_principal=PRINCIPAL),
        )
    except AwsError:
        return False  # only the management account and administrators may ask
    return any(row.id == call.account for row in listed.delegated_administrators)


@iam.operation("ListOrganizationsFeatures")
def list_organizations_features(
    call: Call, request: object
) -> api.ListOrganizationsFeaturesResponse:
    """The features that are on."""
    managed = Managed(call)
    return api.ListOrganizationsFeaturesResponse(
        organization_id=managed.id, enabled_features=list(managed.features())
    )


@iam.operation("EnableOrganizationsRootCredentialsManagement")
def enable_root_credentials_management(
    call: Call, request: object
) -> api.EnableOrganizationsRootCredentialsManagementResponse:
    """Let the management account look after the root credentials of members."""
    managed = Managed(call)
    return api.EnableOrganizationsRootCredentialsManagementResponse(
        organization_id=managed.id, enabled_features=managed.switch(CREDENTIALS, True)
    )


@iam.operation("DisableOrganizationsRootCredentialsManagement")
def disable_root_credentials_management(
    call: Call, request: object
) -> api.DisableOrganizationsRootCredentialsManagementResponse:
    """End it."""
    managed = Managed(call)
    return api.DisableOrganizationsRootCredentialsManagementResponse(
        organization_id=managed.id, enabled_features=managed.switch(CREDENTIALS, False)
    )


@iam.operation("EnableOrganizationsRootSessions")
def enable_root_sessions(
    call: Call, request: object
) -> api.EnableOrganizationsRootSessionsResponse:
    """Let the management account take on the root user of members for single tasks
    (sts:AssumeRoot).
    """
    managed = Managed(call)
    return api.EnableOrganizationsRootSessionsResponse(
        organization_id=managed.id, enabled_features=managed.switch(SESSIONS, True)
    )


@iam.operation("DisableOrganizationsRootSessions")
def disable_root_sessions(
    call: Call, request: object
) -> api.DisableOrganizationsRootSessionsResponse:
    """End it."""
    managed = Managed(call)
    return api.DisableOrganizationsRootSessionsResponse(
        organization_id=managed.id, enabled_features=managed.switch(SESSIONS, False)
    )
