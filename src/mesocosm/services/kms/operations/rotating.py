"""Rotation: new key material for the same key; what was encrypted under the old stays readable."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.engine import symmetric
from mesocosm.services.kms.operations import multi_region, shared
from mesocosm.services.kms.operations.paging import LIMIT, paged
from mesocosm.services.kms.operations.shared import DAY, conditions, own_key_arn
from mesocosm.services.kms.resources.rows import Key, Material, materials
from mesocosm.services.kms.rules.specs import SYMMETRIC
from mesocosm.wire.errors import AwsError

PERIOD_DAYS = 365
ON_DEMAND_MAX = 25
NEAR = 20 * 60
PENDING = ("PENDING_ROTATION", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION")


def versions(call: Call, key: Key) -> list[tuple[str, Material]]:
    """Every version of a key's material with its id, the oldest first."""
    rows = call.world.rows(materials, key.account, key.region)
    ids = [pair[1] for pair in rows.range(start=(key.id, ""), stop=(key.id, "g"))]
    return sorted(((one, rows[key.id, one]) for one in ids), key=lambda pair: pair[1].order)


def arm(call: Call, key: Key) -> None:
    """Set the timer of the next rotation, at once if it is overdue."""
    due = max(call.now, key.rotation_from + key.rotation * DAY)
    call.world.timers.at(due, "kms", "rotate", key.id, key.account, key.region)


def disarm(call: Call, key: Key) -> None:
    """No rotation by itself."""
    call.world.timers.cancel("kms", "rotate", key.id, key.account, key.region)


def rotate(call: Call, key: Key, kind: str) -> None:
    """Give a key new material; every member of a multi-Region key gets the same."""
    if key.origin == "EXTERNAL":
        waiting = [one for one, row in versions(call, key) if row.state in PENDING]
        identity, secret = waiting[0], b""
    else:
        secret = call.ids.bytes(32)
        identity = symmetric.material_id(key.id, secret)
    for member in multi_region.members(call, key):
        _switch(call, member, identity, secret, kind)
        started = call.now if kind == "AUTOMATIC" else member.rotation_from
        shared.store(call, member, material=identity, rotation_from=started)
        call.event("RotateKey", account=member.account, region=member.region, keyId=member.arn)
    changed = shared.existing(call, key.arn)
    if changed.rotation:
        arm(call, changed)


def _switch(call: Call, key: Key, identity: str, secret: bytes, kind: str) -> None:
    rows = call.world.rows(materials, key.account, key.region)
    before = versions(call, key)
    rows[key.id, key.material] = replace(rows[key.id, key.material], state="NON_CURRENT")
    made = rows.get((key.id, identity))
    if made is None:
        made = Material(secret=secret, created=call.now)
    order = before[-1][1].order + (0 if (key.id, identity) in rows else 1)
    rows[key.id, identity] = replace(
        made, state="CURRENT", kind=kind, rotated=call.now, order=order
    )


def rotatable(call: Call, given: str) -> Key:
    """A key whose material can be rotated. Raises UnsupportedOperationException."""
    key = shared.managed(call, given)
    if key.spec != SYMMETRIC:
        raise AwsError(
            "UnsupportedOperationException",
            f"{key.arn} key spec is {key.spec} which is not valid for this operation.",
        )
    if key.primary and key.primary != key.region:
        raise AwsError(
            "UnsupportedOperationException",
            f"{key.arn} is a replica key: this operation is only valid for the primary key.",
        )
    return key


def _by_itself(call: Call, given: str) -> Key:
    key = rotatable(call, given)
    if key.origin != "AWS_KMS":
        raise wrong_origin(key)
    return shared.living(key)


def wrong_origin(key: Key) -> AwsError:
    """AWS's error where the origin of a key's material does not allow an operation."""
    return AwsError(
        "UnsupportedOperationException",
        f"{key.arn} origin is {key.origin} which is not valid for this operation.",
    )


@kms.operation("EnableKeyRotation", resource=own_key_arn, conditions=conditions)
def enable_key_rotation(call: Call, request: api.EnableKeyRotationRequest) -> None:
    """Rotate a key by itself, every 90 to 2,560 days."""
    key = _by_itself(call, request.key_id)
    period = request.rotation_period_in_days or key.rotation or PERIOD_DAYS
    started = key.rotation_from if key.rotation else call.now
    for member in multi_region.members(call, key):
        shared.store(call, member, rotation=period, rotation_from=started)
    arm(call, shared.existing(call, key.arn))


