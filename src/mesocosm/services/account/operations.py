"""The operations of Account Management. Those that need an e-mail or a phone are not here."""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec.structs import replace

from mesocosm.api import account as api
from mesocosm.call.call import GLOBAL_REGION, Call
from mesocosm.call.paging import page
from mesocosm.call.regions import REGIONS, Choice, Region, choices, opt_status
from mesocosm.services.account import account
from mesocosm.services.account.resources import (
    PROFILE,
    Contact,
    contacts,
    meant,
    profile,
    profiles,
)
from mesocosm.wire.errors import AwsError

TURNING_SECONDS = 60
"""How long turning a Region on or off takes. AWS: minutes to hours."""


class OfAccount(Protocol):
    """A request that may name a member account."""

    @property
    def account_id(self) -> str | None: ...


def account_arn(call: Call, request: OfAccount) -> str:
    """The ARN of the account a request is about."""
    return meant(call, request.account_id).arn


def _no_contact(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"No {what} was found.")


# -- the account -----------------------------------------------------------------------------


@account.operation("PutAccountName", resource=account_arn)
def put_account_name(call: Call, request: api.PutAccountNameRequest) -> None:
    """Name an account."""
    owner = meant(call, request.account_id).account
    call.cloud.provider("organization").rename(owner, request.account_name)


@account.operation("GetAccountInformation", resource=account_arn)
def get_account_information(
    call: Call, request: api.GetAccountInformationRequest
) -> api.GetAccountInformationResponse:
    """Name, age and state. An account that is seen for the first time begins now."""
    owner = meant(call, request.account_id).account
    held = profile(call, owner)
    provider = call.cloud.provider("organization")
    place, known = provider.membership(owner), provider.account(owner)
    created = held.created or (place.created if place else None)
    if created is None:
        created = call.now
        call.rows(profiles, owner, GLOBAL_REGION)[PROFILE] = replace(held, created=created)
    return api.GetAccountInformationResponse(
        account_id=owner,
        account_name=known.name if known else f"account-{owner}",
        account_created_date=created,
        account_state="ACTIVE" if place is None or place.status == "ACTIVE" else "SUSPENDED",
    )


@account.operation("GetPrimaryEmail", resource=account_arn)
def get_primary_email(
    call: Call, request: api.GetPrimaryEmailRequest
) -> api.GetPrimaryEmailResponse:
    """The address of a member's root user."""
    known = call.cloud.provider("organization").account(meant(call, request.account_id).account)
    if known is None or request.account_id == call.account:
        raise AwsError("ResourceNotFoundException", "The account is in no organization.")
    return api.GetPrimaryEmailResponse(primary_email=known.email)


@account.operation("GetContactInformation", resource=account_arn)
def get_contact_information(
    call: Call, request: api.GetContactInformationRequest
) -> api.GetContactInformationResponse:
    """The primary contact."""
    held = profile(call, meant(call, request.account_id).account).contact
    if not held:
        raise _no_contact("contact information")
    return api.GetContactInformationResponse(
        contact_information=msgspec.convert(held, api.ContactInformation)
    )


@account.operation("PutContactInformation", resource=account_arn)
def put_contact_information(call: Call, request: api.PutContactInformationRequest) -> None:
    """Replace the primary contact."""
    owner = meant(call, request.account_id).account
    held: dict[str, str] = msgspec.to_builtins(request.contact_information)
    rows = call.rows(profiles, owner, GLOBAL_REGION)
    rows[PROFILE] = replace(profile(call, owner), contact=held)


# -- alternate contacts ----------------------------------------------------------------------


class OfContact(Protocol):
    """A request about one alternate contact."""

    @property
    def alternate_contact_type(self) -> str: ...


def _type(call: Call, request: OfContact) -> list[str]:
    return [request.alternate_contact_type]


CONTACT_TYPE = {"account:AlternateContactTypes": _type}


@account.operation("GetAlternateContact", resource=account_arn, conditions=CONTACT_TYPE)
def get_alternate_contact(
    call: Call, request: api.GetAlternateContactRequest
) -> api.GetAlternateContactResponse:
    """Whom to write to about billing, operations or security."""
    owner = meant(call, request.account_id).account
    held = call.rows(contacts, owner, GLOBAL_REGION).get(request.alternate_contact_type)
    if held is None:
        raise _no_contact("alternate contact of the given type")
    return api.GetAlternateContactResponse(
        alternate_contact=api.AlternateContact(
            name=held.name,
            title=held.title,
            email_address=held.email,
            phone_number=held.phone,
            alternate_contact_type=request.alternate_contact_type,
        )
    )


