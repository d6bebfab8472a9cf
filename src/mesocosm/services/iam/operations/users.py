"""Users and their tags."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.boundaries import boundary_policy
from mesocosm.services.iam.operations.common import on, paged
from mesocosm.services.iam.resources import accounts, arns, credentials, rows
from mesocosm.services.iam.rules import quotas, tags

_new_user = common.made("user", "user_name")


def shape(call: Call, row: rows.User, *, full: bool = True) -> api.User:
    """A user as answers carry it; lists leave tags and boundary out."""
    last = call.rows(credentials.login_profiles).get(row.name.lower())
    return api.User(
        path=row.path,
        user_name=row.name,
        user_id=row.id,
        arn=arns.arn_of(call.account, "user", row),
        create_date=row.created,
        password_last_used=last.used if last else None,
        permissions_boundary=common.boundary(row.boundary) if full else None,
        tags=common.tag_list(row.tags) if full and row.tags else None,
    )


@iam.operation(
    "CreateUser",
    resource=_new_user,
    conditions={"iam:PermissionsBoundary": lambda _, request: request.permissions_boundary},
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagUser", _new_user),
)
def create_user(call: Call, request: api.CreateUserRequest) -> api.CreateUserResponse:
    """Make a user."""
    users = call.rows(rows.users)
    name = request.user_name or ""
    if name.lower() in users:
        raise common.exists(f"User with name {name} already exists.")
    quotas.limit("UsersPerAccount", len(users), quotas.USERS)
    row = rows.User(
        name=name,
        id=common.unique(call, "AIDA"),
        path=request.path or "/",
        created=common.instant(call),
        tags=tags.checked(request.tags),
        boundary=boundary_policy(call, request.permissions_boundary),
    )
    users[name.lower()] = row
    return api.CreateUserResponse(user=shape(call, row))


@on("user", "GetUser")
def get_user(call: Call, request: api.GetUserRequest) -> api.GetUserResponse:
    """One user; without a name the caller, who may be the root user."""
    name = common.own_name(call, request.user_name)
    if not name:
        account = accounts.of(call)
        return api.GetUserResponse(
            user=api.User(
                path="/",
                user_name="",
                user_id=call.account,
                arn=f"arn:aws:iam::{call.account}:root",
                create_date=account.created or call.now,
            )
        )
    return api.GetUserResponse(user=shape(call, common.user(call, name)))


@iam.operation("ListUsers", resource=common.below("user"))
def list_users(call: Call, request: api.ListUsersRequest) -> api.ListUsersResponse:
    """The users below a path."""
    found = [
        row for row in call.rows(rows.users).values() if common.under(row.path, request.path_prefix)
    ]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListUsersResponse(
        users=[shape(call, row, full=False) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "UpdateUser")
def update_user(call: Call, request: api.UpdateUserRequest) -> None:
    """Rename or move a user; what belongs to it goes along."""
    row = common.user(call, request.user_name)
    old, users = row.name.lower(), call.rows(rows.users)
    name = request.new_user_name or row.name
    new = name.lower()
    if new != old and new in users:
        raise common.exists(f"User with name {name} already exists.")
    if new != old:
        del users[old]
        credentials.renamed(call, old, new)
    users[new] = replace(row, name=name, path=request.new_path or row.path)


@on("user", "DeleteUser")
def delete_user(call: Call, request: api.DeleteUserRequest) -> None:
    """Delete a user that holds nothing any more."""
    row = common.user(call, request.user_name)
    what = _held(call, row)
    if what:
        raise common.conflict(f"Cannot delete entity, must {what} first.")
    del call.rows(rows.users)[row.name.lower()]


def _held(call: Call, row: rows.User) -> str:
    """What must be done before a user can be deleted."""
    key = row.name.lower()
    if row.groups:
        return "remove users from group"
    if row.attached:
        return "detach all policies"
    if row.inline:
        return "delete policies"
    if call.rows(rows.access_keys, *rows.PARTITION_WIDE).find(
        rows.keys_by_owner, (call.account, key)
    ):
        return "delete access keys"
    return credentials.held(call, key)


@on("user", "TagUser", tags=lambda request: tags.given(request.tags))
def tag_user(call: Call, request: api.TagUserRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = common.user(call, request.user_name)
    common.save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@on("user", "UntagUser", tag_keys=lambda request: request.tag_keys)
def untag_user(call: Call, request: api.UntagUserRequest) -> None:
    """Remove tags."""
    row = common.user(call, request.user_name)
    common.save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@on("user", "ListUserTags")
def list_user_tags(call: Call, request: api.ListUserTagsRequest) -> api.ListUserTagsResponse:
    """A user's tags."""
    row = common.user(call, request.user_name)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key or "")
    return api.ListUserTagsResponse(tags=found, is_truncated=marker is not None, marker=marker)
