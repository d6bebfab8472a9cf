"""Grants: made, listed, retired by whom they are for, revoked by whose key it is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.paging import paged
from mesocosm.services.kms.operations.shared import conditions, own_key_arn
from mesocosm.services.kms.resources.finding import named
from mesocosm.services.kms.resources.granting import CONSTRAINTS, GRANT
from mesocosm.services.kms.resources.rows import (
    Grant,
    Key,
    grants,
    grants_by_key,
    grants_by_retiring,
)
from mesocosm.services.kms.rules.specs import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    MAC,
    SIGN,
    SYMMETRIC,
    asymmetric,
)
from mesocosm.wire.errors import AwsError

PER_KEY_MAX = 50_000
PAIRS_MAX = 8
VALUE_MAX = 384
ALWAYS = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
DATA_KEYS = frozenset(
    {
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
    }
)
BY_USAGE = {
    ENCRYPT: frozenset({"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}),
    SIGN: frozenset({"Sign", "Verify"}),
    MAC: frozenset({"GenerateMac", "VerifyMac"}),
    AGREE: frozenset({"DeriveSharedSecret"}),
    ENCAPSULATE: frozenset({"Encapsulate", "Decapsulate"}),
}


def _permitted(key: Key) -> frozenset[str]:
    """The operations a grant on the key may name."""
    found = ALWAYS | BY_USAGE[key.usage]
    if key.spec == SYMMETRIC:
        found |= DATA_KEYS
    return found | {"GetPublicKey"} if asymmetric(key.spec) else found


# -- grant tokens ----------------------------------------------------------------------------------


def _token(call: Call, key: Key, grant_id: str) -> str:
    """A token names its grant; every answer gives another one."""
    parts = (key.account, key.region, key.id, grant_id, call.ids.hex(32))
    return base64.urlsafe_b64encode("/".join(parts).encode()).decode().rstrip("=")


# -- making ----------------------------------------------------------------------------------------


def _given(constraints: api.GrantConstraints | None) -> dict[str, Any]:
    if constraints is None:
        return {}
    given = {
        "EncryptionContextEquals": constraints.encryption_context_equals,
        "EncryptionContextSubset": constraints.encryption_context_subset,
        "SourceArn": constraints.source_arn,
    }
    return {name: value for name, value in given.items() if value is not None}


def _create_conditions(call: Call, request: api.CreateGrantRequest) -> dict[str, Values]:
    found = conditions(call, request)
    given = _given(request.constraints)
    found["kms:GrantOperations"] = list(request.operations)
    found[CONSTRAINTS] = msgspec.json.encode(given).decode()
    kinds = [name for name in given if name != "SourceArn"]
    if kinds:
        found["kms:GrantConstraintType"] = kinds[0]
    if "SourceArn" in given:
        found["kms:GrantConstraintSourceArn"] = given["SourceArn"]
    found["kms:GranteePrincipal"] = request.grantee_principal
    found["kms:GranteeServicePrincipal"] = request.grantee_service_principal
    found["kms:RetiringPrincipal"] = request.retiring_principal
    found["kms:RetiringServicePrincipal"] = request.retiring_service_principal
    found["kms:GrantIsForAWSResource"] = _for_service(call)
    for name in ("EncryptionContextEquals", "EncryptionContextSubset"):
        context = given.get(name)
        if context:
            found["kms:EncryptionContextKeys"] = list(context)
            found.update({f"kms:EncryptionContext:{key}": one for key, one in context.items()})
    return found


def _for_service(call: Call) -> str:
    return "true" if call.principal.called_via else "false"


@kms.operation("CreateGrant", resource=own_key_arn, conditions=_create_conditions)
def create_grant(call: Call, request: api.CreateGrantRequest) -> api.CreateGrantResponse:
    """Allow a principal some operations on a key; the grant counts at once."""
    key = shared.living(shared.existing(call, request.key_id, by_alias=False))
    _check(key, request)
    shared.check_tokens(call, request)
    constraints = request.constraints
    grant = Grant(
        key=key.id,
        grantee=request.grantee_principal or request.grantee_service_principal or "",
        grantee_id=_principal_id(call, request.grantee_principal),
        operations=tuple(request.operations),
        created=call.now,
        issuer=call.principal.account or key.account,
        retiring=request.retiring_principal or request.retiring_service_principal or "",
        retiring_id=_principal_id(call, request.retiring_principal),
        name=request.name or "",
        equals=constraints.encryption_context_equals if constraints else None,
        subset=constraints.encryption_context_subset if constraints else None,
        source=(constraints.source_arn or "") if constraints else "",
    )
    rows = call.world.rows(grants, key.account, key.region)
    grant_id = _same(rows, grant) if grant.name else None
    if grant_id is None and len(rows.find(grants_by_key, key.id)) >= PER_KEY_MAX:
        raise AwsError(
            "LimitExceededException", f"A key cannot have more than {PER_KEY_MAX} grants."
        )
    if request.dry_run:
        raise shared.dry_run()
    if grant_id is None:
        grant_id = call.ids.hex(64)
        rows[grant_id] = grant
    return api.CreateGrantResponse(grant_id=grant_id, grant_token=_token(call, key, grant_id))


def _check(key: Key, request: api.CreateGrantRequest) -> None:
    if (request.grantee_principal is None) == (request.grantee_service_principal is None):
        raise AwsError(
            "ValidationException",
            "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
        )
    if request.retiring_principal is not None and request.retiring_service_principal is not None:
        raise AwsError(
            "ValidationException",
            "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
        )
    wrong = [one for one in request.operations if one not in _permitted(key)]
    if wrong or not request.operations:
        raise AwsError(
            "ValidationException",
            f"Grant operations [{', '.join(wrong)}] are not supported for key spec {key.spec} "
            f"with key usage {key.usage}.",
        )
    given = _given(request.constraints)
    if request.grantee_service_principal is not None and (
        "SourceArn" not in given
        or not (request.retiring_principal or request.retiring_service_principal)
    ):
        raise AwsError(
            "ValidationException",
            "A grant for a service principal needs a SourceArn constraint and a retiring "
            "principal.",
        )
    contexts = [given[name] for name in given if name != "SourceArn"]
    if contexts and key.spec != SYMMETRIC:
        raise AwsError(
            "ValidationException",
            f"Encryption context constraints are not supported for key spec {key.spec}.",
        )
    for context in contexts:
        if len(context) > PAIRS_MAX or any(len(one) > VALUE_MAX for one in context.values()):
            raise AwsError(
                "LimitExceededException",
                f"A grant constraint has at most {PAIRS_MAX} pairs, with values of at most "
                f"{VALUE_MAX} characters.",
            )


def _principal_id(call: Call, arn: str | None) -> str:
    """The unique id of a user or role, which must be there; empty for other principals."""
    if arn is None:
        return ""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in ("iam", "sts"):
        raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")
    identity = call.cloud.provider("identity")
    if identity is None or not parts[5].startswith(("user/", "role/")):
        return ""
    found: str | None = identity.unique_id(arn)
    if found is None:
        raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")
    return found


def _same(rows: Any, grant: Grant) -> str | None:
    """The id of a grant with the same name and parameters."""
    found: list[str] = rows.find(grants_by_key, grant.key)
    for grant_id in found:
        if msgspec.structs.replace(rows[grant_id], created=grant.created) == grant:
            return grant_id
    return None


# -- listing ---------------------------------------------------------------------------------


def _entry(call: Call, account: str, grant_id: str, row: Grant) -> api.GrantListEntry:
    """A grant as lists show it. Services are shown under the members for services."""
    constraints = None
    if row.equals is not None or row.subset is not None or row.source:
        constraints = api.GrantConstraints(
            encryption_context_equals=row.equals,
            encryption_context_subset=row.subset,
            source_arn=row.source or None,
        )

    def split(name: str) -> tuple[str | None, str | None]:
        return (name or None, None) if name.startswith("arn:") else (None, name or None)

    grantee, grantee_service = split(row.grantee)
    retiring, retiring_service = split(row.retiring)
    return api.GrantListEntry(
        key_id=f"arn:aws:kms:{call.region}:{account}:key/{row.key}",
        grant_id=grant_id,
        name=row.name,
        creation_date=row.created,
        grantee_principal=grantee,
        retiring_principal=retiring,
        issuing_account=f"arn:aws:iam::{row.issuer}:root",
        operations=list(row.operations),
        constraints=constraints,
        grantee_service_principal=grantee_service,
        retiring_service_principal=retiring_service,
    )


def _list_conditions(call: Call, request: api.ListGrantsRequest) -> dict[str, Values]:
    return {**conditions(call, request), "kms:GrantIsForAWSResource": _for_service(call)}


@kms.operation("ListGrants", resource=own_key_arn, conditions=_list_conditions)
def list_grants(call: Call, request: api.ListGrantsRequest) -> api.ListGrantsResponse:
    """The grants on a key."""
    key = shared.existing(call, request.key_id, by_alias=False)
    rows = call.world.rows(grants, key.account, key.region)
    wanted = request.grantee_principal or request.grantee_service_principal
    found = [
        one
        for one in rows.find(grants_by_key, key.id)
        if request.grant_id in (None, one) and wanted in (None, rows[one].grantee)
    ]
    shown, marker = paged(found, str, request, 50, 100)
    return api.ListGrantsResponse(
        grants=[_entry(call, key.account, one, rows[one]) for one in shown],
        next_marker=marker,
        truncated=marker is not None,
    )


@kms.operation("ListRetirableGrants", conditions=lambda call, _: shared.caller_conditions(call))
def list_retirable_grants(
    call: Call, request: api.ListRetirableGrantsRequest
) -> api.ListGrantsResponse:
    """The grants in this Region, of any account, that a principal of this account may retire."""
    wanted = request.retiring_principal or request.retiring_service_principal
    if wanted is None:
        raise AwsError("ValidationException", "RetiringPrincipal must be specified.")
    if wanted.startswith("arn:") and wanted.split(":", 5)[4] != call.account:
        raise AwsError(
            "InvalidArnException", f"{wanted} is not a principal of account {call.account}."
        )
    found: dict[str, tuple[str, Grant]] = {}
    for account, region, rows in call.world.cells(grants):
        if region == call.region:
            for grant_id in rows.find(grants_by_retiring, wanted):
                found[grant_id] = account, rows[grant_id]
    shown, marker = paged(found, str, request, 50, 100)
    return api.ListGrantsResponse(
        grants=[_entry(call, found[one][0], one, found[one][1]) for one in shown],
        next_marker=marker,
        truncated=marker is not None,
    )


# -- the end of a grant ----------------------------------------------------------------------------


def _retired(call: Call, request: api.RetireGrantRequest) -> tuple[str, str]:
    """The key's ARN and the grant's id."""
    if request.grant_token is not None:
        if request.key_id is not None or request.grant_id is not None:
            raise AwsError(
                "ValidationException",
                "Specify either a grant token, or a key id with a grant id, but not both.",
            )
        return shared.named_by_token(call, request.grant_token)
    if request.key_id is None or request.grant_id is None:
        raise AwsError("ValidationException", "Specify a grant token, or a key id with a grant id.")
    return named(call, request.key_id, by_alias=False).arn, request.grant_id


def _retire_conditions(call: Call, request: api.RetireGrantRequest) -> Mapping[str, Values]:
    arn, grant_id = _retired(call, request)
    found = shared.key_conditions(call, named(call, arn))
    found[GRANT] = grant_id
    row = call.world.rows(grants, *_cell(arn)).get(grant_id)
    if row is not None and (row.equals is not None or row.subset is not None):
        kind = "Equals" if row.equals is not None else "Subset"
        found["kms:GrantConstraintType"] = f"EncryptionContext{kind}"
    return found


def _cell(arn: str) -> tuple[str, str]:
    parts = arn.split(":", 5)
    return parts[4], parts[3]


@kms.operation(
    "RetireGrant",
    resource=lambda call, request: _retired(call, request)[0],
    conditions=_retire_conditions,
)
def retire_grant(call: Call, request: api.RetireGrantRequest) -> None:
    """End a grant: by its retiring principal, its grantee if it says so, or the key's account."""
    arn, grant_id = _retired(call, request)
    _end(call, shared.existing(call, arn), grant_id, bool(request.dry_run))


def _revoke_conditions(call: Call, request: api.RevokeGrantRequest) -> Mapping[str, Values]:
    return {**conditions(call, request), "kms:GrantIsForAWSResource": _for_service(call)}


@kms.operation("RevokeGrant", resource=own_key_arn, conditions=_revoke_conditions)
def revoke_grant(call: Call, request: api.RevokeGrantRequest) -> None:
    """End a grant, whoever it is for."""
    key = shared.existing(call, request.key_id, by_alias=False)
    _end(call, key, request.grant_id, bool(request.dry_run))


def _end(call: Call, key: Key, grant_id: str, dry: bool) -> None:
    rows = call.world.rows(grants, key.account, key.region)
    row = rows.get(grant_id)
    if row is None or row.key != key.id:
        raise AwsError("NotFoundException", f"Grant ID {grant_id} not found")
    if dry:
        raise shared.dry_run()
    del rows[grant_id]
