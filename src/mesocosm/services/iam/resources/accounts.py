"""What an account as a whole has: alias, password policy, preferences. One row per account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.call.call import Call

KEY = "account"


class PasswordPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules for passwords of users; the defaults are those of UpdateAccountPasswordPolicy."""

    minimum_length: int = 6
    symbols: bool = False
    numbers: bool = False
    upper: bool = False
    lower: bool = False
    users_may_change: bool = False
    max_age: int | None = None
    reuse_prevention: int | None = None
    hard_expiry: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account. `created` is the time of its first change here, 0 when there was none.

    `issuer` is the URL of the account's own token issuer (outbound web identity federation);
    `root_features` are
    those of centralised root access, kept with the management account.
    """

    created: float = 0
    alias: str = ""
    password_policy: PasswordPolicy | None = None
    token_version: int = 1
    report: bytes = b""
    report_at: float | None = None
    issuer: str = ""
    vends_tokens: bool = False
    root_features: tuple[str, ...] = ()


accounts = Table("iam.accounts", Account)
NEW = Account()


def of(call: Call) -> Account:
    """The account of the call."""
    return call.rows(accounts).get(KEY, NEW)


def change(call: Call, *, account: str | None = None, **changes: object) -> None:
    """Change the account of the call, or the one named."""
    cell = call.rows(accounts, account=account)
    old = cell.get(KEY, NEW)
    cell[KEY] = replace(old, created=old.created or call.now, **changes)


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """Whose an account alias is: aliases are unique in the partition."""

    account: str


aliases = Table("iam.aliases", Alias)
