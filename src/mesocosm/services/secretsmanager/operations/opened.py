"""The secret a request names: found, allowed to change, put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.secretsmanager.resources import (
    Found,
    Secret,
    find,
    no_such_secret,
    secrets,
)
from mesocosm.wire.errors import AwsError

TAGS_MAX = 50
DAY = 86_400


class OfSecret(Protocol):
    """A request that names a secret."""

    secret_id: str


def refused(message: str) -> AwsError:
    """What the state of the secret does not allow."""
    return AwsError("InvalidRequestException", message)


def invalid(message: str) -> AwsError:
    """A parameter that cannot be."""
    return AwsError("InvalidParameterException", message)


def secret_arn(call: Call, request: OfSecret) -> str:
    """The ARN a request is decided on: of a secret that is not there, what was asked for.

    A refusal names the secret as the caller did: "... on resource: db/password".
    """
    arn = arn_for(call, request.secret_id)
    call.said = (arn, request.secret_id)
    return arn


def arn_for(call: Call, secret_id: str) -> str:
    """The ARN of the secret of a SecretId."""
    found = find(call, secret_id)
    if found is not None:
        return found.arn
    return secret_id if secret_id.startswith("arn:") else call.arn(f"secret:{secret_id}")


def new_arn(call: Call, name: str) -> str:
    """The ARN a new secret is decided on: which random characters it will have nobody knows."""
    return call.arn(f"secret:{name}-??????")


def keys(call: Call, request: OfSecret) -> dict[str, Values]:
    """The condition keys every operation on a secret has (service authorization reference)."""
    return keys_of(call, request.secret_id)


def keys_of(call: Call, secret_id: str) -> dict[str, Values]:
    """The condition keys of the secret of a SecretId."""
    given: dict[str, Values] = {"secretsmanager:SecretId": secret_id}
    found = find(call, secret_id)
    if found is None:
        return given
    row = found.secret
    given["secretsmanager:SecretId"] = found.arn
    given["secretsmanager:SecretPrimaryRegion"] = row.primary_region or found.region
    if row.rotation is not None and row.rotation.function:
        given["secretsmanager:resource/AllowRotationLambdaArn"] = row.rotation.function
    for key, value in row.tags.items():
        given[f"secretsmanager:ResourceTag/{key}"] = value
    return given


def flag(value: bool | None) -> str | None:
    """A condition key's value for a switch."""
    return None if value is None else ("true" if value else "false")


def known(call: Call, secret_id: str) -> Found:
    """The secret of a SecretId, also one marked for deletion. Raises ResourceNotFoundException."""
    found = find(call, secret_id)
    if found is None:
        raise no_such_secret()
    return found


def live(call: Call, secret_id: str) -> Found:
    """A secret that is not marked for deletion. Raises InvalidRequestException."""
    found = known(call, secret_id)
    if found.secret.removal:
        raise refused(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return found


def own(call: Call, secret_id: str) -> Found:
    """A live secret that is no replica. Raises InvalidRequestException."""
    found = live(call, secret_id)
    if found.secret.primary_region or found.secret.primary is not None:
        raise refused(
            "Operation not permitted on a replica secret. Call must be made in primary secret's "
            "region."
        )
    return found


def save(call: Call, found: Found, row: Secret) -> Found:
    """Store a secret as it is now."""
    call.rows(secrets, found.account, found.region)[row.name] = row
    return found._replace(secret=row)


def changed(call: Call, row: Secret, /, **members: object) -> Secret:
    """A secret with other members, changed now."""
    return replace(row, changed=call.now, **members)


def today(call: Call) -> float:
    """The day it is, as Secrets Manager dates what was last read."""
    return call.now - call.now % DAY


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse too many tags, or reserved ones. Raises InvalidParameterException."""
    if len(tags) > TAGS_MAX:
        raise invalid(f"The number of tags exceeds the limit of {TAGS_MAX} tags.")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys can't start with aws: because it's reserved for system use.")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid("A tag key has 1 to 128 characters, a tag value at most 256.")
