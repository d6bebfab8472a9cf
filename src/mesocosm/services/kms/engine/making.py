"""New private keys. An RSA key takes up to seconds to find: it is looked for in a worker thread
while the call waits, so that others are answered meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.call.call import Call
from mesocosm.engines import web
from mesocosm.services.kms.engine import pairs

if TYPE_CHECKING:
    from mesocosm.world import World

PATIENCE_S = 60.0
LEFT_MAX = 100
"""Keys kept for calls that were not seen again."""


class Made:
    """The RSA keys of one world that are being looked for (None) or were found, by request."""

    def __init__(self, world: World) -> None:
        self.keys: dict[str, bytes | None] = {}


def generate(call: Call, spec: str) -> bytes | None:
    """A new private key (PKCS #8); None for what the library cannot make (SM2, ML_KEM_512).

    Calls from within and clouds with a seed wait for it on the spot: nothing may go between.
    """
    if not spec.startswith("RSA_") or call.http is None or call.ids.seeded:
        return pairs.generate(call.ids, spec)
    kept, request = call.world.derived(Made).keys, call.request_id
    topic = f"kms:pair:{request}"
    if request in kept:
        found = kept[request]
        if found is None:
            raise call.wait(topic, call.now + PATIENCE_S)
        del kept[request]
        return found
    if len(kept) >= LEFT_MAX:
        for left in [one for one, key in kept.items() if key is not None]:
            del kept[left]
    kept[request] = None
    cloud, ids = call.cloud, call.ids
    got: list[bytes | None] = []

    def work() -> None:
        got.append(pairs.generate(ids, spec))

    def done() -> None:
        kept.pop(request, None)
        if got:
            kept[request] = got[0]
        cloud.waiting.wake(topic)

    web.in_thread(work, done)
    raise call.wait(topic, call.now + PATIENCE_S)
