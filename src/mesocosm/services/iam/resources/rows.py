"""The rows of IAM. Names are keys in lower case: IAM keeps names unique without regard to case.

Times are epoch seconds of the world's clock. Policy texts are kept as they were given.
Managed policies, inline policies and group memberships are members of the row they belong to, so
that one
look-up gives everything a decision needs.
"""

from __future__ import annotations

import msgspec

from mesocosm.world import Table

PARTITION_WIDE = ("", "aws-global")
"""The cell of what is unique in the whole partition: access key ids."""


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user; `groups` and the keys of `inline` keep the order in which they were made."""

    name: str
    id: str
    path: str
    created: float
    tags: dict[str, str] = {}
    boundary: str = ""
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group. Its members know it (`User.groups`), not it them."""

    name: str
    id: str
    path: str
    created: float
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()


class Role(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role. `principals`: the unique id of each user or role that `trust` names by ARN, as of
    its writing."""

    name: str
    id: str
    path: str
    created: float
    trust: str
    principals: dict[str, str] = {}
    description: str | None = None
    max_session: int = 3600
    tags: dict[str, str] = {}
    boundary: str = ""
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    service: str = ""


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An instance profile; `role` is the key of the one role it may hold."""

    name: str
    id: str
    path: str
    created: float
    role: str = ""
    tags: dict[str, str] = {}


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a managed policy."""

    id: str
    document: str
    created: float


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer managed policy; `latest` is the highest version number ever given."""

    name: str
    id: str
    path: str
    created: float
    updated: float
    versions: tuple[PolicyVersion, ...]
    default: str = "v1"
    latest: int = 1
    description: str | None = None
    tags: dict[str, str] = {}


class AccessKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A long-term key of a user (its key) or, with `user` empty, of the root user of `account`."""

    id: str
    secret: str
    account: str
    user: str
    created: float
    active: bool = True


class KeyUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and when an access key was used last; `seen`: when each service noted it last."""

    time: float
    service: str
    region: str
    seen: dict[str, float] = {}


class Access(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a user or role last reached a service, in which Region, and by which of its actions."""

    time: float
    region: str
    actions: dict[str, float] = {}


class RoleUse(msgspec.Struct, frozen=True, kw_only=True):
    """When a role's credentials were used last, and in which Region."""

    time: float
    region: str


users = Table("iam.users", User)
groups = Table("iam.groups", Group)
roles = Table("iam.roles", Role)
instance_profiles = Table("iam.instance_profiles", InstanceProfile)
policies = Table("iam.policies", ManagedPolicy)
access_keys = Table("iam.access_keys", AccessKey)
key_uses = Table("iam.key_uses", KeyUse)
role_uses = Table("iam.role_uses", RoleUse)
accesses = Table("iam.accesses", Access, key=tuple[str, str])

users_by_id = users.index("id", lambda row: row.id)
roles_by_id = roles.index("id", lambda row: row.id)
profiles_by_role = instance_profiles.index("role", lambda row: row.role or None)
keys_by_owner = access_keys.index("owner", lambda row: (row.account, row.user))
