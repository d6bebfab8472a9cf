"""ARNs of IAM: `arn:aws:iam::ACCOUNT:KIND/path/Name`."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Pathed(Protocol):
    """A row with a path and a name."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...


class Name(NamedTuple):
    """The parts of an IAM ARN. `path` begins and ends with a slash."""

    account: str
    kind: str
    path: str
    name: str

    @property
    def key(self) -> str:
        """The key of the row."""
        return self.name.lower()


def arn_of(account: str, kind: str, row: Pathed) -> str:
    """The ARN of a row: `kind` is user, group, role, policy, instance-profile, server-certificate
    or mfa."""
    return f"arn:aws:iam::{account}:{kind}{row.path}{row.name}"


def split(arn: str) -> Name | None:
    """The parts of an ARN of IAM with a kind and a name; None for anything else (such as
    `...:root`)."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "iam" or "/" not in parts[5]:
        return None
    kind, _, rest = parts[5].partition("/")
    path, _, name = ("/" + rest).rpartition("/")
    return Name(parts[4], kind, path + "/", name) if name else None
