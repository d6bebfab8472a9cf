"""Trusted access of services, delegated administrators, and the delegation policy."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.iam import PolicyError, parse
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.accounts import STATES
from mesocosm.services.organizations.operations.common import MANAGEMENT, READ, on, targeted
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError

_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")
_named = {"organizations:ServicePrincipal": lambda _, request: request.service_principal}


def _service(name: str) -> str:
    if not _SERVICE.fullmatch(name):
        raise common.invalid(
            "UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal."
        )
    return name


# -- trusted access --------------------------------------------------------------------------------


@on("EnableAWSServiceAccess", MANAGEMENT, conditions=_named)
def enable_aws_service_access(call: Call, request: api.EnableAWSServiceAccessRequest) -> None:
    """Trust a service; nothing changes if it is trusted."""
    of, organization = common.here(call)
    name = _service(request.service_principal)
    if organization.features != "ALL":
        raise common.constraint(
            "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
            "Your organization must have all features enabled to perform this operation.",
        )
    if name not in organization.trusted:
        trusted = {**organization.trusted, name: call.now}
        of.organizations[organization.id] = replace(organization, trusted=trusted)


@on("DisableAWSServiceAccess", MANAGEMENT, conditions=_named)
def disable_aws_service_access(call: Call, request: api.DisableAWSServiceAccessRequest) -> None:
    """Trust a service no longer; its delegated administrators must have been deregistered."""
    of, organization = common.here(call)
    name = _service(request.service_principal)
    if any(
        of.delegations[key].service == name
        for key in of.delegations.find(rows.delegations_of, organization.id)
    ):
        raise common.constraint(
            "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
            "You must deregister all delegated administrators for this service before you can "
            "disable trusted access.",
        )
    trusted = {key: since for key, since in organization.trusted.items() if key != name}
    if trusted != organization.trusted:
        of.organizations[organization.id] = replace(organization, trusted=trusted)


@on("ListAWSServiceAccessForOrganization", READ)
def list_aws_service_access(
    call: Call, request: api.ListAWSServiceAccessForOrganizationRequest
) -> api.ListAWSServiceAccessForOrganizationResponse:
    """The services that are trusted."""
    _, organization = common.here(call)
    found, token = common.paged(request, organization.trusted, str)
    return api.ListAWSServiceAccessForOrganizationResponse(
        enabled_service_principals=[
            api.EnabledServicePrincipal(
                service_principal=name, date_enabled=organization.trusted[name]
            )
            for name in found
        ],
        next_token=token,
    )


# -- delegated administrators ----------------------------------------------------------------------


@on("RegisterDelegatedAdministrator", MANAGEMENT, targeted("account_id"), conditions=_named)
def register_delegated_administrator(
    call: Call, request: api.RegisterDelegatedAdministratorRequest
) -> None:
    """Let a member administer a service for the organization; that makes the service trusted."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    name = _service(request.service_principal)
    if row.id == organization.management:
        raise common.constraint(
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register master account/yourself as delegated administrator for your "
            "organization.",
        )
    if row.status != "ACTIVE":
        raise common.constraint(
            "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
            "You can't register a suspended account as a delegated administrator.",
        )
    key = (row.id, name)
    if key in of.delegations:
        raise AwsError(
            "AccountAlreadyRegisteredException",
            "The provided account is already a delegated administrator for your organization.",
        )
    if name not in organization.trusted:
        trusted = {**organization.trusted, name: call.now}
        of.organizations[organization.id] = replace(organization, trusted=trusted)
    first = min((held.first for held in of.delegated(row.id)), default=call.now)
    of.delegations[key] = rows.Delegation(
        organization=organization.id, account=row.id, service=name, since=call.now, first=first
    )


