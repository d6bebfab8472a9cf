"""Roles, their trust policies and tags."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.boundaries import boundary_policy
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import arns, principals, rows
from mesocosm.services.iam.rules import documents, quotas, tags
from mesocosm.wire.errors import AwsError

RESERVED_PATHS = ("/aws-service-role/", "/aws-reserved/")
USE_SHOWN_FOR = 400 * 86_400  # IAM shows a role's last use within the last 400 days

_new_role = common.made("role", "role_name")


def trust_text(call: Call, row: rows.Role) -> str:
    """A role's trust policy as answers carry it: principals that are gone show as ids;
    URL-encoded."""
    return documents.encoded(principals.shown(call.world, row.trust, row.principals))


def last_used(call: Call, row: rows.Role) -> api.RoleLastUsed:
    """When the role was used last; empty if never within the period that IAM follows."""
    use = call.rows(rows.role_uses).get(row.id)
    if use is None or call.now - use.time > USE_SHOWN_FOR:
        return api.RoleLastUsed()
    return api.RoleLastUsed(last_used_date=use.time, region=use.region)


def shape(call: Call, row: rows.Role, *, full: bool = True) -> api.Role:
    """A role as answers carry it; lists leave tags, boundary and last use out."""
    return api.Role(
        path=row.path,
        role_name=row.name,
        role_id=row.id,
        arn=arns.arn_of(call.account, "role", row),
        create_date=row.created,
        assume_role_policy_document=trust_text(call, row),
        description=row.description,
        max_session_duration=row.max_session,
        permissions_boundary=common.boundary(row.boundary) if full else None,
        tags=common.tag_list(row.tags) if full and row.tags else None,
        role_last_used=last_used(call, row) if full else None,
    )


def checked_trust(call: Call, document: str | None) -> tuple[str, dict[str, str]]:
    """A trust policy, checked, and the unique ids of those it names."""
    text = documents.checked(document or "", "trust")
    if quotas.size(text) > quotas.TRUST_POLICY_SIZE:
        message = f"Cannot exceed quota for ACLSizePerRole: {quotas.TRUST_POLICY_SIZE}"
        raise AwsError("LimitExceeded", message)
    return text, principals.resolved(call.world, text)


@iam.operation(
    "CreateRole",
    resource=_new_role,
    conditions={"iam:PermissionsBoundary": lambda _, request: request.permissions_boundary},
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagRole", _new_role),
)
def create_role(call: Call, request: api.CreateRoleRequest) -> api.CreateRoleResponse:
    """Make a role."""
    roles, name, path = call.rows(rows.roles), request.role_name or "", request.path or "/"
    if path.startswith(RESERVED_PATHS):
        raise AwsError("ValidationError", f"The specified value for path is reserved: {path}")
    if name.lower() in roles:
        raise common.exists(f"Role with name {name} already exists.")
    quotas.limit("RolesPerAccount", sum(not row.service for row in roles.values()), quotas.ROLES)
    text, ids = checked_trust(call, request.assume_role_policy_document)
    row = rows.Role(
        name=name,
        id=common.unique(call, "AROA"),
        path=path,
        created=common.instant(call),
        trust=text,
        principals=ids,
        description=request.description,
        max_session=request.max_session_duration or 3600,
        tags=tags.checked(request.tags),
        boundary=boundary_policy(call, request.permissions_boundary),
    )
    roles[name.lower()] = row
    created = shape(call, row)
    created.role_last_used = None
    return api.CreateRoleResponse(role=created)


@on("role", "GetRole")
def get_role(call: Call, request: api.GetRoleRequest) -> api.GetRoleResponse:
    """One role."""
    return api.GetRoleResponse(role=shape(call, common.role(call, request.role_name)))


@iam.operation("ListRoles", resource=common.below("role"))
def list_roles(call: Call, request: api.ListRolesRequest) -> api.ListRolesResponse:
    """The roles below a path."""
    cell = call.rows(rows.roles)
    found = [row for row in cell.values() if common.under(row.path, request.path_prefix)]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListRolesResponse(
        roles=[shape(call, row, full=False) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("role", "UpdateAssumeRolePolicy")
def update_assume_role_policy(call: Call, request: api.UpdateAssumeRolePolicyRequest) -> None:
    """Replace a role's trust policy."""
    row = common.open_role(call, request.role_name)
    text, ids = checked_trust(call, request.policy_document)
    common.save(call, replace(row, trust=text, principals=ids))


@on("role", "UpdateRole")
def update_role(call: Call, request: api.UpdateRoleRequest) -> api.UpdateRoleResponse:
    """Change description and longest session (an hour unless given, as the API reference has
    it)."""
    row = common.open_role(call, request.role_name)
    description = row.description if request.description is None else request.description
    longest = request.max_session_duration or 3600
    common.save(call, replace(row, description=description, max_session=longest))
    return api.UpdateRoleResponse()


@on("role", "UpdateRoleDescription")
def update_role_description(
    call: Call, request: api.UpdateRoleDescriptionRequest
) -> api.UpdateRoleDescriptionResponse:
    """Change the description (also of a service-linked role)."""
    row = replace(common.role(call, request.role_name), description=request.description)
    common.save(call, row)
    return api.UpdateRoleDescriptionResponse(role=shape(call, row))


@on("role", "DeleteRole")
def delete_role(call: Call, request: api.DeleteRoleRequest) -> None:
    """Delete a role without policies that is in no instance profile."""
    row = common.open_role(call, request.role_name)
    key = row.name.lower()
    if call.rows(rows.instance_profiles).find(rows.profiles_by_role, key):
        raise common.conflict(
            "Cannot delete entity, must remove roles from instance profile first."
        )
    if row.attached:
        raise common.conflict("Cannot delete entity, must detach all policies first.")
    if row.inline:
        raise common.conflict("Cannot delete entity, must delete policies first.")
    del call.rows(rows.roles)[key]


@on("role", "TagRole", tags=lambda request: tags.given(request.tags))
def tag_role(call: Call, request: api.TagRoleRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = common.open_role(call, request.role_name)
    common.save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@on("role", "UntagRole", tag_keys=lambda request: request.tag_keys)
def untag_role(call: Call, request: api.UntagRoleRequest) -> None:
    """Remove tags."""
    row = common.open_role(call, request.role_name)
    common.save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@on("role", "ListRoleTags")
def list_role_tags(call: Call, request: api.ListRoleTagsRequest) -> api.ListRoleTagsResponse:
    """A role's tags."""
    row = common.role(call, request.role_name)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key or "")
    return api.ListRoleTagsResponse(tags=found, is_truncated=marker is not None, marker=marker)
