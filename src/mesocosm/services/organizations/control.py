"""What happens by itself: accounts are made and closed, handshakes expire and are forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from msgspec.structs import replace

from mesocosm.api import iam as iam_api
from mesocosm.call.call import Call
from mesocosm.iam import Principal
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.operations.closing import depart
from mesocosm.services.organizations.operations.handshakes import RUNNING
from mesocosm.services.organizations.operations.organization import joined, link_role
from mesocosm.services.organizations.operations.policies import attach_defaults
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@organizations.timer("create")
def create(call: Call, key: str) -> None:
    """Make the account that was asked for, or say why it cannot be."""
    of = call.world.derived(tree.Tree)
    wanted = of.creations.get(key)
    organization = of.organizations.get(wanted.organization) if wanted is not None else None
    if wanted is None or organization is None:
        return
    taken = of.accounts.find(rows.accounts_by_email, wanted.email.lower())
    if taken or rows.APPEARED.fullmatch(wanted.email):
        done = replace(wanted, state="FAILED", failure="EMAIL_ALREADY_EXISTS")
    else:
        account = _number(call, of)
        try:
            _furnish(call, organization, account, wanted.role)
        except AwsError:
            done = replace(wanted, state="FAILED", failure="INTERNAL_FAILURE")
        else:
            done = replace(wanted, state="SUCCEEDED", account=account)
            # The account joins when it is furnished: no policy of the organization hinders that.
            of.accounts[account] = rows.Account(
                id=account,
                name=wanted.name,
                email=wanted.email,
                organization=organization.id,
                parent=organization.root,
                method="CREATED",
                joined=call.now,
                created=call.now,
                tags=wanted.tags,
            )
            attach_defaults(call, of, organization, account)
            joined(call, organization, account, "CREATED")
    done = of.creations[key] = replace(done, completed=call.now)
    call.at(call.now + quotas.CREATION_KEPT_S, "forget", key)
    call.event("CreateAccountResult", createAccountStatus=_told(done))


def _number(call: Call, of: tree.Tree) -> str:
    """Twelve random digits that no account has."""
    while True:
        found = call.ids.digits(12)
        if found not in of.accounts and found[0] != "0":
            return found


def _furnish(call: Call, organization: rows.Organization, account: str, role: str) -> None:
    """The roles of a new account: one for Organizations, one for the management account's
    administrators.
    """
    root = Principal(
        kind="root",
        account=account,
        arn=f"arn:aws:iam::{account}:root",
        id=account,
        invoked_by=organizations.source,
    )
    link_role(call, account, root)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{organization.management}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    call.invoke(
        "iam",
        "CreateRole",
        iam_api.CreateRoleRequest(
            role_name=role, assume_role_policy_document=json.dumps(trust, separators=(",", ":"))
        ),
        principal=root,
        account=account,
    )
    call.invoke(
        "iam",
        "AttachRolePolicy",
        iam_api.AttachRolePolicyRequest(role_name=role, policy_arn=ADMINISTRATOR),
        principal=root,
        account=account,
    )


def _told(row: rows.Creation) -> dict[str, str]:
    """The status of a creation as CloudTrail's event has it."""
    found = {
        "id": row.id,
        "state": row.state,
        "accountName": "****",
        "requestedTimestamp": _date(row.requested),
        "completedTimestamp": _date(row.completed or row.requested),
    }
    if row.account is not None:
        found["accountId"] = row.account
    if row.failure is not None:
        found["failureReason"] = row.failure
    return found


def _date(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%b} {moment.day}, {moment:%Y} {moment.hour % 12 or 12}:{moment:%M:%S %p}"


@organizations.timer("close")
def close(call: Call, key: str) -> None:
    """A closed account is suspended: its principals are refused. After 90 days it is gone from the
    organization.
    """
    of = call.world.derived(tree.Tree)
    row = of.accounts.get(key)
    if row is not None and row.status == "PENDING_CLOSURE":
        of.accounts[key] = replace(row, status="SUSPENDED")
        call.event("CloseAccountResult", closeAccountStatus=_closed(call, row))
        call.at(call.now + quotas.CLOSED_KEPT_S, "close", key)
    elif row is not None and row.status == "SUSPENDED" and row.organization:
        depart(call, of, row, "CLOSED")


def _closed(call: Call, row: rows.Account) -> dict[str, str]:
    return {"accountId": row.id, "state": "SUCCEEDED", "completedTimestamp": _date(call.now)}


@organizations.timer("expire")
def expire(call: Call, key: str) -> None:
    """Nobody has answered in time."""
    of = call.world.derived(tree.Tree)
    row = of.handshakes.get(key)
    if row is not None and row.state in RUNNING:
        of.handshakes[key] = replace(row, state="EXPIRED")
        call.at(call.now + quotas.HANDSHAKE_KEPT_S, "forget", key)


@organizations.timer("forget")
def forget(call: Call, key: str) -> None:
    """What has ended long ago is shown no longer."""
    of = call.world.derived(tree.Tree)
    of.handshakes.pop(key, None)
    of.creations.pop(key, None)
