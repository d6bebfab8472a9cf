"""What is kept of an account: its name and whom to write to."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from mesocosm.call.call import GLOBAL_REGION, Call
from mesocosm.call.service import Target
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account. `contact` holds the members of ContactInformation by their wire names."""

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

SERVICE = "account.amazonaws.com"
PROFILE = "profile"
"""The key of the one profile in an account's cell."""


class Meant(NamedTuple):
    """The account a request is about, and its ARN."""

    account: str
    arn: str


def meant(call: Call, account_id: str | None) -> Meant:
    """The caller's own account, or a member of its organization, if the caller's account manages
    that or is a delegated administrator of Account Management.

    Source: AWS Account Management API reference, the parameter AccountId.
    """
    if account_id is None:
        return Meant(call.account, f"arn:aws:account::{call.account}:account")
    provider = call.cloud.provider("organization")
    mine, theirs = provider.membership(call.account), provider.membership(account_id)
    manager = provider.management(call.account)
    if mine is None or not (mine.exempt or provider.delegated(call.account, SERVICE)):
        if account_id == call.account:
            return Meant(call.account, f"arn:aws:account::{call.account}:account")
        arn = f"arn:aws:account::{call.account}:account/o-none/{account_id}"
        raise _denied(call, f"on resource: {arn}")
    arn = f"arn:aws:account::{manager}:account/{mine.organization}/{account_id}"
    if theirs is None or theirs.organization != mine.organization:
        raise _denied(call, f"on resource: {arn}")
    if theirs.exempt:
        raise _denied(
            call,
            "(The management account can only be managed using the standalone context from the "
            "management account.)",
        )
    if not provider.trusted(call.account, SERVICE):
        raise _denied(
            call,
            "(Your organization must first enable trusted access with AWS Account Management.)",
        )
    # The ARN names the management account; the caller's own policies decide all the same.
    call.targets[arn] = Target(arn, call.account)
    return Meant(account_id, arn)


def _denied(call: Call, why: str) -> AwsError:
    action = f"account:{call.operation.name if call.operation else '*'}"
    return AwsError(
        "AccessDeniedException",
        f"User: {call.principal.arn} is not authorized to perform: {action} {why}",
    )


def profile(call: Call, account: str) -> Profile:
    """What is kept of an account, or an empty profile."""
    return call.rows(profiles, account, GLOBAL_REGION).get(PROFILE) or Profile()
