"""The rows of KMS. Key material is in rows of its own, so that reading a key never touches it."""

from __future__ import annotations

import msgspec

from mesocosm.world import Table


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A KMS key. Times are epoch seconds. `material` is the id of its current key material.

    `principals` are the unique ids of the users and roles the policy names. `service` is the AWS
    service of an AWS managed key. `primary` is the Region of the primary of a multi-Region key,
    `replicas` those of its replicas: the same in every member's row. `rotation` is the period in
    days, 0 when automatic rotation is off; `period` is the last one chosen.
    """

    arn: str
    created: float
    spec: str
    usage: str
    policy: str
    principals: dict[str, str] = {}
    origin: str = "AWS_KMS"
    description: str = ""
    state: str = "Enabled"
    service: str = ""
    tags: dict[str, str] = {}
    material: str = ""
    deletion: float = 0.0
    window: int = 0
    primary: str = ""
    replicas: tuple[str, ...] = ()
    rotation: int = 0
    rotation_from: float = 0.0
    rotations: int = 0
    public: bytes = b""

    @property
    def id(self) -> str:
        """The key id."""
        return self.arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The account that owns it."""
        return self.arn.split(":", 5)[4]

    @property
    def region(self) -> str:
        """The Region it is in."""
        return self.arn.split(":", 5)[3]


class Material(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a key's material: raw bytes (symmetric, HMAC) or PKCS #8 (DER, key pairs).

    `secret` is empty when imported material is deleted or expired; its id then waits for the same
    material. `kind` is how the key came to use it: AUTOMATIC, ON_DEMAND, or "" for the first.
    `state`: CURRENT, NON_CURRENT, PENDING_ROTATION or PENDING_MULTI_REGION_IMPORT_AND_ROTATION.
    """

    secret: bytes
    created: float
    order: int = 0
    state: str = "CURRENT"
    kind: str = ""
    rotated: float = 0.0
    expires: float = 0.0
    description: str = ""


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """An alias, kept by its name (`alias/...`); `key` is a key id of the same account and Region.

    An alias that AWS reserved and no key is behind yet has none."""

    key: str
    created: float
    updated: float


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A grant. Principals are ARNs or names of services, with the unique ids of users and roles;
    `equals`, `subset` and `source` are constraints."""

    key: str
    grantee: str
    operations: tuple[str, ...]
    created: float
    issuer: str
    grantee_id: str = ""
    retiring: str = ""
    retiring_id: str = ""
    name: str = ""
    equals: dict[str, str] | None = None
    subset: dict[str, str] | None = None
    source: str = ""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import token: the private half of a wrapping key pair (PKCS #8), and how long it holds."""

    key: str
    private: bytes
    algorithm: str
    until: float


class Usage(msgspec.Struct, frozen=True):
    """The last cryptographic operation a key was used for."""

    operation: str
    at: float
    request: str


keys: Table[str, Key] = Table("kms.keys", Key)
materials = Table("kms.materials", Material, key=tuple[str, str], ordered=True)
"""By key id and material id."""
aliases: Table[str, Alias] = Table("kms.aliases", Alias)
grants: Table[str, Grant] = Table("kms.grants", Grant)
imports: Table[str, Import] = Table("kms.imports", Import)
usages: Table[str, Usage] = Table("kms.usages", Usage)
aliases_by_key = aliases.index("key", lambda row: row.key or None)
grants_by_key = grants.index("key", lambda row: row.key)
grants_by_grantee = grants.index("grantee", lambda row: f"{row.key} {row.grantee}")
grants_by_retiring = grants.index("retiring", lambda row: row.retiring or None)
