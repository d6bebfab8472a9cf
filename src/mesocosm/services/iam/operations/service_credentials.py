"""Credentials of a user for one service: user name and password, or an API key."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.call.service import Conditions
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.access_keys import owner
from mesocosm.services.iam.operations.common import in_order, on
from mesocosm.services.iam.resources.credentials import (
    ServiceCredential,
    service_by_user,
    service_credentials,
)
from mesocosm.services.iam.rules import quotas
from mesocosm.wire.errors import AwsError

DAY = 86_400.0
PASSWORD_LENGTH = 43
KEY_LENGTH = 128


class Kind(NamedTuple):
    """What a service's credentials look like: `api_key` has an alias and a secret, may expire."""

    api_key: bool = False


SERVICES = {
    "codecommit.amazonaws.com": Kind(),
    "cassandra.amazonaws.com": Kind(),
    "bedrock.amazonaws.com": Kind(api_key=True),
    "logs.amazonaws.com": Kind(api_key=True),
}


def _checked_service(name: str) -> Kind:
    if name not in SERVICES:
        raise AwsError(
            "NotSupportedService", f"No such service {name} is supported for Credentials"
        )
    return SERVICES[name]


def _service(call: Call, request: Any) -> Conditions:
    row = call.rows(service_credentials).get(request.service_specific_credential_id)
    return {"iam:ServiceSpecificCredentialServiceName": row.service if row else None}


def _asked(call: Call, request: Any) -> Conditions:
    age = request.credential_age_days
    return {
        "iam:ServiceSpecificCredentialServiceName": request.service_name,
        "iam:ServiceSpecificCredentialAgeDays": None if age is None else str(age),
    }


def _status(row: ServiceCredential, now: float) -> str:
    return "Expired" if row.expires is not None and row.expires <= now else row.status


def _shape(call: Call, row: ServiceCredential, name: str) -> api.ServiceSpecificCredential:
    api_key = SERVICES[row.service].api_key
    return api.ServiceSpecificCredential(
        create_date=row.created,
        expiration_date=row.expires,
        service_name=row.service,
        service_user_name=None if api_key else row.service_user,
        service_password=None if api_key else row.secret,
        service_credential_alias=row.service_user if api_key else None,
        service_credential_secret=row.secret if api_key else None,
        service_specific_credential_id=row.id,
        user_name=name,
        status=_status(row, call.now),
    )


def _secret(call: Call, kind: Kind) -> str:
    if kind.api_key:
        return "ABSK" + call.ids.alphanumeric(KEY_LENGTH)
    return call.ids.secret(PASSWORD_LENGTH) + "="


@on("user", "CreateServiceSpecificCredential", conditions=_asked)
def create_service_specific_credential(
    call: Call, request: api.CreateServiceSpecificCredentialRequest
) -> api.CreateServiceSpecificCredentialResponse:
    """Make a credential; its secret is given this once."""
    user, name = owner(call, request.user_name)
    kind = _checked_service(request.service_name)
    if request.credential_age_days is not None and not kind.api_key:
        raise AwsError(
            "ValidationError", f"CredentialAgeDays is not supported for {request.service_name}."
        )
    cell = call.rows(service_credentials)
    held = [cell[key] for key in cell.find(service_by_user, user)]
    held = [row for row in held if row.service == request.service_name]
    quotas.limit(
        "ServiceSpecificCredentialsPerUser", len(held), quotas.SERVICE_CREDENTIALS_PER_USER
    )
    taken = {row.service_user for row in held}
    names = (f"{name}{extra}-at-{call.account}" for extra in ("", "+1", "+2"))
    age = request.credential_age_days
    row = ServiceCredential(
        id="ACCA" + call.ids.upper(17),
        user=user,
        service=request.service_name,
        service_user=next(candidate for candidate in names if candidate not in taken),
        secret=_secret(call, kind),
        created=common.instant(call),
        expires=call.now + age * DAY if age is not None else None,
    )
    cell[row.id] = row
    return api.CreateServiceSpecificCredentialResponse(
        service_specific_credential=_shape(call, row, name)
    )


@on("user", "ListServiceSpecificCredentials")
def list_service_specific_credentials(
    call: Call, request: api.ListServiceSpecificCredentialsRequest
) -> api.ListServiceSpecificCredentialsResponse:
    """The credentials of a user, or of all users, without their secrets."""
    cell = call.rows(service_credentials)
    if request.service_name is not None:
        _checked_service(request.service_name)
    if request.all_users:
        found = list(cell.values())
    else:
        found = [cell[key] for key in cell.find(service_by_user, owner(call, request.user_name)[0])]
    if request.service_name is not None:
        found = [row for row in found if row.service == request.service_name]
    chosen, marker = in_order(request, found)
    listed = []
    for row in chosen:
        whole = _shape(call, row, common.user(call, row.user).name if row.user else "")
        listed.append(
            api.ServiceSpecificCredentialMetadata(
                user_name=whole.user_name,
                status=whole.status,
                service_user_name=whole.service_user_name,
                service_credential_alias=whole.service_credential_alias,
                create_date=whole.create_date,
                expiration_date=whole.expiration_date,
                service_specific_credential_id=whole.service_specific_credential_id,
                service_name=whole.service_name,
            )
        )
    return api.ListServiceSpecificCredentialsResponse(
        service_specific_credentials=listed, marker=marker, is_truncated=marker is not None
    )


def _credential(call: Call, user: str | None, key: str) -> tuple[ServiceCredential, str]:
    row = call.rows(service_credentials).get(key)
    name = owner(call, user)
    if row is None or row.user != name[0]:
        raise common.missing(f"No such credential {key} exists")
    return row, name[1]


@on("user", "UpdateServiceSpecificCredential", conditions=_service)
def update_service_specific_credential(
    call: Call, request: api.UpdateServiceSpecificCredentialRequest
) -> None:
    """Switch a credential on or off."""
    row, _ = _credential(call, request.user_name, request.service_specific_credential_id)
    if request.status not in ("Active", "Inactive"):
        raise AwsError("ValidationError", f"Status {request.status} is not valid.")
    call.rows(service_credentials)[row.id] = replace(row, status=request.status)


@on("user", "ResetServiceSpecificCredential", conditions=_service)
def reset_service_specific_credential(
    call: Call, request: api.ResetServiceSpecificCredentialRequest
) -> api.ResetServiceSpecificCredentialResponse:
    """Give a credential a new secret."""
    row, name = _credential(call, request.user_name, request.service_specific_credential_id)
    row = replace(row, secret=_secret(call, SERVICES[row.service]))
    call.rows(service_credentials)[row.id] = row
    return api.ResetServiceSpecificCredentialResponse(
        service_specific_credential=_shape(call, row, name)
    )


@on("user", "DeleteServiceSpecificCredential", conditions=_service)
def delete_service_specific_credential(
    call: Call, request: api.DeleteServiceSpecificCredentialRequest
) -> None:
    """Delete a credential."""
    row, _ = _credential(call, request.user_name, request.service_specific_credential_id)
    del call.rows(service_credentials)[row.id]
