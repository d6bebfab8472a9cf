"""Handshakes: invitations, and the way to all features."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.operations import accounts, common
from mesocosm.services.organizations.operations.common import MANAGEMENT, READ, on
from mesocosm.services.organizations.operations.organization import (
    joined,
    link_role,
    standing_account,
)
from mesocosm.services.organizations.operations.policies import attach_defaults
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError

RUNNING = ("OPEN", "REQUESTED")


def constraint(reason: str, message: str) -> AwsError:
    """HandshakeConstraintViolationException."""
    return AwsError("HandshakeConstraintViolationException", message, Reason=reason)


def shape(call: Call, row: rows.Handshake) -> api.Handshake:
    """A handshake as answers carry it."""
    management = standing_account(call, row.management)
    detail = [
        api.HandshakeResource(type="MASTER_EMAIL", value=management.email),
        api.HandshakeResource(type="MASTER_NAME", value=management.name),
        api.HandshakeResource(type="ORGANIZATION_FEATURE_SET", value=row.features),
    ]
    resources = [
        api.HandshakeResource(type="ORGANIZATION", value=row.organization, resources=detail)
    ]
    parties = [api.HandshakeParty(id=row.organization[2:], type="ORGANIZATION")]
    if row.party_type != "ORGANIZATION":
        parties.append(api.HandshakeParty(id=row.party, type=row.party_type))
        resources.append(api.HandshakeResource(type=row.party_type, value=row.party))
    if row.notes is not None:
        resources.append(api.HandshakeResource(type="NOTES", value=row.notes))
    if row.parent:
        resources.append(api.HandshakeResource(type="PARENT_HANDSHAKE", value=row.parent))
    return api.Handshake(
        id=row.id,
        arn=tree.handshake_arn(row),
        parties=parties,
        state=row.state,
        requested_timestamp=row.requested,
        expiration_timestamp=row.expires,
        action=row.action,
        resources=resources,
    )


def _found(call: Call, name: str) -> rows.Handshake:
    """A handshake the caller is a party of; raises HandshakeNotFoundException."""
    of = common.world_tree(call)
    row = of.handshakes.get(name)
    if row is None or call.account not in (row.management, of.invited(row)):
        raise AwsError(
            "HandshakeNotFoundException",
            "We can't find a handshake with the HandshakeId that you specified.",
        )
    return row


def _named(call: Call, request: api.DescribeHandshakeRequest) -> str:
    row = common.world_tree(call).handshakes.get(request.handshake_id)
    if row is not None and call.account in (
        row.management,
        common.world_tree(call).invited(row),
    ):
        return tree.handshake_arn(row)
    return call.arn(f"handshake/o-*/*/{request.handshake_id}")


def _end(call: Call, row: rows.Handshake, state: str) -> rows.Handshake:
    """Move a running handshake to its last state; raises the refusal of one that is not running."""
    if row.state == state:
        raise AwsError(
            "HandshakeAlreadyInStateException",
            "The specified handshake is already in the requested state. For example, you can't "
            "accept a handshake that was already accepted.",
        )
    if row.state not in RUNNING:
        raise AwsError(
            "InvalidHandshakeTransitionException",
            "You can't perform the operation on the handshake in its current state. For example, "
            "you can't cancel a handshake that was already accepted or accept a handshake that was "
            "already declined.",
        )
    ended = replace(row, state=state)
    common.world_tree(call).handshakes[row.id] = ended
    return ended


def start(call: Call, row: rows.Handshake) -> rows.Handshake:
    """Keep a new handshake and see to its expiry."""
    common.world_tree(call).handshakes[row.id] = row
    call.at(row.expires, "expire", row.id)
    return row


# -- invitations -----------------------------------------------------------------------------------


@on(
    "InviteAccountToOrganization",
    MANAGEMENT,
    lambda _, __, organization, request: (
        tree.account_arn(organization, request.target.id)
        if request.target.type == "ACCOUNT"
        else "*"
    ),
    tagging=True,
)
def invite_account_to_organization(
    call: Call, request: api.InviteAccountToOrganizationRequest
) -> api.InviteAccountToOrganizationResponse:
    """Offer another account, by its id or its e-mail address, to become a member within 15 days."""
    of, organization = common.here(call)
    party, kind = request.target.id, request.target.type
    if kind == "ORGANIZATION":
        raise common.invalid(
            "INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity as a party."
        )
    if kind == "ACCOUNT" and not (len(party) == 12 and party.isdigit()):
        raise common.invalid(
            "INVALID_PATTERN", "You provided a value that doesn't match the pattern."
        )
    running = [
        of.handshakes[key] for key in of.handshakes.find(rows.handshakes_of, organization.id)
    ]
    running = [row for row in running if row.state in RUNNING]
    if any(row.action == "ENABLE_ALL_FEATURES" for row in running):
        raise constraint(
            "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES",
            "You can't invite accounts while enabling all features is in progress.",
        )
    if any(row.action == "INVITE" and row.party.lower() == party.lower() for row in running):
        raise AwsError(
            "DuplicateHandshakeException",
            "A handshake with the same action and target already exists.",
        )
    row = rows.Handshake(
        id=common.new_id(call, "h-", 32),
        organization=organization.id,
        management=call.account,
        action="INVITE",
        party=party,
        party_type=kind,
        requested=call.now,
        expires=call.now + quotas.INVITATION_S,
        notes=request.notes,
        tags=common.checked_tags(request.tags),
        features=organization.features,
    )
    invited = of.accounts.get(of.invited(row))
    if invited is not None and invited.organization == organization.id:
        raise AwsError(
            "DuplicateAccountException", "The account is already a member of the organization."
        )
    if not accounts.room(of, organization):
        raise constraint(
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts."
        )
    return api.InviteAccountToOrganizationResponse(handshake=shape(call, start(call, row)))


@organizations.operation("AcceptHandshake", resource=_named)
def accept_handshake(
    call: Call, request: api.AcceptHandshakeRequest
) -> api.AcceptHandshakeResponse:
    """Agree: the account joins, or the change to all features is approved or finished."""
    row = _found(call, request.handshake_id)
    of = common.world_tree(call)
    accepter = row.management if row.action == "ENABLE_ALL_FEATURES" else of.invited(row)
    if call.account != accepter:
        raise common.denied()
    if row.action == "INVITE" and row.state == "OPEN" and of.of(call.account) is not None:
        raise constraint(
            "ALREADY_IN_AN_ORGANIZATION", "The account is already a member of an organization."
        )
    if row.action == "ENABLE_ALL_FEATURES" and row.state == "REQUESTED":
        raise AwsError(
            "InvalidHandshakeTransitionException",
            "You can't accept the handshake before every invited account has approved it.",
        )
    ended = _end(call, row, "ACCEPTED")
    organization = of.organizations[row.organization]
    if row.action == "INVITE":
        _join(call, of, organization, row)
    elif row.action == "APPROVE_ALL_FEATURES":
        _approved(call, of, row.parent)
    else:
        of.organizations[organization.id] = replace(organization, features="ALL")
    call.at(call.now + quotas.HANDSHAKE_KEPT_S, "forget", row.id)
    return api.AcceptHandshakeResponse(handshake=shape(call, ended))


def _join(call: Call, of: tree.Tree, organization: rows.Organization, row: rows.Handshake) -> None:
    link_role(call, call.account)
    of.accounts[call.account] = replace(
        standing_account(call, call.account),
        organization=organization.id,
        parent=organization.root,
        joined=call.now,
        method="INVITED",
        tags=row.tags,
    )
    attach_defaults(call, of, organization, call.account)
    joined(call, organization, call.account, "INVITED")


def _approved(call: Call, of: tree.Tree, parent: str) -> None:
    """When everybody has approved, the management account may finish."""
    waiting = any(row.parent == parent and row.state in RUNNING for row in of.handshakes.values())
    found = of.handshakes.get(parent)
    if found is not None and found.state == "REQUESTED" and not waiting:
        of.handshakes[parent] = replace(found, state="OPEN")


@organizations.operation("DeclineHandshake", resource=_named)
def decline_handshake(
    call: Call, request: api.DeclineHandshakeRequest
) -> api.DeclineHandshakeResponse:
    """Say no."""
    row = _found(call, request.handshake_id)
    if call.account != common.world_tree(call).invited(row):
        raise common.denied()
    ended = _end(call, row, "DECLINED")
    call.at(call.now + quotas.HANDSHAKE_KEPT_S, "forget", row.id)
    return api.DeclineHandshakeResponse(handshake=shape(call, ended))


@organizations.operation("CancelHandshake", resource=_named)
def cancel_handshake(
    call: Call, request: api.CancelHandshakeRequest
) -> api.CancelHandshakeResponse:
    """Take an offer back."""
    row = _found(call, request.handshake_id)
    if call.account != row.management:
        raise common.denied()
    ended = _end(call, row, "CANCELED")
    of = common.world_tree(call)
    for key, other in list(of.handshakes.items()):
        if other.parent == row.id and other.state in RUNNING:
            of.handshakes[key] = replace(other, state="CANCELED")
    call.at(call.now + quotas.HANDSHAKE_KEPT_S, "forget", row.id)
    return api.CancelHandshakeResponse(handshake=shape(call, ended))


@organizations.operation("DescribeHandshake", resource=_named)
def describe_handshake(
    call: Call, request: api.DescribeHandshakeRequest
) -> api.DescribeHandshakeResponse:
    """One handshake."""
    return api.DescribeHandshakeResponse(handshake=shape(call, _found(call, request.handshake_id)))


def _filtered(
    every: Iterable[rows.Handshake], wanted: api.HandshakeFilter | None
) -> list[rows.Handshake]:
    if wanted is None:
        return list(every)
    return [
        row
        for row in every
        if wanted.action_type in (None, row.action)
        and wanted.parent_handshake_id in (None, row.parent)
    ]


@organizations.operation("ListHandshakesForAccount")
def list_handshakes_for_account(
    call: Call, request: api.ListHandshakesForAccountRequest
) -> api.ListHandshakesForAccountResponse:
    """The handshakes offered to the caller's account."""
    of = common.world_tree(call)
    names = {call.account, standing_account(call, call.account).email.lower()}
    keys = {key for name in names for key in of.handshakes.find(rows.handshakes_with, name)}
    offered = _filtered((of.handshakes[key] for key in keys), request.filter)
    found, token = common.paged(request, offered, lambda row: row.id)
    return api.ListHandshakesForAccountResponse(
        handshakes=[shape(call, row) for row in found], next_token=token
    )


