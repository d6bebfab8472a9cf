"""From what a request calls a key (key id, key ARN, alias name, alias ARN) to the key's row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mesocosm.call.service import Target
from mesocosm.services.kms import kms
from mesocosm.services.kms.resources.granting import granting
from mesocosm.services.kms.resources.rows import Key, aliases, keys
from mesocosm.wire.errors import AwsError
from mesocosm.world import World

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KEY_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.ASCII
)

ACCOUNT = re.compile(r"\d{12}", re.ASCII)


class Named(NamedTuple):
    """What a request names: the key's ARN, its row if there is one, the alias it was named by."""

    arn: str
    key: Key | None
    alias: str = ""


def key_arn(account: str, region: str, key_id: str) -> str:
    """The ARN of a key."""
    return f"arn:aws:kms:{region}:{account}:key/{key_id}"


def alias_arn(account: str, region: str, name: str) -> str:
    """The ARN of an alias; the name begins with `alias/`."""
    return f"arn:aws:kms:{region}:{account}:{name}"


def not_found(arn: str) -> AwsError:
    """AWS's error of a key that is not there."""
    return AwsError("NotFoundException", f"Key '{arn}' does not exist")


def named(call: Call, given: str, *, by_alias: bool = True) -> Named:
    """The key a request names. Raises NotFoundException and InvalidArnException; a key that
    another account would have is not refused here: whether there is one is not the caller's
    business.
    """
    return located(call.world, given, call.account, call.region, by_alias=by_alias)


def located(world: World, given: str, home: str, region: str, *, by_alias: bool = True) -> Named:
    """The same for a caller of the account `home` in a Region."""
    account, name = home, given
    if given.startswith("arn:"):
        parts = given.split(":", 5)
        if (
            len(parts) != 6
            or parts[2] != "kms"
            or "/" not in parts[5]
            or not ACCOUNT.fullmatch(parts[4])
        ):
            raise AwsError("InvalidArnException", f"Invalid arn: {given}")
        if parts[3] != region:
            raise AwsError("NotFoundException", f"Invalid arn {parts[3]}")
        account, name = parts[4:]
        if not name.startswith("alias/"):
            name = name.partition("/")[2]
    alias = ""
    if name.startswith("alias/"):
        if not by_alias:
            raise AwsError("NotFoundException", f"Invalid keyId '{given}'")
        alias = name
        row = world.rows(aliases, account, region).get(name)
        if row is None:
            arn = alias_arn(account, region, name)
            raise AwsError("NotFoundException", f"Alias {arn} is not found.")
        name = row.key
    elif not KEY_ID.fullmatch(name):
        raise AwsError("NotFoundException", f"Invalid keyId '{given}'")
    key = world.rows(keys, account, region).get(name)
    arn = key.arn if key is not None else key_arn(account, region, name)
    if key is None and account == home:
        raise not_found(arn)
    return Named(arn, key, alias)


def by_arn(world: World, arn: str) -> Key | None:
    """The key of an ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("key/"):
        return None
    return world.rows(keys, parts[4], parts[3]).get(parts[5][4:])


@kms.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a key: its tags, its policy, its grants."""
    key = by_arn(world, arn)
    if key is None:
        return None
    return Target(
        arn,
        key.account,
        key.tags,
        key.policy,
        "kms",
        region=key.region,
        principals=key.principals,
        open=granting(world, key),
        limited=not key.service,
    )
