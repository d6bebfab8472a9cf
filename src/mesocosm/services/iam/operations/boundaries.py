"""Permissions boundaries: the managed policy that limits what a user or role may be granted."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import on
from mesocosm.services.iam.operations.policies import attachable


def boundary_policy(call: Call, arn: str | None) -> str:
    """The ARN of a managed policy that may serve as a boundary; raises NoSuchEntity. Empty for
    none."""
    if not arn:
        return ""
    attachable(call, arn, f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


def _putting(kind: str) -> object:
    return common.conditions(kind, f"{kind}_name", PermissionsBoundary="permissions_boundary")


@on("user", "PutUserPermissionsBoundary", conditions=_putting("user"))
def put_user_permissions_boundary(
    call: Call, request: api.PutUserPermissionsBoundaryRequest
) -> None:
    """Set or replace a user's boundary."""
    row = common.user(call, request.user_name)
    common.save(call, replace(row, boundary=boundary_policy(call, request.permissions_boundary)))


@on("user", "DeleteUserPermissionsBoundary")
def delete_user_permissions_boundary(
    call: Call, request: api.DeleteUserPermissionsBoundaryRequest
) -> None:
    """Remove a user's boundary; without one nothing changes."""
    common.save(call, replace(common.user(call, request.user_name), boundary=""))


@on("role", "PutRolePermissionsBoundary", conditions=_putting("role"))
def put_role_permissions_boundary(
    call: Call, request: api.PutRolePermissionsBoundaryRequest
) -> None:
    """Set or replace a role's boundary."""
    row = common.open_role(call, request.role_name)
    common.save(call, replace(row, boundary=boundary_policy(call, request.permissions_boundary)))


@on("role", "DeleteRolePermissionsBoundary")
def delete_role_permissions_boundary(
    call: Call, request: api.DeleteRolePermissionsBoundaryRequest
) -> None:
    """Remove a role's boundary; without one nothing changes."""
    common.save(call, replace(common.open_role(call, request.role_name), boundary=""))
