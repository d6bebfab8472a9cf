"""Organizational units, and what lies below and above."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations.operations import accounts, common
from mesocosm.services.organizations.operations.common import MANAGEMENT, READ, on, targeted
from mesocosm.services.organizations.operations.policies import attach_defaults, detach_all
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError


def shape(of: tree.Tree, organization: rows.Organization, row: rows.Unit) -> api.OrganizationalUnit:
    """A unit as answers carry it."""
    return api.OrganizationalUnit(
        id=row.id,
        arn=tree.unit_arn(organization, row.id),
        name=row.name,
        path=of.path(organization, row.id) + "/",
    )


def _unit(of: tree.Tree, organization: rows.Organization, name: str) -> rows.Unit:
    found = of.unit(organization, name)
    if found is None:
        raise common.missing("OrganizationalUnit")
    return found


def _free(of: tree.Tree, parent: str, name: str) -> None:
    if any(unit.name == name for unit in of.units_in(parent)):
        raise AwsError(
            "DuplicateOrganizationalUnitException", "An OU with the same name already exists."
        )


@on(
    "CreateOrganizationalUnit",
    MANAGEMENT,
    targeted("parent_id"),
    tagging=True,
)
def create_organizational_unit(
    call: Call, request: api.CreateOrganizationalUnitRequest
) -> api.CreateOrganizationalUnitResponse:
    """Make a unit below the root or another unit, at most five deep."""
    of, organization = common.here(call)
    common.parent(of, organization, request.parent_id)
    _free(of, request.parent_id, request.name)
    if len(of.line(organization, request.parent_id)) > quotas.UNIT_DEPTH:
        raise common.constraint(
            "OU_DEPTH_LIMIT_EXCEEDED",
            "You have exceeded the number of levels of nested organizational units.",
        )
    if len(of.units.find(rows.units_of, organization.id)) >= quotas.UNITS:
        raise common.constraint(
            "OU_NUMBER_LIMIT_EXCEEDED",
            "You have exceeded the number of organizational units you can have.",
        )
    row = rows.Unit(
        id=common.new_id(call, f"ou-{organization.root[2:]}-", 8),
        organization=organization.id,
        parent=request.parent_id,
        name=request.name,
        tags=common.checked_tags(request.tags),
    )
    of.units[row.id] = row
    attach_defaults(call, of, organization, row.id)
    return api.CreateOrganizationalUnitResponse(organizational_unit=shape(of, organization, row))


@on("DescribeOrganizationalUnit", READ, targeted("organizational_unit_id"))
def describe_organizational_unit(
    call: Call, request: api.DescribeOrganizationalUnitRequest
) -> api.DescribeOrganizationalUnitResponse:
    """One unit."""
    of, organization = common.here(call)
    row = _unit(of, organization, request.organizational_unit_id)
    return api.DescribeOrganizationalUnitResponse(organizational_unit=shape(of, organization, row))


@on("UpdateOrganizationalUnit", MANAGEMENT, targeted("organizational_unit_id"))
def update_organizational_unit(
    call: Call, request: api.UpdateOrganizationalUnitRequest
) -> api.UpdateOrganizationalUnitResponse:
    """Rename a unit."""
    of, organization = common.here(call)
    row = _unit(of, organization, request.organizational_unit_id)
    if request.name is not None and request.name != row.name:
        _free(of, row.parent, request.name)
        row = of.units[row.id] = replace(row, name=request.name)
    return api.UpdateOrganizationalUnitResponse(organizational_unit=shape(of, organization, row))


@on("DeleteOrganizationalUnit", MANAGEMENT, targeted("organizational_unit_id"))
def delete_organizational_unit(call: Call, request: api.DeleteOrganizationalUnitRequest) -> None:
    """Delete an empty unit."""
    of, organization = common.here(call)
    row = _unit(of, organization, request.organizational_unit_id)
    if of.units_in(row.id) or of.accounts_in(row.id):
        raise AwsError(
            "OrganizationalUnitNotEmptyException",
            "The specified OU is not empty. Move all accounts to another root or to other OUs, "
            "remove all child OUs, and try the operation again.",
        )
    detach_all(of, row.id)
    del of.units[row.id]


@on("ListOrganizationalUnitsForParent", READ, targeted("parent_id"))
def list_organizational_units_for_parent(
    call: Call, request: api.ListOrganizationalUnitsForParentRequest
) -> api.ListOrganizationalUnitsForParentResponse:
    """The units right below."""
    of, organization = common.here(call)
    common.parent(of, organization, request.parent_id)
    found, token = common.paged(request, of.units_in(request.parent_id), lambda row: row.id)
    return api.ListOrganizationalUnitsForParentResponse(
        organizational_units=[shape(of, organization, row) for row in found], next_token=token
    )


@on("ListAccountsForParent", READ, targeted("parent_id"))
def list_accounts_for_parent(
    call: Call, request: api.ListAccountsForParentRequest
) -> api.ListAccountsForParentResponse:
    """The accounts right below."""
    of, organization = common.here(call)
    common.parent(of, organization, request.parent_id)
    found, token = common.paged(request, of.accounts_in(request.parent_id), lambda row: row.id)
    return api.ListAccountsForParentResponse(
        accounts=[accounts.shape(of, organization, row) for row in found], next_token=token
    )


@on("ListChildren", READ, targeted("parent_id"))
def list_children(call: Call, request: api.ListChildrenRequest) -> api.ListChildrenResponse:
    """The ids of the units or of the accounts right below."""
    of, organization = common.here(call)
    common.parent(of, organization, request.parent_id)
    if request.child_type == "ACCOUNT":
        names = [row.id for row in of.accounts_in(request.parent_id)]
    else:
        names = [row.id for row in of.units_in(request.parent_id)]
    found, token = common.paged(request, names, str)
    return api.ListChildrenResponse(
        children=[api.Child(id=name, type=request.child_type) for name in found],
        next_token=token,
    )


@on("ListParents", READ, targeted("child_id"))
def list_parents(call: Call, request: api.ListParentsRequest) -> api.ListParentsResponse:
    """The one root or unit right above."""
    of, organization = common.here(call)
    row = of.node(organization, request.child_id)
    if row is None or isinstance(row, rows.Organization):
        raise common.missing("Child")
    kind = "ROOT" if row.parent == organization.root else "ORGANIZATIONAL_UNIT"
    return api.ListParentsResponse(parents=[api.Parent(id=row.parent, type=kind)])
