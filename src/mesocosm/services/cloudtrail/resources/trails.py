"""How a trail is found by its name or ARN, from where it can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mesocosm.call.service import Target
from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.iam import Principal
    from mesocosm.world import World


@cloudtrail.resource
def target(world: World, arn: str) -> Target | None:
    """A trail, by its ARN."""
    try:
        account, region, name = names.parse_arn(arn)
    except AwsError:
        return None
    row = world.rows(rows.trails, account, region).get(name)
    if row is None:
        return None
    return Target(arn, account, row.tags, region=region)


def organization_of(call: Call, account: str) -> str:
    """The id of the organization an account belongs to, or nothing."""
    provider = call.cloud.provider("organization")
    membership = provider.membership(account) if provider else None
    return membership.organization if membership else ""


def visible(call: Call) -> Iterator[rows.Trail]:
    """The trails of this Region: those made here, and the shadows of those that cover it."""
    organization = organization_of(call, call.account)
    for row in rows.all_trails(call.world):
        own = row.account == call.account
        shared = bool(row.organization) and row.organization == organization
        if (own or shared) and (row.multi_region or row.region == call.region):
            yield row


def find(call: Call, name: str | None) -> rows.Trail:
    """The trail of a name or ARN, also one whose shadow is here.

    Raises TrailNotFoundException, InvalidTrailNameException, CloudTrailARNInvalidException.
    """
    name = name or ""
    if name.startswith("arn:"):
        account, region, short = names.parse_arn(name)
        row = call.world.rows(rows.trails, account, region).get(short)
        if row is not None and (
            account == call.account
            or (row.organization and row.organization == organization_of(call, call.account))
        ):
            return row
        raise not_found(call, name)
    names.check_name(name)
    own = call.rows(rows.trails).get(name)
    if own is not None:
        return own
    for row in visible(call):
        if row.name == name:
            return row
    raise not_found(call, names.trail_arn(call.account, call.region, name))


def own(call: Call, name: str | None) -> rows.Trail:
    """The trail of a name or ARN, to be changed: only at home, only by its account.

    Raises also InvalidHomeRegionException, NotOrganizationMasterAccountException.
    """
    row = find(call, name)
    if row.account != call.account and not administers(call, row):
        raise AwsError(
            "NotOrganizationMasterAccountException",
            "This operation can be performed only by the organization's management account or "
            "the delegated administrator account for CloudTrail.",
        )
    if row.region != call.region:
        raise AwsError(
            "InvalidHomeRegionException",
            f"The home Region of trail {row.arn} is {row.region}. This operation must be called "
            "from the Region in which the trail was created.",
        )
    return row


def administers(call: Call, row: rows.Trail) -> bool:
    """Whether the caller's account is the delegated administrator of an organization's trails."""
    provider: Any = call.cloud.provider("organization")
    return bool(
        row.organization
        and row.organization == organization_of(call, call.account)
        and provider.delegated(call.account, cloudtrail.source)
    )


def put(call: Call, row: rows.Trail) -> None:
    """Write a trail."""
    call.rows(rows.trails, row.account, row.region)[row.name] = row


def not_found(call: Call, arn: str) -> AwsError:
    """There is no such trail, as far as this account can see."""
    return AwsError("TrailNotFoundException", f"Unknown trail: {arn} for the user: {call.account}")


def _shared(principal: Principal, action: str, context: Any) -> str | None:
    return "a trail of the organization"


def arn_of(call: Call, name: str | None) -> str:
    """The ARN a decision is about: of the trail that a name or ARN means.

    A trail of the caller's organization is open to it; what only administrators may is refused by
    the operation.
    """
    try:
        row = find(call, name)
        if row.account != call.account:
            call.targets[row.arn] = Target(
                row.arn, row.account, row.tags, open=_shared, region=row.region
            )
        return row.arn
    except AwsError:
        if name and name.startswith("arn:"):
            return name
        return names.trail_arn(call.account, call.region, name or "")
