"""What other services are told of keys (`call/authority.py`, the protocol `Keys`)."""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations.keys import managed_key
from mesocosm.services.kms.resources.finding import located
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

MANAGED = "alias/aws/"


@kms.provides("keys")
class Keys:
    """Keys as the call floor knows them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def resolve(self, call: Call, key: str, account: str, region: str) -> str:
        """The ARN of the key that is called so in an account and Region."""
        alias = f"arn:aws:kms:{region}:{account}:"
        name = key.removeprefix(alias)
        if name.startswith(MANAGED):
            return managed_key(call, name.removeprefix(MANAGED), account, region).arn
        found = located(self._world, key, account, region)
        if found.key is None:
            raise AwsError("NotFoundException", f"Key '{found.arn}' does not exist")
        return found.arn
