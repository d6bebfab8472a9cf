"""Groups and their members."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, users
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.rules import quotas


def shape(call: Call, row: rows.Group) -> api.Group:
    """A group as answers carry it."""
    return api.Group(
        path=row.path,
        group_name=row.name,
        group_id=row.id,
        arn=arns.arn_of(call.account, "group", row),
        create_date=row.created,
    )


def members(call: Call, key: str) -> list[rows.User]:
    """The users of a group."""
    return [row for row in call.rows(rows.users).values() if key in row.groups]


@iam.operation("CreateGroup", resource=common.made("group", "group_name"))
def create_group(call: Call, request: api.CreateGroupRequest) -> api.CreateGroupResponse:
    """Make a group."""
    groups = call.rows(rows.groups)
    name = request.group_name or ""
    if name.lower() in groups:
        raise common.exists(f"Group with name {name} already exists.")
    quotas.limit("GroupsPerAccount", len(groups), quotas.GROUPS)
    row = rows.Group(
        name=name,
        id=common.unique(call, "AGPA"),
        path=request.path or "/",
        created=common.instant(call),
    )
    groups[name.lower()] = row
    return api.CreateGroupResponse(group=shape(call, row))


@on("group", "GetGroup")
def get_group(call: Call, request: api.GetGroupRequest) -> api.GetGroupResponse:
    """A group and a page of its users."""
    row = common.group(call, request.group_name)
    found = members(call, row.name.lower())
    chosen, marker = paged(request, found, lambda user: user.name)
    return api.GetGroupResponse(
        group=shape(call, row),
        users=[users.shape(call, user, full=False) for user in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@iam.operation("ListGroups", resource=common.below("group"))
def list_groups(call: Call, request: api.ListGroupsRequest) -> api.ListGroupsResponse:
    """The groups below a path."""
    cell = call.rows(rows.groups)
    found = [row for row in cell.values() if common.under(row.path, request.path_prefix)]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListGroupsResponse(
        groups=[shape(call, row) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "ListGroupsForUser")
def list_groups_for_user(
    call: Call, request: api.ListGroupsForUserRequest
) -> api.ListGroupsForUserResponse:
    """The groups a user belongs to."""
    user, groups = common.user(call, request.user_name), call.rows(rows.groups)
    chosen, marker = paged(request, [groups[key] for key in user.groups], lambda row: row.name)
    return api.ListGroupsForUserResponse(
        groups=[shape(call, row) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("group", "UpdateGroup")
def update_group(call: Call, request: api.UpdateGroupRequest) -> None:
    """Rename or move a group."""
    row = common.group(call, request.group_name)
    groups, old = call.rows(rows.groups), row.name.lower()
    name = request.new_group_name or row.name
    new = name.lower()
    if new != old and new in groups:
        raise common.exists(f"Group with name {name} already exists.")
    if new != old:
        del groups[old]
        for user in members(call, old):
            keys = tuple(new if key == old else key for key in user.groups)
            common.save(call, replace(user, groups=keys))
    groups[new] = replace(row, name=name, path=request.new_path or row.path)


@on("group", "DeleteGroup")
def delete_group(call: Call, request: api.DeleteGroupRequest) -> None:
    """Delete a group without users and policies."""
    row = common.group(call, request.group_name)
    key = row.name.lower()
    if members(call, key):
        raise common.conflict("Cannot delete entity, must remove users from group first.")
    if row.attached:
        raise common.conflict("Cannot delete entity, must detach all policies first.")
    if row.inline:
        raise common.conflict("Cannot delete entity, must delete policies first.")
    del call.rows(rows.groups)[key]


@on("group", "AddUserToGroup")
def add_user_to_group(call: Call, request: api.AddUserToGroupRequest) -> None:
    """Make a user a member; nothing changes if it is one."""
    group = common.group(call, request.group_name)
    user, key = common.user(call, request.user_name), group.name.lower()
    if key in user.groups:
        return
    quotas.limit("GroupsPerUser", len(user.groups), quotas.GROUPS_PER_USER)
    common.save(call, replace(user, groups=(*user.groups, key)))


@on("group", "RemoveUserFromGroup")
def remove_user_from_group(call: Call, request: api.RemoveUserFromGroupRequest) -> None:
    """Take a user out of a group; nothing changes if it is not in it."""
    group = common.group(call, request.group_name)
    user, key = common.user(call, request.user_name), group.name.lower()
    if key in user.groups:
        kept = tuple(name for name in user.groups if name != key)
        common.save(call, replace(user, groups=kept))
