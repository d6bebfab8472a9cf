"""Replicas: copies of a secret in other Regions, or in another account, each under a key there.

Source: user guide, "Replicate AWS Secrets Manager secrets across Regions"; API reference,
AssociateCrossAccountReplica.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.regions import REGIONS
from mesocosm.call.service import Need, Values
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import sealing
from mesocosm.services.secretsmanager.operations.opened import (
    flag,
    invalid,
    keys,
    keys_of,
    live,
    own,
    refused,
    save,
    secret_arn,
)
from mesocosm.services.secretsmanager.operations.shown import statuses
from mesocosm.services.secretsmanager.resources import (
    ACCEPT,
    DEFAULT_KEY,
    Foreign,
    Found,
    Replica,
    Secret,
    Value,
    Version,
    look_up,
    no_such_secret,
    secrets,
    values,
)
from mesocosm.wire.errors import AwsError


def regions(wanted: Sequence[api.ReplicaRegionType] | None) -> list[str] | None:
    """The Regions a request names."""
    return [one.region or "" for one in wanted] if wanted else None


# -- copying -----------------------------------------------------------------------------------


def _copied(call: Call, found: Found, to: Found) -> dict[str, Version]:
    """Seal the values of a primary anew for a replica; its versions as they are then."""
    theirs = call.rows(values, found.account, found.region)
    rows = call.rows(values, to.account, to.region)
    name = to.secret.name
    versions: dict[str, Version] = {}
    made: dict[str, Value] = {}
    for id, version in found.secret.versions.items():
        if not version.key or not version.stages:
            continue
        before = to.secret.versions.get(id)
        if before is not None and (name, id) in rows:
            versions[id] = replace(before, stages=version.stages)
            continue
        value = theirs[found.secret.name, id]
        data = sealing.unseal(call, found, id, value.sealed, version.key == DEFAULT_KEY)
        made[id] = Value(sealed=sealing.seal(call, to, id, data), binary=value.binary)
        key = DEFAULT_KEY if sealing.is_managed(to.secret.kms_key_id) else to.secret.kms_key_id
        versions[id] = Version(created=version.created, stages=version.stages, key=key)
    for id in to.secret.versions:
        if id not in versions:
            rows.pop((name, id), None)
    for id, value in made.items():
        rows[name, id] = value
    return versions


def _metadata(row: Secret, source: Secret) -> Secret:
    """What a replica takes from its primary beside the values."""
    return replace(
        row,
        description=source.description,
        tags=source.tags,
        changed=source.changed,
        rotated=source.rotated,
    )


def _to_region(call: Call, found: Found, region: str, replica: Replica, force: bool) -> Replica:
    """Bring a replica up to date; its state then."""
    source = found.secret
    rows = call.rows(secrets, found.account, region)
    there = rows.get(source.name)
    ours = there is not None and (there.primary_region, there.suffix) == (
        found.region,
        source.suffix,
    )
    if there is not None and not ours:
        if not force or there.removal or there.primary_region or there.replicas:
            message = (
                f"Replication failed: Secret name {source.name} already exists in region {region}."
            )
            return replace(replica, status="Failed", message=message)
        kept = call.rows(values, found.account, region)
        for id in there.versions:
            kept.pop((source.name, id), None)
    row = Secret(
        name=source.name, suffix=source.suffix, created=source.created, changed=source.changed
    )
    if ours:
        assert there is not None
        row = there
    else:
        row = replace(row, kms_key_id=replica.kms_key_id, primary_region=found.region)
    to = Found(row, found.account, region)
    try:
        versions = _copied(call, found, to)
    except AwsError as error:
        return replace(replica, status="Failed", message=f"Replication failed: {error.message}")
    row = _metadata(row, source)
    rows[row.name] = replace(
        row, versions=versions, policy=source.policy, principals=source.principals
    )
    return Replica(kms_key_id=row.kms_key_id)


def _to_account(call: Call, found: Found, copy: Foreign) -> Foreign:
    """Bring a replica in another account up to date; how it stands then."""
    to = look_up(call.world, copy.arn)
    if to is None or to.secret.primary is None or copy.status == "Detached":
        return replace(copy, status="Detached")
    try:
        versions = _copied(call, found, to)
    except AwsError as error:
        message = f"Replication failed: {error.message}"
        primary = replace(to.secret.primary, status="Failed", message=message)
        save(call, to, replace(to.secret, primary=primary))
        return replace(copy, status="Failed", message=message)
    primary = replace(to.secret.primary, status="InSync", message="")
    row = replace(to.secret, versions=versions, primary=primary, changed=found.secret.changed)
    save(call, to, row)
    return replace(copy, status="InSync", message="")


def spread(call: Call, found: Found) -> Found:
    """Bring every replica of a secret up to date."""
    row = found.secret
    if not row.replicas and not row.copies:
        return found
    replicas = {
        region: _to_region(call, found, region, replica, False)
        for region, replica in row.replicas.items()
    }
    copies = tuple(_to_account(call, found, copy) for copy in row.copies)
    return save(call, found, replace(row, replicas=replicas, copies=copies))


def replicate(
    call: Call, found: Found, wanted: Sequence[api.ReplicaRegionType], force: bool
) -> Found:
    """Make replicas in further Regions. Raises InvalidParameterException."""
    row = found.secret
    named = [one.region or "" for one in wanted]
    if len(set(named)) < len(named):
        raise invalid("Duplicate regions in AddReplicaRegions.")
    replicas = dict(row.replicas)
    for one in wanted:
        region = one.region or ""
        if region not in REGIONS:
            raise invalid(f"Invalid region {region}.")
        if region == found.region:
            raise invalid("Invalid replica region.")
        if region in replicas and replicas[region].status != "Failed":
            raise invalid(f"Secret is already replicated to region {region}.")
        replica = Replica(kms_key_id=one.kms_key_id or "")
        replicas[region] = _to_region(call, found, region, replica, force)
    return save(call, found, replace(row, replicas=replicas))


def check_deletable(found: Found) -> None:
    """A primary is deleted after its replicas. Raises InvalidRequestException."""
    row = found.secret
    if row.replicas:
        named = ", ".join(sorted(row.replicas))
        raise refused(
            f"You can't delete secret {row.name} that still has replica regions [{named}]"
        )
    if row.primary_region:
        raise refused(
            "Operation not permitted on a replica secret. Call must be made in primary secret's "
            "region."
        )
    attached = [copy for copy in row.copies if copy.status != "Detached"]
    if attached or (row.primary is not None and row.primary.status != "Detached"):
        raise refused(
            f"You can't delete secret {row.name} that takes part in a cross-account replication."
        )


# -- operations --------------------------------------------------------------------------------


def _replicating(call: Call, request: api.ReplicateSecretToRegionsRequest) -> dict[str, Values]:
    return {
        **keys(call, request),
        "secretsmanager:AddReplicaRegions": regions(request.add_replica_regions),
        "secretsmanager:ForceOverwriteReplicaSecret": flag(request.force_overwrite_replica_secret),
    }


@secretsmanager.operation("ReplicateSecretToRegions", resource=secret_arn, conditions=_replicating)
def replicate_secret_to_regions(
    call: Call, request: api.ReplicateSecretToRegionsRequest
) -> api.ReplicateSecretToRegionsResponse:
    """Copy a secret to further Regions; the copies follow it from then on."""
    found = own(call, request.secret_id)
    force = bool(request.force_overwrite_replica_secret)
    found = replicate(call, found, request.add_replica_regions, force)
    return api.ReplicateSecretToRegionsResponse(
        arn=found.arn, replication_status=statuses(found.secret)
    )


@secretsmanager.operation("RemoveRegionsFromReplication", resource=secret_arn, conditions=keys)
def remove_regions_from_replication(
    call: Call, request: api.RemoveRegionsFromReplicationRequest
) -> api.RemoveRegionsFromReplicationResponse:
    """Delete replicas."""
    found = own(call, request.secret_id)
    row = found.secret
    for region in request.remove_replica_regions:
        if region not in row.replicas:
            raise invalid(f"Secret is not replicated to region {region}.")
        there = call.rows(secrets, found.account, region).get(row.name)
        if there is not None and there.primary_region == found.region:
            kept = call.rows(values, found.account, region)
            for id in there.versions:
                kept.pop((row.name, id), None)
            del call.rows(secrets, found.account, region)[row.name]
    gone = set(request.remove_replica_regions)
    replicas = {name: replica for name, replica in row.replicas.items() if name not in gone}
    found = save(call, found, replace(row, replicas=replicas))
    return api.RemoveRegionsFromReplicationResponse(
        arn=found.arn, replication_status=statuses(found.secret)
    )


def _detach(call: Call, found: Found) -> None:
    """Tell the primary of a replica that it is followed no longer."""
    row = found.secret
    if row.primary_region:
        there = call.rows(secrets, found.account, row.primary_region)
        primary = there.get(row.name)
        if primary is not None:
            replicas = {
                region: replica
                for region, replica in primary.replicas.items()
                if region != found.region
            }
            there[row.name] = replace(primary, replicas=replicas)
        return
    other = look_up(call.world, row.primary.arn) if row.primary is not None else None
    if other is not None:
        copies = tuple(
            replace(copy, status="Detached") if copy.arn == found.arn else copy
            for copy in other.secret.copies
        )
        save(call, other, replace(other.secret, copies=copies))


@secretsmanager.operation("StopReplicationToReplica", resource=secret_arn, conditions=keys)
def stop_replication_to_replica(
    call: Call, request: api.StopReplicationToReplicaRequest
) -> api.StopReplicationToReplicaResponse:
    """Make a secret of its own of a replica."""
    found = live(call, request.secret_id)
    row = found.secret
    if not row.primary_region and row.primary is None:
        raise refused("Operation not permitted on a primary secret.")
    _detach(call, found)
    save(call, found, replace(row, primary_region="", primary=None, changed=call.now))
    return api.StopReplicationToReplicaResponse(arn=found.arn)


# -- between accounts ---------------------------------------------------------------------------


def await_primary(call: Call, found: Found, request: api.CreateSecretRequest) -> Found:
    """A new secret that takes its value from one of another account."""
    row, arn = found.secret, request.cross_account_primary_arn or ""
    parts = arn.split(":")
    if request.description or request.secret_string or request.secret_binary is not None:
        raise invalid(
            "You can't specify SecretString, SecretBinary, Description, AddReplicaRegions, or Type "
            "with CrossAccountPrimaryARN."
        )
    if request.add_replica_regions:
        raise invalid("You can't specify AddReplicaRegions with CrossAccountPrimaryARN.")
    if len(parts) != 7 or parts[2] != "secretsmanager" or parts[3] != call.region:
        raise invalid("The primary secret must be in the same Region as the replica secret.")
    if parts[4] == call.account:
        raise invalid("The primary secret must be in another account.")
    if sealing.is_managed(row.kms_key_id):
        raise invalid("A cross-account replica secret needs a customer managed KMS key.")
    return save(call, found, replace(row, primary=Foreign(arn=arn)))


def _accepting(call: Call, request: api.AssociateCrossAccountReplicaRequest) -> list[Need]:
    arn = secret_arn(call, request)
    replica = request.cross_account_replica_arn
    return [
        Need("secretsmanager:GetSecretValue", arn, keys(call, request)),
        Need(ACCEPT, replica, keys_of(call, replica)),
    ]


@secretsmanager.operation(
    "AssociateCrossAccountReplica", resource=secret_arn, conditions=keys, needs=_accepting
)
def associate_cross_account_replica(
    call: Call, request: api.AssociateCrossAccountReplicaRequest
) -> api.AssociateCrossAccountReplicaResponse:
    """Let a secret of another account, made for this, follow one's own."""
    if request.replication_role_arn:
        raise call.not_implemented("replication by a role (ReplicationRoleARN)")
    found = own(call, request.secret_id)
    row, arn = found.secret, request.cross_account_replica_arn
    replica = look_up(call.world, arn)
    if replica is None or replica.region != call.region:
        raise no_such_secret()
    if replica.secret.primary is None or replica.secret.primary.arn != found.arn:
        raise refused("The replica secret was not created for this primary secret.")
    if any(copy.arn != arn and copy.status != "Detached" for copy in row.copies):
        raise AwsError(
            "LimitExceededException", "A secret can have at most one cross-account replica."
        )
    if request.replica_restriction != "NoRestriction":
        _same_organization(call, found.account, replica.account)
    copy = _to_account(call, found, Foreign(arn=arn))
    if copy.status == "Failed":
        raise refused(copy.message)
    save(call, found, replace(row, copies=(copy,)))
    return api.AssociateCrossAccountReplicaResponse(
        arn=found.arn, cross_account_replica_arn=arn, replication_status=copy.status
    )


