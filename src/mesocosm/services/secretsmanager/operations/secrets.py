"""Secrets: making, changing, describing, deleting and restoring them; their tags."""

from __future__ import annotations

import re

from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.service import Need, Values
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import replication, values
from mesocosm.services.secretsmanager.operations.opened import (
    DAY,
    changed,
    check_tags,
    flag,
    invalid,
    keys,
    known,
    live,
    new_arn,
    own,
    refused,
    save,
    secret_arn,
)
from mesocosm.services.secretsmanager.operations.shown import described, statuses
from mesocosm.services.secretsmanager.resources import (
    SUFFIX,
    Found,
    Secret,
    arn_of,
    find,
    no_such_secret,
    secrets,
)
from mesocosm.services.secretsmanager.resources import values as sealed_values
from mesocosm.wire.errors import AwsError

NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
WINDOW_DAYS = 30


# -- making ------------------------------------------------------------------------------------


def _tags(request: api.CreateSecretRequest | api.TagResourceRequest) -> dict[str, str]:
    return {tag.key or "": tag.value or "" for tag in request.tags or []}


def _creating(call: Call, request: api.CreateSecretRequest) -> dict[str, Values]:
    tags = {f"secretsmanager:ResourceTag/{key}": value for key, value in _tags(request).items()}
    return {
        "secretsmanager:Name": request.name,
        "secretsmanager:Description": request.description,
        "secretsmanager:KmsKeyId": request.kms_key_id,
        "secretsmanager:KmsKeyArn": values.key_arn(call, request.kms_key_id),
        "secretsmanager:AddReplicaRegions": replication.regions(request.add_replica_regions),
        "secretsmanager:ForceOverwriteReplicaSecret": flag(request.force_overwrite_replica_secret),
        "secretsmanager:Type": request.type,
        **tags,
    }


def _further(call: Call, request: api.CreateSecretRequest) -> list[Need]:
    arn = new_arn(call, request.name)
    needs = []
    if request.tags:
        needs.append(Need("secretsmanager:TagResource", arn, _creating(call, request)))
    if request.add_replica_regions:
        needs.append(Need("secretsmanager:ReplicateSecretToRegions", arn, _creating(call, request)))
    if request.cross_account_primary_arn:
        needs.append(Need("secretsmanager:PutResourcePolicy", arn, _creating(call, request)))
    return needs


@secretsmanager.operation(
    "CreateSecret",
    resource=lambda call, request: new_arn(call, request.name),
    conditions=_creating,
    tags=_tags,
    needs=_further,
)
def create_secret(call: Call, request: api.CreateSecretRequest) -> api.CreateSecretResponse:
    """Make a secret, and its first version when a value is given."""
    if not NAME.fullmatch(request.name):
        raise AwsError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
            "following: -/_+=.@!",
        )
    if request.type:
        raise call.not_implemented("a secret of a partner (Type)")
    given = values.given(request.secret_string, request.secret_binary)
    check_tags(_tags(request))
    existing = call.rows(secrets).get(request.name)
    if existing is not None:
        return _again(call, Found(existing, call.account, call.region), request, given)
    row = Secret(
        name=request.name,
        suffix=call.ids.alphanumeric(SUFFIX),
        created=call.now,
        changed=call.now,
        description=request.description or "",
        kms_key_id=request.kms_key_id or "",
        tags=_tags(request),
    )
    found = save(call, Found(row, call.account, call.region), row)
    if request.cross_account_primary_arn:
        found = replication.await_primary(call, found, request)
        return api.CreateSecretResponse(arn=found.arn, name=row.name)
    version = None
    if given is not None:
        version = values.token(request.client_request_token)
        found = values.add(call, found, version, given, None)
    replicas = None
    if request.add_replica_regions:
        force = bool(request.force_overwrite_replica_secret)
        found = replication.replicate(call, found, request.add_replica_regions, force)
        replicas = statuses(found.secret)
    return api.CreateSecretResponse(
        arn=found.arn, name=row.name, version_id=version, replication_status=replicas
    )


def _again(
    call: Call, found: Found, request: api.CreateSecretRequest, given: values.Given | None
) -> api.CreateSecretResponse:
    """A secret of that name is there: the same call once more is answered in the same way."""
    row, version = found.secret, request.client_request_token or ""
    if row.removal:
        raise refused(
            "You can't create this secret because a secret with this name is already scheduled for "
            "deletion."
        )
    if given is None or version not in row.versions:
        raise AwsError(
            "ResourceExistsException",
            f"The operation failed because the secret {row.name} already exists.",
        )
    values.same(call, found, version, given)
    return api.CreateSecretResponse(arn=found.arn, name=row.name, version_id=version)


# -- changing ------------------------------------------------------------------------------------


def _updating(call: Call, request: api.UpdateSecretRequest) -> dict[str, Values]:
    return {
        **keys(call, request),
        "secretsmanager:Description": request.description,
        "secretsmanager:KmsKeyId": request.kms_key_id,
        "secretsmanager:KmsKeyArn": values.key_arn(call, request.kms_key_id),
        "secretsmanager:Type": request.type,
    }


