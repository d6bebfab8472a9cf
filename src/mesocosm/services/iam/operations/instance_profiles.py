"""Instance profiles: what hands a role to an instance."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common, roles
from mesocosm.services.iam.operations.common import paged
from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.rules import quotas, tags

KIND = "instance-profile"
_named = common.named(KIND, "instance_profile_name")
_new = common.made(KIND, "instance_profile_name")


def profile(call: Call, name: str | None) -> rows.InstanceProfile:
    """The instance profile of that name; raises NoSuchEntity."""
    found = call.rows(rows.instance_profiles).get((name or "").lower())
    if found is None:
        raise common.missing(f"Instance Profile {name} cannot be found.")
    return found


def shape(call: Call, row: rows.InstanceProfile, *, full: bool = True) -> api.InstanceProfile:
    """An instance profile as answers carry it, with its role."""
    role = call.rows(rows.roles)[row.role] if row.role else None
    return api.InstanceProfile(
        path=row.path,
        instance_profile_name=row.name,
        instance_profile_id=row.id,
        arn=arns.arn_of(call.account, KIND, row),
        create_date=row.created,
        roles=[roles.shape(call, role, full=False)] if role is not None else [],
        tags=common.tag_list(row.tags) if full else None,
    )


def _save(call: Call, row: rows.InstanceProfile) -> None:
    call.rows(rows.instance_profiles)[row.name.lower()] = row


@iam.operation(
    "CreateInstanceProfile",
    resource=_new,
    tags=lambda request: tags.given(request.tags),
    needs=common.tagging("TagInstanceProfile", _new),
)
def create_instance_profile(
    call: Call, request: api.CreateInstanceProfileRequest
) -> api.CreateInstanceProfileResponse:
    """Make an instance profile without a role."""
    cell, name = call.rows(rows.instance_profiles), request.instance_profile_name or ""
    if name.lower() in cell:
        raise common.exists(f"Instance Profile {name} already exists.")
    quotas.limit("InstanceProfilesPerAccount", len(cell), quotas.INSTANCE_PROFILES)
    row = rows.InstanceProfile(
        name=name,
        id=common.unique(call, "AIPA"),
        path=request.path or "/",
        created=common.instant(call),
        tags=tags.checked(request.tags),
    )
    _save(call, row)
    return api.CreateInstanceProfileResponse(instance_profile=shape(call, row))


@iam.operation("GetInstanceProfile", resource=_named)
def get_instance_profile(
    call: Call, request: api.GetInstanceProfileRequest
) -> api.GetInstanceProfileResponse:
    """One instance profile."""
    row = profile(call, request.instance_profile_name)
    return api.GetInstanceProfileResponse(instance_profile=shape(call, row))


@iam.operation("ListInstanceProfiles", resource=common.below("instance-profile"))
def list_instance_profiles(
    call: Call, request: api.ListInstanceProfilesRequest
) -> api.ListInstanceProfilesResponse:
    """The instance profiles below a path."""
    cell = call.rows(rows.instance_profiles)
    found = [row for row in cell.values() if common.under(row.path, request.path_prefix)]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListInstanceProfilesResponse(
        instance_profiles=[shape(call, row, full=False) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


@common.on("role", "ListInstanceProfilesForRole")
def list_instance_profiles_for_role(
    call: Call, request: api.ListInstanceProfilesForRoleRequest
) -> api.ListInstanceProfilesForRoleResponse:
    """The instance profiles that hold a role."""
    role, cell = common.role(call, request.role_name), call.rows(rows.instance_profiles)
    found = [cell[key] for key in cell.find(rows.profiles_by_role, role.name.lower())]
    chosen, marker = paged(request, found, lambda row: row.name)
    return api.ListInstanceProfilesForRoleResponse(
        instance_profiles=[shape(call, row, full=False) for row in chosen],
        is_truncated=marker is not None,
        marker=marker,
    )


def _passing(call: Call, request: api.AddRoleToInstanceProfileRequest) -> list[Need]:
    passed = {"iam:PassedToService": "ec2.amazonaws.com"}
    return [Need("iam:PassRole", common.arn_for(call, "role", request.role_name), passed)]


@iam.operation("AddRoleToInstanceProfile", resource=_named, needs=_passing)
def add_role_to_instance_profile(call: Call, request: api.AddRoleToInstanceProfileRequest) -> None:
    """Put a role into an instance profile, which holds one at most."""
    row = profile(call, request.instance_profile_name)
    role = common.open_role(call, request.role_name)
    quotas.limit("InstanceSessionsPerInstanceProfile", 1 if row.role else 0, 1)
    _save(call, replace(row, role=role.name.lower()))


@iam.operation("RemoveRoleFromInstanceProfile", resource=_named)
def remove_role_from_instance_profile(
    call: Call, request: api.RemoveRoleFromInstanceProfileRequest
) -> None:
    """Take the role out of an instance profile."""
    row = profile(call, request.instance_profile_name)
    role = common.open_role(call, request.role_name)
    if row.role != role.name.lower():
        raise common.missing(
            f"Role {role.name} is not associated with instance profile {row.name}."
        )
    _save(call, replace(row, role=""))


@iam.operation("DeleteInstanceProfile", resource=_named)
def delete_instance_profile(call: Call, request: api.DeleteInstanceProfileRequest) -> None:
    """Delete an instance profile without a role."""
    row = profile(call, request.instance_profile_name)
    if row.role:
        raise common.conflict(
            "Cannot delete entity, must remove roles from instance profile first."
        )
    del call.rows(rows.instance_profiles)[row.name.lower()]


@iam.operation("TagInstanceProfile", resource=_named, tags=lambda request: tags.given(request.tags))
def tag_instance_profile(call: Call, request: api.TagInstanceProfileRequest) -> None:
    """Add tags, or replace those of the same key."""
    row = profile(call, request.instance_profile_name)
    _save(call, replace(row, tags=tags.merged(row.tags, request.tags)))


@iam.operation(
    "UntagInstanceProfile",
    resource=_named,
    tag_keys=lambda request: request.tag_keys,
)
def untag_instance_profile(call: Call, request: api.UntagInstanceProfileRequest) -> None:
    """Remove tags."""
    row = profile(call, request.instance_profile_name)
    _save(call, replace(row, tags=tags.without(row.tags, request.tag_keys)))


@iam.operation("ListInstanceProfileTags", resource=_named)
def list_instance_profile_tags(
    call: Call, request: api.ListInstanceProfileTagsRequest
) -> api.ListInstanceProfileTagsResponse:
    """An instance profile's tags."""
    row = profile(call, request.instance_profile_name)
    found, marker = paged(request, common.tag_list(row.tags), lambda tag: tag.key or "")
    return api.ListInstanceProfileTagsResponse(
        tags=found, is_truncated=marker is not None, marker=marker
    )
