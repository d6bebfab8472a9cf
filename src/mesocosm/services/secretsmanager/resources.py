"""Secrets as rows: what is known of one, and beside it the sealed values of its versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mesocosm.call.encryption import Sealed
from mesocosm.call.service import Target
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table, World

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.iam import Principal

ACCEPT = "secretsmanager:AcceptCrossAccountReplication"
"""What the owner of a replica in another account allows the account of its primary."""

SUFFIX = 6
"""Random characters, after a hyphen, at the end of a secret's ARN."""

DEFAULT_KEY = "DefaultEncryptionKey"
CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version without its value. `accessed`: the day it was last read, epoch seconds.

    `key`: the KmsKeyId its value is sealed under ("DefaultEncryptionKey" for the AWS managed key);
    empty when there is no value (a rotation has begun).
    """

    created: float
    stages: tuple[str, ...] = ()
    accessed: float = 0.0
    key: str = ""


class Replica(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A replica as its primary knows it. `kms_key_id` is as it was given."""

    kms_key_id: str = ""
    status: str = "InSync"
    message: str = ""


class Foreign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The other end of a replication between accounts: of a replica its primary, or the reverse."""

    arn: str
    status: str = "Pending"
    role: str = ""
    message: str = ""


class Rotation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a secret is rotated. `due`: when the next window begins; `hours` of a window (0: all of
    the day for days, one hour for hours).
    """

    function: str = ""
    days: int = 0
    expression: str = ""
    duration: str = ""
    due: float = 0.0
    enabled: bool = True


class Secret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret. Times are epoch seconds; `removal` is the end of its recovery window.

    `principals` are the unique ids of the users and roles that the policy names.
    """

    name: str
    suffix: str
    created: float
    changed: float
    description: str = ""
    kms_key_id: str = ""
    tags: dict[str, str] = {}
    policy: str = ""
    principals: dict[str, str] = {}
    removal: float = 0.0
    accessed: float = 0.0
    rotated: float = 0.0
    rotation: Rotation | None = None
    primary_region: str = ""
    replicas: dict[str, Replica] = {}
    primary: Foreign | None = None
    copies: tuple[Foreign, ...] = ()
    versions: dict[str, Version] = {}


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of a version, sealed under a data key of its own."""

    sealed: Sealed
    binary: bool = False


secrets: Table[str, Secret] = Table("secretsmanager.secrets", Secret)
values = Table("secretsmanager.values", Value, key=tuple[str, str])
"""By name of the secret and id of the version."""


class Place(NamedTuple):
    """Where a secret lies, or would lie: its cell and its name."""

    account: str
    region: str
    name: str


class Found(NamedTuple):
    """A secret and the cell it lies in."""

    secret: Secret
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn_of(self.region, self.account, self.secret)


def arn_of(region: str, account: str, secret: Secret) -> str:
    """The ARN of a secret."""
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{secret.name}-{secret.suffix}"


def no_such_secret() -> AwsError:
    """AWS's error of a secret that is not there."""
    return AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def _split(arn: str) -> Place | None:
    """Cell and last part of a secret's ARN; None when it is none."""
    parts = arn.split(":", 6)
    if len(parts) != 7 or parts[2] != "secretsmanager" or parts[5] != "secret" or not parts[6]:
        return None
    return Place(parts[4], parts[3], parts[6])


def look_up(world: World, arn: str) -> Found | None:
    """The secret of an ARN, or of one without the hyphen and the random characters (user guide,
    "Finding a secret from a partial ARN").
    """
    place = _split(arn)
    if place is None:
        return None
    rows = world.rows(secrets, place.account, place.region)
    name, hyphen, suffix = place.name.rpartition("-")
    row = rows.get(name) if hyphen else None
    if row is None or row.suffix != suffix:
        row = rows.get(place.name)
    return Found(row, place.account, place.region) if row is not None else None


def find(call: Call, secret_id: str) -> Found | None:
    """The secret of a SecretId, a name or an ARN; None when there is none in this Region."""
    if secret_id.startswith("arn:"):
        found = look_up(call.world, secret_id)
        return found if found is not None and found.region == call.region else None
    row = call.rows(secrets).get(secret_id)
    return Found(row, call.account, call.region) if row is not None else None


@secretsmanager.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a secret: its tags and its policy."""
    found = look_up(world, arn)
    if found is None:
        return None
    row = found.secret
    return Target(
        arn,
        found.account,
        row.tags,
        row.policy or None,
        region=found.region,
        principals=row.principals,
        open=_follows(row) if row.primary is not None else None,
    )


def _follows(row: Secret) -> Callable[[Any, str, Any], str | None]:
    """A secret made to follow another lets the account of that one replicate to it."""

    def allowed(principal: Principal, action: str, context: object) -> str | None:
        primary = _split(row.primary.arn) if row.primary is not None else None
        accepted = primary is not None and principal.account == primary.account
        return "CrossAccountPrimaryARN" if accepted and action == ACCEPT else None

    return allowed
