"""The rows of CloudTrail. Times are epoch seconds of the world's clock; sizes are bytes.

A trail lives in the cell of its account and home Region, under its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.world import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesocosm.world import World


class Selector(msgspec.Struct, frozen=True, omit_defaults=True):
    """A basic event selector; `data` holds (resource type, ARN prefixes)."""

    read_write: str = "All"
    management: bool = True
    data: tuple[tuple[str, tuple[str, ...]], ...] = ()
    excluded: tuple[str, ...] = ()


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field selector: the field of an event and what it must (or must not) be."""

    field: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()


class AdvancedSelector(msgspec.Struct, frozen=True, omit_defaults=True):
    """An advanced event selector: all its conditions must hold."""

    conditions: tuple[Condition, ...]
    name: str | None = None


class Trail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A trail as it is configured. `organization`: the id of the organization it is for.

    `advanced` None: basic selectors are in force. `kms_key`: the ARN of the key of its log files.
    `topic`: as it was given, a name or an ARN. `log_group`: an ARN that ends in `:*`.
    """

    name: str
    account: str
    region: str
    bucket: str
    created: float
    prefix: str = ""
    include_global: bool = True
    multi_region: bool = False
    validation: bool = False
    organization: str = ""
    recursive: bool | None = None
    selectors: tuple[Selector, ...] = (Selector(),)
    advanced: tuple[AdvancedSelector, ...] | None = None
    tags: dict[str, str] = {}
    kms_key: str = ""
    topic: str = ""
    log_group: str = ""
    log_role: str = ""
    logging: bool = False
    started: float | None = None
    stopped: float | None = None

    @property
    def arn(self) -> str:
        """The trail's ARN."""
        return f"arn:aws:cloudtrail:{self.region}:{self.account}:trail/{self.name}"

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic that is told of log files; a name means one beside the trail."""
        if not self.topic or self.topic.startswith("arn:"):
            return self.topic
        return f"arn:aws:sns:{self.region}:{self.account}:{self.topic}"


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a trail has delivered.

    `position`: up to here in the journal; `held`: accounts and Regions (joined by `/`) whose
    delivery failed, and from where on they wait. `draining`: logging has stopped, the rest is
    still to be delivered.
    """

    position: int
    held: dict[str, int] = {}
    draining: bool = False
    delivered: float | None = None
    attempted: float | None = None
    error: str = ""
    digest_start: float | None = None
    digest_delivered: float | None = None
    digest_error: str = ""
    notified: float | None = None
    notice_tried: float | None = None
    notice_error: str = ""


class LogFile(msgspec.Struct, frozen=True):
    """A delivered log file that a digest is to name. `digest` is the SHA-256 of its content."""

    bucket: str
    key: str
    digest: str
    newest: float
    oldest: float


class Chain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The digests of one account and Region of a trail: the last one, and what the next names."""

    start: float
    files: tuple[LogFile, ...] = ()
    bucket: str | None = None
    key: str | None = None
    digest: str | None = None
    signature: str | None = None


class SigningKey(msgspec.Struct, frozen=True):
    """A key that signs digests: DER of PKCS#8 and PKCS#1; the table's key is its fingerprint."""

    private: bytes
    public: bytes
    since: float
    until: float


trails: Table[str, Trail] = Table("cloudtrail.trails", Trail)
progress: Table[str, Progress] = Table("cloudtrail.progress", Progress)
feeds: Table[str, Progress] = Table("cloudtrail.feeds", Progress)  # of trails, to CloudWatch Logs
chains = Table("cloudtrail.chains", Chain, key=tuple[str, str, str])  # trail, account, Region
keys: Table[str, SigningKey] = Table("cloudtrail.keys", SigningKey)


def all_trails(world: World) -> Iterator[Trail]:
    """Every trail of every account and Region."""
    for _, _, rows in world.cells(trails):
        yield from rows.values()
