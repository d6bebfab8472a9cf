"""Managed policies attached to users, groups and roles."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam.operations import common, policies
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.rules import quotas

Entity = rows.User | rows.Group | rows.Role
_QUOTAS = {"user": "PoliciesPerUser", "group": "PoliciesPerGroup", "role": "PoliciesPerRole"}


def _attach(call: Call, kind: str, row: Entity, arn: str | None) -> None:
    arn = arn or ""
    policies.attachable(call, arn)
    if arn in row.attached:
        return
    quotas.limit(_QUOTAS[kind], len(row.attached), quotas.ATTACHED_PER_ENTITY)
    common.save(call, replace(row, attached=(*row.attached, arn)))


def _detach(call: Call, row: Entity, arn: str | None) -> None:
    if arn not in row.attached:
        policies.checked_arn(arn or "")
        raise common.missing(f"Policy {arn} was not found.")
    kept = tuple(name for name in row.attached if name != arn)
    common.save(call, replace(row, attached=kept))


def attached(names: tuple[str, ...]) -> list[api.AttachedPolicy]:
    """Attached policies as answers carry them."""
    return [api.AttachedPolicy(policy_name=arn.rpartition("/")[2], policy_arn=arn) for arn in names]


def _list(request: Any, row: Entity) -> dict[str, Any]:
    found = []
    for arn in row.attached:
        name = arns.split(arn)
        if name is not None and common.under(name.path, request.path_prefix):
            found.append(arn)
    chosen, marker = paged(request, found, lambda arn: f"{arn.rpartition('/')[2]} {arn}")
    return {
        "attached_policies": attached(tuple(chosen)),
        "is_truncated": marker is not None,
        "marker": marker,
    }


def _attaching(kind: str) -> Any:
    return common.conditions(kind, f"{kind}_name", PolicyARN="policy_arn")


@on("user", "AttachUserPolicy", conditions=_attaching("user"))
def attach_user_policy(call: Call, request: api.AttachUserPolicyRequest) -> None:
    """Attach a managed policy to a user."""
    _attach(call, "user", common.user(call, request.user_name), request.policy_arn)


@on("user", "DetachUserPolicy", conditions=_attaching("user"))
def detach_user_policy(call: Call, request: api.DetachUserPolicyRequest) -> None:
    """Detach a managed policy from a user."""
    _detach(call, common.user(call, request.user_name), request.policy_arn)


@on("user", "ListAttachedUserPolicies")
def list_attached_user_policies(
    call: Call, request: api.ListAttachedUserPoliciesRequest
) -> api.ListAttachedUserPoliciesResponse:
    """The managed policies attached to a user."""
    row = common.user(call, request.user_name)
    return api.ListAttachedUserPoliciesResponse(**_list(request, row))


@on("group", "AttachGroupPolicy", conditions=_attaching("group"))
def attach_group_policy(call: Call, request: api.AttachGroupPolicyRequest) -> None:
    """Attach a managed policy to a group."""
    _attach(call, "group", common.group(call, request.group_name), request.policy_arn)


@on("group", "DetachGroupPolicy", conditions=_attaching("group"))
def detach_group_policy(call: Call, request: api.DetachGroupPolicyRequest) -> None:
    """Detach a managed policy from a group."""
    _detach(call, common.group(call, request.group_name), request.policy_arn)


@on("group", "ListAttachedGroupPolicies")
def list_attached_group_policies(
    call: Call, request: api.ListAttachedGroupPoliciesRequest
) -> api.ListAttachedGroupPoliciesResponse:
    """The managed policies attached to a group."""
    row = common.group(call, request.group_name)
    return api.ListAttachedGroupPoliciesResponse(**_list(request, row))


@on("role", "AttachRolePolicy", conditions=_attaching("role"))
def attach_role_policy(call: Call, request: api.AttachRolePolicyRequest) -> None:
    """Attach a managed policy to a role."""
    _attach(call, "role", common.open_role(call, request.role_name), request.policy_arn)


@on("role", "DetachRolePolicy", conditions=_attaching("role"))
def detach_role_policy(call: Call, request: api.DetachRolePolicyRequest) -> None:
    """Detach a managed policy from a role."""
    _detach(call, common.open_role(call, request.role_name), request.policy_arn)


@on("role", "ListAttachedRolePolicies")
def list_attached_role_policies(
    call: Call, request: api.ListAttachedRolePoliciesRequest
) -> api.ListAttachedRolePoliciesResponse:
    """The managed policies attached to a role."""
    row = common.role(call, request.role_name)
    return api.ListAttachedRolePoliciesResponse(**_list(request, row))
