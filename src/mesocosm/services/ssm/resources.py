"""Parameters as rows: one for what holds for all versions, one for each version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mesocosm.call.encryption import Sealed
from mesocosm.call.service import Target
from mesocosm.services.ssm import ssm
from mesocosm.world import Table, World

if TYPE_CHECKING:
    from mesocosm.call.call import Call


class Policy(msgspec.Struct, frozen=True):
    """A parameter policy as it was given, and how far it is. `due`: epoch seconds."""

    type: str
    text: str
    due: float
    status: str = "Pending"


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a parameter. A SecureString has its value in `cipher` (KMS's own ciphertext,
    standard tier) or `sealed` (advanced tier).
    """

    type: str
    value: str = ""
    cipher: bytes = b""
    sealed: Sealed | None = None
    key_id: str = ""
    modified: float
    user: str
    description: str = ""
    pattern: str = ""
    tier: str = "Standard"
    data_type: str = "text"
    policies: tuple[Policy, ...] = ()
    labels: tuple[str, ...] = ()


class Share(msgspec.Struct, frozen=True):
    """A resource policy of a parameter. `hash` tells its versions apart."""

    text: str
    hash: str
    principals: dict[str, str] = {}


class Parameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter: its versions are those from `oldest` to `latest`."""

    name: str
    created: float
    oldest: int = 1
    latest: int = 1
    tags: dict[str, str] = {}
    shares: dict[str, Share] = {}


class Setting(msgspec.Struct, frozen=True):
    """A service setting that was changed."""

    value: str
    modified: float
    user: str


parameters = Table("ssm.parameters", Parameter, key=str, ordered=True)
versions = Table("ssm.versions", Version, key=tuple[str, int])
settings: Table[str, Setting] = Table("ssm.settings", Setting)


class Found(NamedTuple):
    """A parameter and the cell it lies in."""

    parameter: Parameter
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn_of(self.region, self.account, self.parameter.name)

    def version(self, call: Call, number: int) -> Version:
        """One of its versions."""
        return call.rows(versions, self.account, self.region)[self.parameter.name, number]

    def latest(self, call: Call) -> Version:
        """Its newest version."""
        return self.version(call, self.parameter.latest)


def arn_of(region: str, account: str, name: str) -> str:
    """The ARN of a parameter: one slash follows the word, with or without one in the name."""
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


def look_up(world: World, arn: str) -> Found | None:
    """The parameter of an ARN."""
    parts = arn.split(":", 6)
    if len(parts) != 6 or parts[2] != "ssm" or not parts[5].startswith("parameter/"):
        return None
    region, account, name = parts[3], parts[4], parts[5].removeprefix("parameter")
    rows = world.rows(parameters, account, region)
    row = rows.get(name) or rows.get(name[1:])
    return Found(row, account, region) if row is not None else None


@ssm.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a parameter: its tags, and whom it is shared with."""
    found = look_up(world, arn)
    if found is None:
        return None
    row = found.parameter
    principals: dict[str, str] = {}
    for share in row.shares.values():
        principals.update(share.principals)
    return Target(
        arn,
        found.account,
        row.tags,
        _merged([share.text for share in row.shares.values()]),
        region=found.region,
        principals=principals,
    )


def _merged(texts: list[str]) -> str | None:
    """Several resource policies as one; None without any."""
    if len(texts) < 2:
        return texts[0] if texts else None
    statements: list[object] = []
    for text in texts:
        found = json.loads(text)["Statement"]
        statements += [found] if isinstance(found, dict) else found
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
