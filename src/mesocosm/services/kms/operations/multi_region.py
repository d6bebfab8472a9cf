"""Multi-Region keys: a primary and its replicas have one key id and the same key material.

Source: KMS developer guide, "Multi-Region keys in AWS KMS". What members share is written to every
member at once: there is no time in between, so the states Creating and Updating do not show.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.regions import REGIONS
from mesocosm.call.service import Need
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.describing import metadata
from mesocosm.services.kms.operations.keys import start_deletion
from mesocosm.services.kms.operations.policies import checked_policy
from mesocosm.services.kms.operations.shared import DAY, conditions, own_key_arn
from mesocosm.services.kms.operations.tagging import checked_tags
from mesocosm.services.kms.resources.finding import key_arn as arn_of
from mesocosm.services.kms.resources.rows import Key, keys, materials
from mesocosm.services.kms.rules.policies import default_policy
from mesocosm.wire.errors import AwsError


def members(call: Call, key: Key) -> list[Key]:
    """A key, or every member of its multi-Region key, the primary first."""
    if not key.primary:
        return [key]
    regions = (key.primary, *key.replicas)
    found = (call.world.rows(keys, key.account, region).get(key.id) for region in regions)
    return [one for one in found if one is not None]


def _primary(call: Call, given: str) -> Key:
    key = shared.managed(call, given)
    if not key.primary or key.primary != key.region:
        raise AwsError(
            "UnsupportedOperationException", f"{key.arn} is not a multi-Region primary key."
        )
    return key


def _needs(call: Call, request: api.ReplicateKeyRequest) -> list[Need]:
    facts = {**shared.caller_conditions(call), "aws:RequestedRegion": request.replica_region}
    needs = [Need("kms:CreateKey", "*", facts)]
    if request.tags:
        needs.append(Need("kms:TagResource", "*", facts))
    return needs


@kms.operation(
    "ReplicateKey",
    resource=own_key_arn,
    conditions=conditions,
    needs=_needs,
    tags=lambda request: {tag.tag_key: tag.tag_value for tag in request.tags or ()},
)
def replicate_key(call: Call, request: api.ReplicateKeyRequest) -> api.ReplicateKeyResponse:
    """Make a replica in another Region. Imported material is imported there, too, by the owner."""
    key, region = shared.living(_primary(call, request.key_id)), request.replica_region
    if region not in REGIONS:
        raise AwsError("UnsupportedOperationException", f"{region} is not a Region of AWS KMS.")
    arn = arn_of(key.account, region, key.id)
    if region == key.region or region in key.replicas:
        raise AwsError("AlreadyExistsException", f"{arn} already exists.")
    tags = checked_tags({}, request.tags or [])
    policy = request.policy or default_policy(call.account)
    bypass = bool(request.bypass_policy_lockout_safety_check)
    principals = checked_policy(call, arn, policy, tags, bypass=bypass)
    imported = key.origin == "EXTERNAL"
    made = replace(
        key,
        arn=arn,
        created=call.now,
        policy=policy,
        principals=principals,
        description=request.description or "",
        state="PendingImport" if imported else "Enabled",
        tags=tags,
    )
    there = call.world.rows(materials, key.account, region)
    here = call.rows(materials)
    for pair in here.range(start=(key.id, ""), stop=(key.id, "g")):
        there[pair] = replace(here[pair], secret=b"", expires=0.0) if imported else here[pair]
    call.world.rows(keys, key.account, region)[key.id] = made
    replicas = (*key.replicas, region)
    for member in members(call, replace(key, replicas=replicas)):
        shared.store(call, member, replicas=replicas)
    call.event("SynchronizeMultiRegionKey", region=region, keyId=arn)
    made = replace(made, replicas=replicas)
    return api.ReplicateKeyResponse(
        replica_key_metadata=metadata(call, made),
        replica_policy=policy,
        replica_tags=[api.Tag(tag_key=name, tag_value=value) for name, value in tags.items()],
    )


def _both(call: Call, request: api.UpdatePrimaryRegionRequest) -> list[str]:
    arn = own_key_arn(call, request)
    account, key_id = arn.split(":", 5)[4], arn.rpartition("/")[2]
    return [arn, arn_of(account, request.primary_region, key_id)]


@kms.operation("UpdatePrimaryRegion", resource=_both, conditions=conditions)
def update_primary_region(call: Call, request: api.UpdatePrimaryRegionRequest) -> None:
    """Make a replica the primary, and the primary a replica."""
    key, region = shared.living(_primary(call, request.key_id)), request.primary_region
    if region not in key.replicas:
        raise AwsError(
            "NotFoundException",
            f"Key '{arn_of(key.account, region, key.id)}' does not exist",
        )
    new = call.world.rows(keys, key.account, region)[key.id]
    shared.living(new)
    replicas = (*(one for one in key.replicas if one != region), key.region)
    for member in members(call, key):
        shared.store(call, member, primary=region, replicas=replicas)
    if key.rotation:
        call.cancel("rotate", key.id)
        due = max(call.now, key.rotation_from + key.rotation * DAY)
        call.world.timers.at(due, "kms", "rotate", key.id, key.account, region)


def leave(call: Call, gone: Key) -> None:
    """A replica was deleted; a primary that waits for its last replica begins its own wait."""
    replicas = tuple(region for region in gone.replicas if region != gone.region)
    for member in members(call, replace(gone, replicas=replicas)):
        changed = shared.store(call, member, replicas=replicas)
        if changed.state == "PendingReplicaDeletion" and not replicas:
            start_deletion(call, changed, changed.window)
