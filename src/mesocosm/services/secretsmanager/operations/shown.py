"""A secret as answers show it."""

from __future__ import annotations

from typing import Any

from mesocosm.api import secretsmanager as api
from mesocosm.services.secretsmanager.resources import Foreign, Found, Secret


def tags_of(row: Secret) -> list[api.Tag] | None:
    """The tags of a secret; None without."""
    return [api.Tag(key=key, value=value) for key, value in row.tags.items()] or None


def stages_of(row: Secret) -> dict[str, list[str]] | None:
    """The versions that bear staging labels; None without."""
    found = {id: list(version.stages) for id, version in row.versions.items() if version.stages}
    return found or None


def _common(found: Found) -> dict[str, Any]:
    row, rotation = found.secret, found.secret.rotation
    shown: dict[str, Any] = {
        "arn": found.arn,
        "name": row.name,
        "description": row.description or None,
        "kms_key_id": row.kms_key_id or None,
        "last_rotated_date": row.rotated or None,
        "last_changed_date": row.changed,
        "last_accessed_date": row.accessed or None,
        "deleted_date": row.removal or None,
        "tags": tags_of(row),
        "created_date": row.created,
        "primary_region": row.primary_region or (found.region if row.replicas else None),
    }
    if rotation is not None:
        shown["rotation_enabled"] = rotation.enabled
        shown["rotation_lambda_arn"] = rotation.function
        shown["rotation_rules"] = api.RotationRulesType(
            automatically_after_days=rotation.days or None,
            duration=rotation.duration or None,
            schedule_expression=rotation.expression or None,
        )
        shown["next_rotation_date"] = rotation.due if rotation.enabled and rotation.due else None
    return shown


def listed(found: Found) -> api.SecretListEntry:
    """A secret in a list."""
    return api.SecretListEntry(**_common(found), secret_versions_to_stages=stages_of(found.secret))


def described(found: Found) -> api.DescribeSecretResponse:
    """A secret by itself."""
    row, primary = found.secret, found.secret.primary
    return api.DescribeSecretResponse(
        **_common(found),
        version_ids_to_stages=stages_of(row),
        replication_status=statuses(row),
        cross_account_primary=api.CrossAccountPrimaryType(
            primary_secret_arn=primary.arn,
            replication_status=primary.status,
            status_message=primary.message or None,
        )
        if primary is not None
        else None,
        cross_account_replicas=[_copy(copy) for copy in row.copies] or None,
    )


def _copy(copy: Foreign) -> api.CrossAccountReplicaEntry:
    return api.CrossAccountReplicaEntry(
        replica_secret_arn=copy.arn,
        replication_role_arn=copy.role or None,
        replication_status=copy.status,
        status_message=copy.message or None,
    )


def statuses(row: Secret) -> list[api.ReplicationStatusType] | None:
    """The replicas of a secret as its primary knows them; None without."""
    return [
        api.ReplicationStatusType(
            region=region,
            kms_key_id=replica.kms_key_id or "alias/aws/secretsmanager",
            status=replica.status,
            status_message=replica.message or None,
        )
        for region, replica in sorted(row.replicas.items())
    ] or None