@secretsmanager.operation("UpdateSecret", resource=secret_arn, conditions=_updating)
def update_secret(call: Call, request: api.UpdateSecretRequest) -> api.UpdateSecretResponse:
    """Change what is given; a value makes a new version. Of a replica only the key may change."""
    if request.type:
        raise call.not_implemented("a secret of a partner (Type)")
    given = values.given(request.secret_string, request.secret_binary)
    only_key = given is None and request.description is None and request.kms_key_id is not None
    found = live(call, request.secret_id) if only_key else own(call, request.secret_id)
    if request.description is not None:
        found = save(call, found, changed(call, found.secret, description=request.description))
    if request.kms_key_id is not None and request.kms_key_id != found.secret.kms_key_id:
        found = values.rekey(call, found, request.kms_key_id)
    version = None
    if given is not None:
        version = values.token(request.client_request_token)
        if version in found.secret.versions:
            raise values.token_used(found, version)
        found = values.add(call, found, version, given, None)
    found = replication.spread(call, found)
    return api.UpdateSecretResponse(arn=found.arn, name=found.secret.name, version_id=version)


@secretsmanager.operation("TagResource", resource=secret_arn, conditions=keys, tags=_tags)
def tag_resource(call: Call, request: api.TagResourceRequest) -> None:
    """Add tags, or change the values of those there."""
    found = own(call, request.secret_id)
    tags = {**found.secret.tags, **_tags(request)}
    check_tags(tags)
    replication.spread(call, save(call, found, changed(call, found.secret, tags=tags)))


@secretsmanager.operation(
    "UntagResource",
    resource=secret_arn,
    conditions=keys,
    tag_keys=lambda request: request.tag_keys,
)
def untag_resource(call: Call, request: api.UntagResourceRequest) -> None:
    """Take tags away; those that are not there are no error."""
    found = own(call, request.secret_id)
    gone = set(request.tag_keys)
    tags = {key: value for key, value in found.secret.tags.items() if key not in gone}
    replication.spread(call, save(call, found, changed(call, found.secret, tags=tags)))


# -- seeing ------------------------------------------------------------------------------------


@secretsmanager.operation("DescribeSecret", resource=secret_arn, conditions=keys)
def describe_secret(call: Call, request: api.DescribeSecretRequest) -> api.DescribeSecretResponse:
    """Everything about a secret but its value."""
    return described(known(call, request.secret_id))


# -- deleting ------------------------------------------------------------------------------------


def _deleting(call: Call, request: api.DeleteSecretRequest) -> dict[str, Values]:
    days = request.recovery_window_in_days
    return {
        **keys(call, request),
        "secretsmanager:RecoveryWindowInDays": None if days is None else str(days),
        "secretsmanager:ForceDeleteWithoutRecovery": flag(request.force_delete_without_recovery),
    }


@secretsmanager.operation("DeleteSecret", resource=secret_arn, conditions=_deleting)
def delete_secret(call: Call, request: api.DeleteSecretRequest) -> api.DeleteSecretResponse:
    """Mark a secret for deletion at the end of a recovery window, or delete it at once."""
    days, force = request.recovery_window_in_days, bool(request.force_delete_without_recovery)
    if force and days is not None:
        raise invalid(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        )
    if days is not None and not 7 <= days <= WINDOW_DAYS:
        raise invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    found = find(call, request.secret_id)
    if found is None:
        if not force or request.secret_id.startswith("arn:"):
            raise no_such_secret()
        absent = Secret(
            name=request.secret_id,
            suffix=call.ids.alphanumeric(SUFFIX),
            created=call.now,
            changed=call.now,
        )
        arn = arn_of(call.region, call.account, absent)
        return api.DeleteSecretResponse(arn=arn, name=absent.name, deletion_date=call.now)
    row = found.secret
    if row.removal and not force:
        raise refused(
            "You can't perform this operation on the secret because it was already scheduled for "
            "deletion."
        )
    replication.check_deletable(found)
    if force:
        remove(call, found)
        return api.DeleteSecretResponse(arn=found.arn, name=row.name, deletion_date=call.now)
    removal = call.now + (days or WINDOW_DAYS) * DAY
    save(call, found, changed(call, row, removal=removal))
    call.timers.at(removal, secretsmanager.name, "remove", row.name, found.account, found.region)
    return api.DeleteSecretResponse(arn=found.arn, name=row.name, deletion_date=removal)


def remove(call: Call, found: Found) -> None:
    """Delete a secret with all its versions, for good."""
    row = found.secret
    for timer in ("remove", "rotate"):
        call.timers.cancel(secretsmanager.name, timer, row.name, found.account, found.region)
    rows = call.rows(sealed_values, found.account, found.region)
    for version in row.versions:
        rows.pop((row.name, version), None)
    del call.rows(secrets, found.account, found.region)[row.name]


@secretsmanager.operation("RestoreSecret", resource=secret_arn, conditions=keys)
def restore_secret(call: Call, request: api.RestoreSecretRequest) -> api.RestoreSecretResponse:
    """Take a deletion back."""
    found = known(call, request.secret_id)
    row = found.secret
    if row.removal:
        call.timers.cancel(secretsmanager.name, "remove", row.name, found.account, found.region)
        save(call, found, changed(call, row, removal=0.0))
    return api.RestoreSecretResponse(arn=found.arn, name=row.name)
