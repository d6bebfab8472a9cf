"""What keys do by themselves: they are deleted, rotated, and imported material expires."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.resources.rows import (
    aliases,
    aliases_by_key,
    grants,
    grants_by_key,
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
    for timer in ("rotate", "rotated"):
        call.cancel(timer, key_id)
    call.event("DeleteKey", keyId=key.arn)
