"""What other services are told of keys (`call/authority.py`, the protocol `Keys`)."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations.keys import managed_key
from mesocosm.services.kms.resources.finding import by_arn, named
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

MANAGED = "alias/aws/"


@kms.provides("keys")
class Keys:
    """Keys as the call floor knows them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def resolve(self, call: Call, key: str) -> str:
        """The ARN of the key that a caller of another service names in this call's cell."""
        if key.startswith("arn:"):
            account = key.split(":", 5)[4] if key.count(":") >= 5 else ""
            name = key.rpartition(":")[2]
            if name.startswith(MANAGED) and account == call.account:
                key = name
        if key.startswith(MANAGED):
            return managed_key(call, key.removeprefix(MANAGED), call.account, call.location).arn
        if key.startswith("arn:") and ":key/" in key:
            found = by_arn(self._world, key)
            if found is None:
                raise AwsError("NotFoundException", f"Key '{key}' does not exist")
            return found.arn
        return named(call, key).arn
