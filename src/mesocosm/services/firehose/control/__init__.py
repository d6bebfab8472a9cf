"""What streams do by themselves: they become active, deliver what they gathered, and go."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.services.firehose import firehose
from mesocosm.services.firehose.control import delivery
from mesocosm.services.firehose.operations import encrypting
from mesocosm.services.firehose.operations.opened import save
from mesocosm.services.firehose.resources import (
    ACTIVE,
    CREATING,
    DELETING,
    batches,
    buffers,
    gathered,
    records,
    streams,
)


@firehose.timer("active")
def activate(call: Call, name: str) -> None:
    """A new stream is ready."""
    row = call.rows(streams).get(name)
    if row is not None and row.status == CREATING:
        save(call, replace(row, status=ACTIVE))


@firehose.timer("encryption")
def settle(call: Call, name: str) -> None:
    """Encryption has been switched on or off."""
    row = call.rows(streams).get(name)
    if row is None:
        return
    if row.encryption.status == "ENABLING":
        save(call, replace(row, encryption=replace(row.encryption, status="ENABLED")))
    elif row.encryption.status == "DISABLING":
        row = save(call, encrypting.disabled(row))
        if delivery.nothing_left(call, row):
            encrypting.settled(call, row)


@firehose.timer("gone")
def clear(call: Call, name: str) -> None:
    """A deleted stream goes with everything it gathered."""
    row = call.rows(streams).get(name)
    if row is None or row.status != DELETING:
        return
    log = call.world.segments(records, call.account, call.region)
    waiting = call.rows(batches)
    for key in [key for key in waiting if key[0] == name]:
        log.drop(gathered(row, key[1]))
        del waiting[key]
        call.cancel("deliver", f"{name}\n{key[1]}")
    buffer = call.rows(buffers).pop(row.id, None)
    if buffer is not None:
        log.drop(gathered(row, buffer.batch))
    call.cancel("flush", name)
    del call.rows(streams)[name]