@on("ListHandshakesForOrganization", READ)
def list_handshakes_for_organization(
    call: Call, request: api.ListHandshakesForOrganizationRequest
) -> api.ListHandshakesForOrganizationResponse:
    """The handshakes of the organization."""
    of, organization = common.here(call)
    every = (of.handshakes[key] for key in of.handshakes.find(rows.handshakes_of, organization.id))
    found, token = common.paged(request, _filtered(every, request.filter), lambda row: row.id)
    return api.ListHandshakesForOrganizationResponse(
        handshakes=[shape(call, row) for row in found], next_token=token
    )


# -- all features ----------------------------------------------------------------------------------


@on("EnableAllFeatures", MANAGEMENT)
def enable_all_features(call: Call, request: object) -> api.EnableAllFeaturesResponse:
    """Ask every invited account to approve; when all have, the management account accepts its own
    handshake.
    """
    of, organization = common.here(call)
    if organization.features == "ALL":
        raise constraint(
            "ORGANIZATION_ALREADY_HAS_ALL_FEATURES",
            "The organization already has all features enabled.",
        )
    every = [of.handshakes[key] for key in of.handshakes.find(rows.handshakes_of, organization.id)]
    if any(row.action == "ENABLE_ALL_FEATURES" and row.state in RUNNING for row in every):
        raise constraint(
            "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
            "The organization is already pending all features migration.",
        )
    invited = [
        row
        for row in of.members(organization)
        if row.method == "INVITED" and row.id != organization.management
    ]
    main = rows.Handshake(
        id=common.new_id(call, "h-", 32),
        organization=organization.id,
        management=call.account,
        action="ENABLE_ALL_FEATURES",
        party=organization.id,
        party_type="ORGANIZATION",
        requested=call.now,
        expires=call.now + quotas.ALL_FEATURES_S,
        state="REQUESTED" if invited else "OPEN",
    )
    start(call, main)
    for member in invited:
        approval = replace(
            main,
            id=common.new_id(call, "h-", 32),
            action="APPROVE_ALL_FEATURES",
            party=member.id,
            party_type="ACCOUNT",
            state="OPEN",
            parent=main.id,
        )
        start(call, approval)
    return api.EnableAllFeaturesResponse(handshake=shape(call, main))