def _same_organization(call: Call, one: str, other: str) -> None:
    organization = call.cloud.provider("organization")
    places = [organization.membership(account) for account in (one, other)] if organization else []
    names = {place.organization for place in places if place is not None}
    if None in places or len(names) != 1:
        raise refused("The replica account does not belong to the organization of the primary.")


@secretsmanager.operation("DisassociateCrossAccountReplica", resource=secret_arn, conditions=keys)
def disassociate_cross_account_replica(
    call: Call, request: api.DisassociateCrossAccountReplicaRequest
) -> api.DisassociateCrossAccountReplicaResponse:
    """End a replication to another account; what was replicated stays there, detached."""
    found = own(call, request.secret_id)
    arn = request.cross_account_replica_arn
    if all(copy.arn != arn for copy in found.secret.copies):
        raise no_such_secret()
    replica = look_up(call.world, arn)
    if replica is not None and replica.secret.primary is not None:
        primary = replace(replica.secret.primary, status="Detached")
        save(call, replica, replace(replica.secret, primary=primary))
    copies = tuple(copy for copy in found.secret.copies if copy.arn != arn)
    save(call, found, replace(found.secret, copies=copies))
    return api.DisassociateCrossAccountReplicaResponse(arn=found.arn, cross_account_replica_arn=arn)
