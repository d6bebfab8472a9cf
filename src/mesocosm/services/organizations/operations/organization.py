"""The organization itself and its root."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as iam_api
from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.call.moments import iso
from mesocosm.iam import Principal
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.operations import common
from mesocosm.services.organizations.operations.common import MANAGEMENT, MEMBER, READ, on
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.wire.errors import AwsError

LINKED_ROLE = "organizations.amazonaws.com"


def shape(of: tree.Tree, row: rows.Organization) -> api.Organization:
    """An organization as answers carry it. AWS keeps the deprecated list of policy types as it once
    was.
    """
    types = [api.PolicyTypeSummary(type="SERVICE_CONTROL_POLICY", status="ENABLED")]
    return api.Organization(
        id=row.id,
        arn=tree.organization_arn(row),
        feature_set=row.features,
        master_account_arn=tree.account_arn(row, row.management),
        master_account_id=row.management,
        master_account_email=of.accounts[row.management].email,
        available_policy_types=types if row.features == "ALL" else [],
    )


def root_shape(row: rows.Organization) -> api.Root:
    """The root as answers carry it."""
    return api.Root(
        id=row.root,
        arn=tree.root_arn(row),
        name="Root",
        policy_types=[api.PolicyTypeSummary(type=kind, status="ENABLED") for kind in row.types],
    )


def standing_account(call: Call, account: str) -> rows.Account:
    """What is known of an account: one that appeared at its first use has a name and an address
    made from its id.
    """
    return common.world_tree(call).accounts.get(account) or rows.appeared(account)


def link_role(call: Call, account: str, principal: Principal | None = None) -> None:
    """Make AWSServiceRoleForOrganizations in an account that has none."""
    arn = (
        f"arn:aws:iam::{account}:role/aws-service-role/{LINKED_ROLE}/AWSServiceRoleForOrganizations"
    )
    if call.cloud.provider("identity").role(arn) is not None:
        return
    try:
        call.invoke(
            "iam",
            "CreateServiceLinkedRole",
            iam_api.CreateServiceLinkedRoleRequest(
                aws_service_name=LINKED_ROLE,
                description="Service-linked role used by AWS Organizations to enable integration "
                "of other AWS services with Organizations.",
            ),
            principal=principal,
            account=account,
        )
    except AwsError as error:
        if error.code != "AccessDenied":
            raise
        raise AwsError(
            "AccessDeniedForDependencyException",
            "The request failed because your credentials do not have permission to create the "
            "service-linked role required by AWS Organizations.",
            Reason="ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE",
        ) from error


def joined(call: Call, organization: rows.Organization, account: str, method: str) -> None:
    """Tell the management account that it has a new member."""
    call.event(
        "AccountJoinedOrganization",
        account=organization.management,
        accountId=account,
        organizationId=organization.id,
        joinedMethod=method,
        joinedTime=iso(call.now),
    )


@organizations.operation("CreateOrganization")
def create_organization(
    call: Call, request: api.CreateOrganizationRequest
) -> api.CreateOrganizationResponse:
    """Make the caller's account the management account of a new organization."""
    of = common.world_tree(call)
    if of.of(call.account) is not None:
        raise AwsError(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        )
    account = standing_account(call, call.account)
    link_role(call, call.account)
    row = rows.Organization(
        id=common.new_id(call, "o-", 10),
        root=common.new_id(call, "r-", 4),
        management=call.account,
        created=call.now,
        features=request.feature_set or "ALL",
    )
    while of.units.find(rows.units_under, row.root) or any(
        other.root == row.root for other in of.organizations.values()
    ):
        row = replace(row, root=common.new_id(call, "r-", 4))
    of.organizations[row.id] = row
    of.accounts[call.account] = replace(
        account, organization=row.id, parent=row.root, joined=call.now, method="INVITED"
    )
    return api.CreateOrganizationResponse(organization=shape(of, row))


@on("DescribeOrganization", MEMBER)
def describe_organization(call: Call, request: object) -> api.DescribeOrganizationResponse:
    """The organization of the caller's account."""
    of, row = common.here(call)
    return api.DescribeOrganizationResponse(organization=shape(of, row))


@on("DeleteOrganization", MANAGEMENT)
def delete_organization(call: Call, request: object) -> None:
    """End an organization that has only its management account left."""
    of, row = common.here(call)
    if (
        len(of.members(row)) > 1
        or of.units.find(rows.units_of, row.id)
        or of.policies.find(rows.policies_of, row.id)
    ):
        raise AwsError(
            "OrganizationNotEmptyException",
            "The organization isn't empty. To delete an organization, you must first remove all "
            "accounts except the management account.",
        )
    for key in list(of.handshakes.find(rows.handshakes_of, row.id)):
        if of.handshakes[key].state in ("OPEN", "REQUESTED"):
            of.handshakes[key] = replace(of.handshakes[key], state="CANCELED")
    for creation in list(of.creations.find(rows.creations_of, row.id)):
        del of.creations[creation]
    of.resource_policies.pop(row.id, None)
    for attachment in list(of.attachments.find(rows.attached_to, row.root)):
        del of.attachments[attachment]
    for attachment in list(of.attachments.find(rows.attached_to, row.management)):
        del of.attachments[attachment]
    account = of.accounts[row.management]
    of.accounts[row.management] = replace(account, organization="", parent="", tags={})
    del of.organizations[row.id]


@on("ListRoots", READ)
def list_roots(call: Call, request: api.ListRootsRequest) -> api.ListRootsResponse:
    """The one root."""
    _, row = common.here(call)
    found, token = common.paged(request, [row], lambda row: row.root)
    return api.ListRootsResponse(roots=[root_shape(row) for row in found], next_token=token)
