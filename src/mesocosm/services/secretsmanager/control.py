"""What secrets do by themselves: they go at the end of their recovery window, and windows open in
which they are rotated.
"""

from __future__ import annotations

from mesocosm.call.call import Call
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import rotation
from mesocosm.services.secretsmanager.operations.secrets import remove as delete
from mesocosm.services.secretsmanager.resources import Found, secrets

ROUNDING = 0.001


@secretsmanager.timer("remove")
def remove(call: Call, name: str) -> None:
    """The recovery window of a secret is over."""
    row = call.rows(secrets).get(name)
    if row is not None and row.removal and row.removal <= call.now + ROUNDING:
        found = Found(row, call.account, call.region)
        delete(call, found)
        call.event("EndSecretVersionDelete", secretId=found.arn)


@secretsmanager.timer("rotate")
def rotate(call: Call, name: str) -> None:
    """A rotation window opens."""
    row = call.rows(secrets).get(name)
    if row is None or row.rotation is None or not row.rotation.enabled:
        return
    found = Found(row, call.account, call.region)
    if not rotation.callable_function(call, row.rotation.function):
        call.event("RotationFailed", SecretId=found.arn)
    rotation.plan(call, found, row.rotation)
