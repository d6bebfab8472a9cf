"""What keys do by themselves: they are deleted, rotated, and imported material expires."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import multi_region, rotating
from mesocosm.services.kms.operations.importing import lose_material
from mesocosm.services.kms.resources.rows import (
    aliases,
    aliases_by_key,
    grants,
    grants_by_key,
    imports,
    keys,
    materials,
    usages,
)


@kms.timer("delete")
def delete(call: Call, key_id: str) -> None:
    """The waiting period of a deletion is over: key, material, aliases and grants are gone."""
    key = call.rows(keys).get(key_id)
    if key is None or key.state != "PendingDeletion":
        return
    del call.rows(keys)[key_id]
    rows = call.rows(materials)
    for pair in list(rows.range(start=(key_id, ""), stop=(key_id, "g"))):
        del rows[pair]
    for name in call.rows(aliases).find(aliases_by_key, key_id):
        del call.rows(aliases)[name]
    for grant in call.rows(grants).find(grants_by_key, key_id):
        del call.rows(grants)[grant]
    call.rows(usages).pop(key_id, None)
    call.cancel("rotate", key_id)
    call.event("DeleteKey", keyId=key.arn)
    if key.primary and key.primary != key.region:
        multi_region.leave(call, key)


@kms.timer("rotate")
def rotate(call: Call, key_id: str) -> None:
    """The rotation period of a key is over."""
    key = call.rows(keys).get(key_id)
    if key is not None and key.rotation and key.state == "Enabled":
        rotating.rotate(call, key, "AUTOMATIC")
    # A key that is disabled is rotated when it is enabled again.


@kms.timer("expire")
def expire(call: Call, name: str) -> None:
    """Imported key material expires."""
    key_id, _, material = name.partition(" ")
    key = call.rows(keys).get(key_id)
    row = call.rows(materials).get((key_id, material))
    if key is None or row is None or not row.secret or not row.expires:
        return
    if row.expires > call.now:
        return
    lose_material(call, key, material)
    call.event("DeleteExpiredKeyMaterial", keyId=key.arn)


@kms.timer("token")
def forget_token(call: Call, token: str) -> None:
    """Import parameters hold for a day."""
    call.rows(imports).pop(token, None)