@kms.operation("DisableKeyRotation", resource=own_key_arn, conditions=conditions)
def disable_key_rotation(call: Call, request: api.DisableKeyRotationRequest) -> None:
    """Rotate a key by itself no longer."""
    key = _by_itself(call, request.key_id)
    for member in multi_region.members(call, key):
        shared.store(call, member, rotation=0)
    disarm(call, key)


@kms.operation("GetKeyRotationStatus", resource=own_key_arn, conditions=conditions)
def get_key_rotation_status(
    call: Call, request: api.GetKeyRotationStatusRequest
) -> api.GetKeyRotationStatusResponse:
    """Whether, how often and when next a key is rotated; false for keys that cannot be."""
    key = shared.existing(call, request.key_id, by_alias=False)
    enabled = bool(key.rotation) and key.state not in ("PendingDeletion", "PendingReplicaDeletion")
    return api.GetKeyRotationStatusResponse(
        key_rotation_enabled=enabled,
        key_id=key.arn,
        rotation_period_in_days=key.rotation if enabled else None,
        next_rotation_date=key.rotation_from + key.rotation * DAY if enabled else None,
    )


@kms.operation("RotateKeyOnDemand", resource=own_key_arn, conditions=conditions)
def rotate_key_on_demand(
    call: Call, request: api.RotateKeyOnDemandRequest
) -> api.RotateKeyOnDemandResponse:
    """Rotate a key now; imported keys to the material that was imported for it."""
    key = shared.living(rotatable(call, request.key_id))
    every = versions(call, key)
    if sum(row.kind == "ON_DEMAND" for _, row in every) >= ON_DEMAND_MAX:
        raise AwsError(
            "LimitExceededException",
            f"The on-demand rotation limit has been reached for {key.arn}.",
        )
    if key.rotation and 0 <= key.rotation_from + key.rotation * DAY - call.now < NEAR:
        raise AwsError(
            "ConflictException",
            "An automatic rotation of this key is currently in progress or scheduled to begin "
            "within the next 20 minutes.",
        )
    if key.origin == "EXTERNAL" and not any(row.state == PENDING[0] for _, row in every):
        raise AwsError(
            "KMSInvalidStateException", f"{key.arn} has no key material that is pending rotation."
        )
    rotate(call, key, "ON_DEMAND")
    return api.RotateKeyOnDemandResponse(key_id=key.arn)


@kms.operation("ListKeyRotations", resource=own_key_arn, conditions=conditions)
def list_key_rotations(
    call: Call, request: api.ListKeyRotationsRequest
) -> api.ListKeyRotationsResponse:
    """The rotations of a key, and with ALL_KEY_MATERIAL the first and the pending material too."""
    key = shared.own(call, request.key_id)
    if key.spec != SYMMETRIC:
        raise AwsError(
            "UnsupportedOperationException",
            f"{key.arn} key spec is {key.spec} which is not valid for this operation.",
        )
    every = request.include_key_material == "ALL_KEY_MATERIAL"
    shown = [pair for pair in versions(call, key) if every or pair[1].kind]
    found, marker = paged(shown, lambda pair: f"{pair[1].order:06d}", request, LIMIT)
    return api.ListKeyRotationsResponse(
        rotations=[_entry(key, identity, row, every) for identity, row in found],
        next_marker=marker,
        truncated=marker is not None,
    )


def _entry(key: Key, identity: str, row: Material, every: bool) -> api.RotationsListEntry:
    imported = key.origin == "EXTERNAL"
    entry = api.RotationsListEntry(
        key_id=key.arn,
        key_material_id=identity,
        key_material_state=row.state,
        rotation_date=row.rotated or None,
        rotation_type=row.kind or None,
    )
    if imported:
        entry.import_state = "IMPORTED" if row.secret else "PENDING_IMPORT"
        entry.key_material_description = row.description or None
        entry.valid_to = row.expires or None
        expires = "KEY_MATERIAL_EXPIRES" if row.expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        entry.expiration_model = expires if row.secret else None
    return entry