@account.operation("PutAlternateContact", resource=account_arn, conditions=CONTACT_TYPE)
def put_alternate_contact(call: Call, request: api.PutAlternateContactRequest) -> None:
    """Set or replace an alternate contact."""
    owner = meant(call, request.account_id).account
    call.rows(contacts, owner, GLOBAL_REGION)[request.alternate_contact_type] = Contact(
        name=request.name,
        title=request.title,
        email=request.email_address.strip(),
        phone=request.phone_number,
    )


@account.operation("DeleteAlternateContact", resource=account_arn, conditions=CONTACT_TYPE)
def delete_alternate_contact(call: Call, request: api.DeleteAlternateContactRequest) -> None:
    """Take an alternate contact away."""
    owner = meant(call, request.account_id).account
    rows = call.rows(contacts, owner, GLOBAL_REGION)
    if request.alternate_contact_type not in rows:
        raise _no_contact("alternate contact of the given type")
    del rows[request.alternate_contact_type]


# -- Regions ---------------------------------------------------------------------------------


class OfRegion(Protocol):
    """A request about one Region."""

    @property
    def region_name(self) -> str: ...


def _target(call: Call, request: OfRegion) -> str:
    return request.region_name


TARGET_REGION = {"account:TargetRegion": _target}


def _region(name: str) -> Region:
    found = REGIONS.get(name)
    if found is None:
        raise AwsError("ValidationException", f"{name} is not a valid Region name.")
    return found


@account.operation("ListRegions", resource=account_arn)
def list_regions(call: Call, request: api.ListRegionsRequest) -> api.ListRegionsResponse:
    """All Regions with their state in an account."""
    owner = meant(call, request.account_id).account
    wanted = request.region_opt_status_contains
    shown = [(name, opt_status(call.world, owner, region)) for name, region in REGIONS.items()]
    found, token = page(
        [one for one in shown if not wanted or one[1] in wanted],
        lambda one: one[0],
        request.next_token,
        request.max_results or 50,
        lambda: AwsError("ValidationException", "The provided NextToken is not valid."),
    )
    return api.ListRegionsResponse(
        regions=[api.Region(region_name=name, region_opt_status=status) for name, status in found],
        next_token=token,
    )


@account.operation("GetRegionOptStatus", resource=account_arn, conditions=TARGET_REGION)
def get_region_opt_status(
    call: Call, request: api.GetRegionOptStatusRequest
) -> api.GetRegionOptStatusResponse:
    """The state of a Region in an account."""
    owner = meant(call, request.account_id).account
    status = opt_status(call.world, owner, _region(request.region_name))
    return api.GetRegionOptStatusResponse(region_name=request.region_name, region_opt_status=status)


def _turn(
    call: Call, request: api.EnableRegionRequest | api.DisableRegionRequest, on: bool
) -> None:
    owner = meant(call, request.account_id).account
    region = _region(request.region_name)
    if not region.opt_in:
        done = "enabled" if on else "disabled"
        raise AwsError(
            "ValidationException",
            f"The Region {region.name} is enabled by default and can not be {done}.",
            reason="invalidRegionOptTarget",
        )
    status = opt_status(call.world, owner, region)
    if status in ("ENABLING", "DISABLING"):
        doing = "enabled" if status == "ENABLING" else "disabled"
        raise AwsError("ConflictException", f"The Region {region.name} is being {doing}.")
    if (status == "ENABLED") == on:
        return
    rows = call.rows(choices, owner, GLOBAL_REGION)
    rows[region.name] = Choice("ENABLING" if on else "DISABLING", call.now)
    due = call.now + TURNING_SECONDS
    call.timers.at(due, "account", "region", region.name, owner, GLOBAL_REGION)


@account.operation("EnableRegion", resource=account_arn, conditions=TARGET_REGION)
def enable_region(call: Call, request: api.EnableRegionRequest) -> None:
    """Opt in to a Region."""
    _turn(call, request, True)


@account.operation("DisableRegion", resource=account_arn, conditions=TARGET_REGION)
def disable_region(call: Call, request: api.DisableRegionRequest) -> None:
    """Opt out of a Region."""
    _turn(call, request, False)
