"""What a key is, as AWS shows it (API reference, KeyMetadata)."""

from __future__ import annotations

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.services.kms.resources.finding import key_arn
from mesocosm.services.kms.resources.rows import Key, materials
from mesocosm.services.kms.rules.specs import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    MAC,
    SIGN,
    SYMMETRIC,
    algorithms,
)


def _algorithms(key: Key, usage: str) -> list[str] | None:
    return list(algorithms(key.spec, usage)) if key.usage == usage else None


def metadata(call: Call, key: Key) -> api.KeyMetadata:
    """The metadata of a key."""
    current = call.world.rows(materials, key.account, key.region).get((key.id, key.material))
    imported = key.origin == "EXTERNAL" and current is not None and bool(current.secret)
    expires = current.expires if imported and current is not None else 0.0
    model = None
    if imported:
        model = "KEY_MATERIAL_EXPIRES" if expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
    waiting = key.state == "PendingReplicaDeletion"
    return api.KeyMetadata(
        aws_account_id=key.account,
        key_id=key.id,
        arn=key.arn,
        creation_date=key.created,
        enabled=key.state == "Enabled",
        description=key.description,
        key_usage=key.usage,
        key_state=key.state,
        deletion_date=key.deletion or None,
        valid_to=expires or None,
        origin=key.origin,
        expiration_model=model,
        key_manager="AWS" if key.service else "CUSTOMER",
        customer_master_key_spec=key.spec,
        key_spec=key.spec,
        encryption_algorithms=_algorithms(key, ENCRYPT),
        signing_algorithms=_algorithms(key, SIGN),
        mac_algorithms=_algorithms(key, MAC),
        key_agreement_algorithms=_algorithms(key, AGREE),
        encapsulation_algorithms=_algorithms(key, ENCAPSULATE),
        multi_region=bool(key.primary),
        multi_region_configuration=_family(key),
        pending_deletion_window_in_days=key.window if waiting else None,
        current_key_material_id=(key.material or None) if key.spec == SYMMETRIC else None,
    )


def _family(key: Key) -> api.MultiRegionConfiguration | None:
    if not key.primary:
        return None
    members = [
        api.MultiRegionKey(arn=key_arn(key.account, region, key.id), region=region)
        for region in (key.primary, *key.replicas)
    ]
    return api.MultiRegionConfiguration(
        multi_region_key_type="PRIMARY" if key.region == key.primary else "REPLICA",
        primary_key=members[0],
        replica_keys=members[1:],
    )
