"""GetAccountAuthorizationDetails and ListEntitiesForPolicy: everything with its policies at
once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, instance_profiles, policies, roles
from mesocosm.services.iam.operations.attachments import attached
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources import arns, managed, rows
from mesocosm.services.iam.rules import documents

Detail = tuple[str, str, Callable[[], Any]]
"""The kind, the order, and the making of one entry of a page."""


def _inline(row: rows.User | rows.Group | rows.Role) -> list[api.PolicyDetail]:
    return [
        api.PolicyDetail(policy_name=name, policy_document=documents.encoded(text))
        for name, text in row.inline.items()
    ]


def _user(call: Call, row: rows.User) -> api.UserDetail:
    cell = call.rows(rows.groups)
    return api.UserDetail(
        path=row.path,
        user_name=row.name,
        user_id=row.id,
        arn=arns.arn_of(call.account, "user", row),
        create_date=row.created,
        user_policy_list=_inline(row) or None,
        group_list=[cell[key].name for key in row.groups],
        attached_managed_policies=attached(row.attached),
        permissions_boundary=common.boundary(row.boundary),
        tags=common.tag_list(row.tags) or None,
    )


def _group(call: Call, row: rows.Group) -> api.GroupDetail:
    return api.GroupDetail(
        path=row.path,
        group_name=row.name,
        group_id=row.id,
        arn=arns.arn_of(call.account, "group", row),
        create_date=row.created,
        group_policy_list=_inline(row),
        attached_managed_policies=attached(row.attached),
    )


def _role(call: Call, row: rows.Role) -> api.RoleDetail:
    cell = call.rows(rows.instance_profiles)
    held = cell.find(rows.profiles_by_role, row.name.lower())
    return api.RoleDetail(
        path=row.path,
        role_name=row.name,
        role_id=row.id,
        arn=arns.arn_of(call.account, "role", row),
        create_date=row.created,
        assume_role_policy_document=roles.trust_text(call, row),
        instance_profile_list=[
            instance_profiles.shape(call, cell[key], full=False) for key in held
        ],
        role_policy_list=_inline(row),
        attached_managed_policies=attached(row.attached),
        permissions_boundary=common.boundary(row.boundary),
        tags=common.tag_list(row.tags),
        role_last_used=roles.last_used(call, row),
    )


def _policy(call: Call, whole: api.Policy) -> api.ManagedPolicyDetail:
    found, default = policies.versions(call, whole.arn)
    return api.ManagedPolicyDetail(
        policy_name=whole.policy_name,
        policy_id=whole.policy_id,
        arn=whole.arn,
        path=whole.path,
        default_version_id=whole.default_version_id,
        attachment_count=whole.attachment_count,
        permissions_boundary_usage_count=whole.permissions_boundary_usage_count,
        is_attachable=whole.is_attachable,
        create_date=whole.create_date,
        update_date=whole.update_date,
        policy_version_list=[
            policies.version_shape(version, default, document=True) for version in found
        ],
    )


def _details(call: Call, wanted: set[str]) -> Iterator[Detail]:
    """Everything wanted; AWS's policies as far as they are attached."""
    if "User" in wanted:
        for user in call.rows(rows.users).values():
            yield "User", user.name, partial(_user, call, user)
    if "Group" in wanted:
        for group in call.rows(rows.groups).values():
            yield "Group", group.name, partial(_group, call, group)
    if "Role" in wanted:
        for role in call.rows(rows.roles).values():
            yield "Role", role.name, partial(_role, call, role)
    uses = policies.Uses(call)
    if "LocalManagedPolicy" in wanted:
        for row in call.rows(rows.policies).values():
            yield "Policy", row.name, partial(_policy, call, policies.shape(call, row, uses))
    if "AWSManagedPolicy" in wanted:
        for arn in {*uses.attached, *uses.boundary}:
            found = managed.policy(arn)
            if found is not None:
                whole = policies.aws_shape(arn.rpartition("/")[2], found, uses)
                yield "Policy", arn, partial(_policy, call, whole)


ALL = {"User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"}


@iam.operation("GetAccountAuthorizationDetails")
def get_account_authorization_details(
    call: Call, request: api.GetAccountAuthorizationDetailsRequest
) -> api.GetAccountAuthorizationDetailsResponse:
    """Users, groups, roles and policies with all that they grant, page by page."""
    wanted = set(request.filter or ()) or ALL
    chosen, marker = paged(
        request, _details(call, wanted), lambda detail: f"{detail[0]} {detail[1]}"
    )
    made: dict[str, list[Any]] = {"User": [], "Group": [], "Role": [], "Policy": []}
    for kind, _, make in chosen:
        made[kind].append(make())
    return api.GetAccountAuthorizationDetailsResponse(
        user_detail_list=made["User"],
        group_detail_list=made["Group"],
        role_detail_list=made["Role"],
        policies=made["Policy"],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("ListEntitiesForPolicy", resource=common.given_arn("policy_arn"))
def list_entities_for_policy(
    call: Call, request: api.ListEntitiesForPolicyRequest
) -> api.ListEntitiesForPolicyResponse:
    """Who has a managed policy, attached or as a boundary."""
    arn = request.policy_arn
    policies.versions(call, arn)  # NoSuchEntity if there is none
    usage, kind = request.policy_usage_filter, request.entity_filter
    found: list[tuple[str, rows.User | rows.Group | rows.Role]] = []
    cells: tuple[tuple[str, Any], ...] = (
        ("Group", rows.groups),
        ("Role", rows.roles),
        ("User", rows.users),
    )
    for name, table in cells:
        if kind not in (None, name):
            continue
        for row in call.rows(table).values():
            attached_here = usage != "PermissionsBoundary" and arn in row.attached
            bounding = usage != "PermissionsPolicy" and getattr(row, "boundary", "") == arn
            if (attached_here or bounding) and common.under(row.path, request.path_prefix):
                found.append((name, row))
    chosen, marker = paged(request, found, lambda entry: f"{entry[0]} {entry[1].name}")
    of_kind = {name: [row for kind, row in chosen if kind == name] for name, _ in cells}
    return api.ListEntitiesForPolicyResponse(
        policy_groups=[
            api.PolicyGroup(group_name=row.name, group_id=row.id) for row in of_kind["Group"]
        ],
        policy_users=[
            api.PolicyUser(user_name=row.name, user_id=row.id) for row in of_kind["User"]
        ],
        policy_roles=[
            api.PolicyRole(role_name=row.name, role_id=row.id) for row in of_kind["Role"]
        ],
        is_truncated=marker is not None,
        marker=marker,
    )
