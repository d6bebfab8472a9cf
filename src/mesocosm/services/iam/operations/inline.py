"""Inline policies of users, groups and roles."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import rows
from mesocosm.services.iam.rules import documents

Entity = rows.User | rows.Group | rows.Role


def _put(call: Call, kind: str, row: Entity, name: str | None, document: str | None) -> None:
    name = name or ""
    others = {key: text for key, text in row.inline.items() if key != name}
    text = documents.checked_inline(document or "", others, kind, row.name)
    common.save(call, replace(row, inline=row.inline | {name: text}))


def _get(kind: str, row: Entity, name: str | None) -> str:
    found = row.inline.get(name or "")
    if found is None:
        raise common.missing(f"The {kind} policy with name {name} cannot be found.")
    return documents.encoded(found)


def _delete(call: Call, kind: str, row: Entity, name: str | None) -> None:
    _get(kind, row, name)
    kept = {key: text for key, text in row.inline.items() if key != name}
    common.save(call, replace(row, inline=kept))


def _list(request: Any, row: Entity) -> dict[str, Any]:
    names, marker = paged(request, row.inline, lambda name: name)
    return {"policy_names": names, "is_truncated": marker is not None, "marker": marker}


@on("user", "PutUserPolicy")
def put_user_policy(call: Call, request: api.PutUserPolicyRequest) -> None:
    """Make or replace an inline policy of a user."""
    row = common.user(call, request.user_name)
    _put(call, "user", row, request.policy_name, request.policy_document)


@on("user", "GetUserPolicy")
def get_user_policy(call: Call, request: api.GetUserPolicyRequest) -> api.GetUserPolicyResponse:
    """An inline policy of a user."""
    row = common.user(call, request.user_name)
    text = _get("user", row, request.policy_name)
    return api.GetUserPolicyResponse(
        user_name=row.name, policy_name=request.policy_name, policy_document=text
    )


@on("user", "DeleteUserPolicy")
def delete_user_policy(call: Call, request: api.DeleteUserPolicyRequest) -> None:
    """Delete an inline policy of a user."""
    _delete(call, "user", common.user(call, request.user_name), request.policy_name)


@on("user", "ListUserPolicies")
def list_user_policies(
    call: Call, request: api.ListUserPoliciesRequest
) -> api.ListUserPoliciesResponse:
    """The names of a user's inline policies."""
    row = common.user(call, request.user_name)
    return api.ListUserPoliciesResponse(**_list(request, row))


@on("group", "PutGroupPolicy")
def put_group_policy(call: Call, request: api.PutGroupPolicyRequest) -> None:
    """Make or replace an inline policy of a group."""
    row = common.group(call, request.group_name)
    _put(call, "group", row, request.policy_name, request.policy_document)


@on("group", "GetGroupPolicy")
def get_group_policy(call: Call, request: api.GetGroupPolicyRequest) -> api.GetGroupPolicyResponse:
    """An inline policy of a group."""
    row = common.group(call, request.group_name)
    text = _get("group", row, request.policy_name)
    return api.GetGroupPolicyResponse(
        group_name=row.name, policy_name=request.policy_name, policy_document=text
    )


@on("group", "DeleteGroupPolicy")
def delete_group_policy(call: Call, request: api.DeleteGroupPolicyRequest) -> None:
    """Delete an inline policy of a group."""
    _delete(call, "group", common.group(call, request.group_name), request.policy_name)


@on("group", "ListGroupPolicies")
def list_group_policies(
    call: Call, request: api.ListGroupPoliciesRequest
) -> api.ListGroupPoliciesResponse:
    """The names of a group's inline policies."""
    row = common.group(call, request.group_name)
    return api.ListGroupPoliciesResponse(**_list(request, row))


@on("role", "PutRolePolicy")
def put_role_policy(call: Call, request: api.PutRolePolicyRequest) -> None:
    """Make or replace an inline policy of a role."""
    row = common.open_role(call, request.role_name)
    _put(call, "role", row, request.policy_name, request.policy_document)


@on("role", "GetRolePolicy")
def get_role_policy(call: Call, request: api.GetRolePolicyRequest) -> api.GetRolePolicyResponse:
    """An inline policy of a role."""
    row = common.role(call, request.role_name)
    text = _get("role", row, request.policy_name)
    return api.GetRolePolicyResponse(
        role_name=row.name, policy_name=request.policy_name, policy_document=text
    )


@on("role", "DeleteRolePolicy")
def delete_role_policy(call: Call, request: api.DeleteRolePolicyRequest) -> None:
    """Delete an inline policy of a role."""
    _delete(call, "role", common.open_role(call, request.role_name), request.policy_name)


@on("role", "ListRolePolicies")
def list_role_policies(
    call: Call, request: api.ListRolePoliciesRequest
) -> api.ListRolePoliciesResponse:
    """The names of a role's inline policies."""
    row = common.role(call, request.role_name)
    return api.ListRolePoliciesResponse(**_list(request, row))
