"""Access keys: the long-term credentials of users and of the root user."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.call.keys import access_key_id
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import in_order, on
from mesocosm.services.iam.resources import rows
from mesocosm.services.iam.rules import quotas
from mesocosm.wire.errors import AwsError
from mesocosm.world import Rows

SECRET_LENGTH = 40


def _cell(call: Call) -> Rows[str, rows.AccessKey]:
    return call.rows(rows.access_keys, *rows.PARTITION_WIDE)


def owner(call: Call, given: str | None) -> tuple[str, str]:
    """The key and the name of the user an operation is about; both empty for the root user."""
    name = common.own_name(call, given)
    if not name:
        return "", ""
    found = common.user(call, name)
    return found.name.lower(), found.name


def _key(call: Call, given: str | None, key_id: str | None) -> rows.AccessKey:
    """A key of a user; without a name the caller's, or (by the root user) whoever's it is in the
    account."""
    found = _cell(call).get(key_id or "")
    user = "" if given is None and found is None else owner(call, given)[0]
    if found is None or (found.account, found.user) != (call.account, user):
        raise common.missing(f"The Access Key with id {key_id} cannot be found.")
    return found


@on("user", "CreateAccessKey")
def create_access_key(
    call: Call, request: api.CreateAccessKeyRequest
) -> api.CreateAccessKeyResponse:
    """Make an access key; its secret is given this once."""
    user, name = owner(call, request.user_name)
    cell = _cell(call)
    held = cell.find(rows.keys_by_owner, (call.account, user))
    quotas.limit("AccessKeysPerUser", len(held), quotas.ACCESS_KEYS_PER_USER)
    row = rows.AccessKey(
        id=access_key_id(call.ids, "AKIA"),
        secret=call.ids.secret(SECRET_LENGTH),
        account=call.account,
        user=user,
        created=common.instant(call),
    )
    cell[row.id] = row
    return api.CreateAccessKeyResponse(
        access_key=api.AccessKey(
            user_name=name,
            access_key_id=row.id,
            status="Active",
            secret_access_key=row.secret,
            create_date=row.created,
        )
    )


@on("user", "ListAccessKeys")
def list_access_keys(call: Call, request: api.ListAccessKeysRequest) -> api.ListAccessKeysResponse:
    """The access keys of a user, without their secrets."""
    user, name = owner(call, request.user_name)
    cell = _cell(call)
    found = [cell[key] for key in cell.find(rows.keys_by_owner, (call.account, user))]
    chosen, marker = in_order(request, found)
    return api.ListAccessKeysResponse(
        access_key_metadata=[
            api.AccessKeyMetadata(
                user_name=name,
                access_key_id=row.id,
                status="Active" if row.active else "Inactive",
                create_date=row.created,
            )
            for row in chosen
        ],
        is_truncated=marker is not None,
        marker=marker,
    )


@on("user", "UpdateAccessKey")
def update_access_key(call: Call, request: api.UpdateAccessKeyRequest) -> None:
    """Switch an access key on or off."""
    row = _key(call, request.user_name, request.access_key_id)
    if request.status == "Expired":
        raise AwsError("InvalidInput", "Status Expired is not valid for an access key.")
    _cell(call)[row.id] = replace(row, active=request.status == "Active")


@on("user", "DeleteAccessKey")
def delete_access_key(call: Call, request: api.DeleteAccessKeyRequest) -> None:
    """Delete an access key: it is unknown at the next call."""
    row = _key(call, request.user_name, request.access_key_id)
    del _cell(call)[row.id]
    call.rows(rows.key_uses, *rows.PARTITION_WIDE).pop(row.id, None)


def _key_owner(call: Call, request: api.GetAccessKeyLastUsedRequest) -> str:
    row = _cell(call).get(request.access_key_id or "")
    if row is None or row.account != call.account or not row.user:
        return "*"
    return common.arn_for(call, "user", row.user)


@iam.operation("GetAccessKeyLastUsed", resource=_key_owner)
def get_access_key_last_used(
    call: Call, request: api.GetAccessKeyLastUsedRequest
) -> api.GetAccessKeyLastUsedResponse:
    """Where and when a key was used last; N/A if it never was."""
    key_id = request.access_key_id or ""
    row = _cell(call).get(key_id)
    if row is None or row.account != call.account:
        # IAM tells nothing of keys of other accounts.
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: iam:GetAccessKeyLastUsed "
            f"on resource: access key {key_id}",
            status=403,
        )
    use = call.rows(rows.key_uses, *rows.PARTITION_WIDE).get(key_id)
    return api.GetAccessKeyLastUsedResponse(
        user_name=call.rows(rows.users)[row.user].name if row.user else "",
        access_key_last_used=api.AccessKeyLastUsed(
            last_used_date=use.time if use else None,
            service_name=use.service if use else "N/A",
            region=use.region if use else "N/A",
        ),
    )