@on("DeregisterDelegatedAdministrator", MANAGEMENT, targeted("account_id"), conditions=_named)
def deregister_delegated_administrator(
    call: Call, request: api.DeregisterDelegatedAdministratorRequest
) -> None:
    """End a delegation."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    key = (row.id, _service(request.service_principal))
    if of.delegations.pop(key, None) is None:
        raise AwsError(
            "AccountNotRegisteredException",
            "The provided account is not a registered delegated administrator for your "
            "organization.",
        )


@on(
    "ListDelegatedAdministrators",
    READ,
    conditions=_named,
)
def list_delegated_administrators(
    call: Call, request: api.ListDelegatedAdministratorsRequest
) -> api.ListDelegatedAdministratorsResponse:
    """The accounts that administer something, or a certain service."""
    of, organization = common.here(call)
    held = [
        of.delegations[key]
        for key in of.delegations.find(rows.delegations_of, organization.id)
        if request.service_principal in (None, of.delegations[key].service)
    ]
    since: dict[str, float] = {}
    for row in held:
        since[row.account] = min(row.first, since.get(row.account, row.first))
    found, token = common.paged(request, since, str)
    shapes = []
    for name in found:
        account = common.member(of, organization, name)
        shapes.append(
            api.DelegatedAdministrator(
                id=name,
                arn=tree.account_arn(organization, name),
                email=account.email,
                name=account.name,
                status=account.status,
                state=STATES[account.status],
                joined_method=account.method,
                joined_timestamp=account.joined,
                delegation_enabled_date=since[name],
            )
        )
    return api.ListDelegatedAdministratorsResponse(
        delegated_administrators=shapes, next_token=token
    )


@on("ListDelegatedServicesForAccount", READ, targeted("account_id"))
def list_delegated_services_for_account(
    call: Call, request: api.ListDelegatedServicesForAccountRequest
) -> api.ListDelegatedServicesForAccountResponse:
    """What an account administers."""
    of, organization = common.here(call)
    row = common.member(of, organization, request.account_id)
    held = of.delegated(row.id)
    if not held:
        raise AwsError(
            "AccountNotRegisteredException",
            "The provided account is not a registered delegated administrator for your "
            "organization.",
        )
    found, token = common.paged(request, held, lambda row: row.service)
    return api.ListDelegatedServicesForAccountResponse(
        delegated_services=[
            api.DelegatedService(service_principal=row.service, delegation_enabled_date=row.since)
            for row in found
        ],
        next_token=token,
    )


# -- the delegation policy -------------------------------------------------------------------------


def _shape(organization: rows.Organization, row: rows.ResourcePolicy) -> api.ResourcePolicy:
    return api.ResourcePolicy(
        resource_policy_summary=api.ResourcePolicySummary(
            id=row.id, arn=tree.resource_policy_arn(organization, row.id)
        ),
        content=row.content,
    )


def _own(_: Call, of: tree.Tree, organization: rows.Organization, __: Any) -> str:
    row = of.resource_policies.get(organization.id)
    return tree.resource_policy_arn(organization, row.id if row is not None else "rp-*")


@on("PutResourcePolicy", MANAGEMENT, _own, tagging=True)
def put_resource_policy(
    call: Call, request: api.PutResourcePolicyRequest
) -> api.PutResourcePolicyResponse:
    """Make or replace the policy that lets members manage policies."""
    of, organization = common.here(call)
    if len(request.content) > quotas.RESOURCE_POLICY_CHARACTERS:
        raise common.constraint(
            "POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size."
        )
    try:
        parse(request.content, "resource", check=True)
    except PolicyError as error:
        raise common.invalid(
            "INVALID_RESOURCE_POLICY_JSON",
            "The provided resource policy document is not a valid JSON policy document.",
        ) from error
    row = of.resource_policies.get(organization.id)
    if row is None:
        row = rows.ResourcePolicy(
            id=common.new_id(call, "rp-", 8),
            content=request.content,
            tags=common.checked_tags(request.tags),
        )
    elif request.tags:
        raise common.invalid(
            "INVALID_LIST_MEMBER",
            "You can't add tags while updating an existing resource policy: use TagResource.",
        )
    else:
        row = replace(row, content=request.content)
    of.resource_policies[organization.id] = row
    return api.PutResourcePolicyResponse(resource_policy=_shape(organization, row))


def _held(of: tree.Tree, organization: rows.Organization) -> rows.ResourcePolicy:
    found = of.resource_policies.get(organization.id)
    if found is None:
        raise AwsError(
            "ResourcePolicyNotFoundException",
            "We can't find a resource policy request with the parameter that you specified.",
        )
    return found


@on("DescribeResourcePolicy", READ)
def describe_resource_policy(call: Call, request: object) -> api.DescribeResourcePolicyResponse:
    """The delegation policy."""
    of, organization = common.here(call)
    row = _held(of, organization)
    return api.DescribeResourcePolicyResponse(resource_policy=_shape(organization, row))


@on("DeleteResourcePolicy", MANAGEMENT)
def delete_resource_policy(call: Call, request: object) -> None:
    """Delete the delegation policy."""
    of, organization = common.here(call)
    _held(of, organization)
    del of.resource_policies[organization.id]
