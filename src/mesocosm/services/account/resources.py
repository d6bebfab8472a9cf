"""What is kept of an account: its name and whom to write to."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from mesocosm.call.call import GLOBAL_REGION, Call
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account. `contact` holds the members of ContactInformation by their wire names."""

    name: str = ""
    created: float | None = None
    contact: dict[str, str] = {}


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else to write to about billing, operations or security."""

    name: str
    title: str
    email: str
    phone: str


profiles: Table[str, Profile] = Table("account.profiles", Profile)
contacts: Table[str, Contact] = Table("account.contacts", Contact)

PROFILE = "profile"
"""The key of the one profile in an account's cell."""


class Meant(NamedTuple):
    """The account a request is about, and its ARN."""

    account: str
    arn: str


def meant(call: Call, account_id: str | None) -> Meant:
    """The caller's own account, or a member of the organization the caller's account manages.

    Source: AWS Account Management API reference, the parameter AccountId.
    """
    if account_id is None or account_id == call.account:
        return Meant(call.account, f"arn:aws:account::{call.account}:account")
    provider = call.cloud.provider("organization")
    mine = provider.membership(call.account) if provider else None
    theirs = provider.membership(account_id) if provider else None
    organization = mine.organization if mine is not None and mine.exempt else "o-none"
    arn = f"arn:aws:account::{call.account}:account/{organization}/{account_id}"
    if theirs is None or theirs.organization != organization:
        raise AwsError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to perform: "
            f"account:{call.operation.name if call.operation else '*'} on resource: {arn}",
        )
    return Meant(account_id, arn)


def profile(call: Call, account: str) -> Profile:
    """What is kept of an account, or an empty profile."""
    return call.rows(profiles, account, GLOBAL_REGION).get(PROFILE) or Profile()
