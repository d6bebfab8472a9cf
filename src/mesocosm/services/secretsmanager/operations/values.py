"""Values of secrets, in versions with staging labels."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Values
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import replication, sealing
from mesocosm.services.secretsmanager.operations.opened import (
    changed,
    invalid,
    keys,
    known,
    live,
    own,
    save,
    secret_arn,
    today,
)
from mesocosm.services.secretsmanager.resources import (
    CURRENT,
    DEFAULT_KEY,
    PENDING,
    PREVIOUS,
    Found,
    Secret,
    Value,
    Version,
    values,
)
from mesocosm.services.secretsmanager.rules import passwords, stages
from mesocosm.wire.errors import AwsError

T = TypeVar("T")
PAGE = 100


class Given(NamedTuple):
    """A value in a request."""

    data: bytes
    binary: bool


def given(string: str | None, binary: bytes | None) -> Given | None:
    """The value of a request; None without one. Raises InvalidParameterException."""
    if string is not None and binary is not None:
        raise invalid(
            "You can't specify both a binary secret value and a string secret value in the same "
            "secret."
        )
    if string is not None:
        return Given(string.encode(), False)
    return Given(binary, True) if binary is not None else None


def token(client_request_token: str | None) -> str:
    """The id a new version gets. Raises InvalidRequestException."""
    if not client_request_token:
        raise AwsError(
            "InvalidRequestException",
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    return client_request_token


def token_used(found: Found, version: str) -> AwsError:
    """A version is never changed."""
    return AwsError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {version} because that value is already in use for a "
        f"version of secret {found.arn}.",
    )


def key_arn(call: Call, key: str | None) -> str | None:
    """The ARN of a key given by id or ARN; an alias is none."""
    if not key or key.startswith("arn:"):
        return key or None
    if key.startswith("alias/"):
        return None
    return f"arn:aws:kms:{call.region}:{call.account}:key/{key}"


def key_name(row: Secret) -> str:
    """What lists of versions call the key of a secret."""
    return DEFAULT_KEY if sealing.is_managed(row.kms_key_id) else row.kms_key_id


def opened(call: Call, found: Found, version: str) -> Given:
    """The value of a version. Raises DecryptionFailure, AccessDeniedException."""
    row = found.secret
    value = call.rows(values, found.account, found.region)[row.name, version]
    managed = row.versions[version].key == DEFAULT_KEY
    data = sealing.unseal(call, found, version, value.sealed, managed)
    return Given(data, value.binary)


def add(call: Call, found: Found, version: str, value: Given, labels: list[str] | None) -> Found:
    """Give a secret a new version (or one without value its value), with labels (None:
    AWSCURRENT), and delete outdated ones.
    """
    row = found.secret
    rows = call.rows(values, found.account, found.region)
    sealed = sealing.seal(call, found, version, value.data)
    rows[row.name, version] = Value(sealed=sealed, binary=value.binary)
    first = not any(one.key for one in row.versions.values())
    made = row.versions.get(version, Version(created=call.now))
    versions = {**row.versions, version: replace(made, key=key_name(row))}
    wanted = labels if labels is not None else [CURRENT]
    if first and CURRENT not in wanted:
        wanted = [*wanted, CURRENT]
    versions = stages.moved(versions, wanted, version)
    for old in stages.outdated(versions, call.now):
        del versions[old]
        rows.pop((row.name, old), None)
    return save(call, found, changed(call, row, versions=versions))


def same(call: Call, found: Found, version: str, value: Given) -> None:
    """The same value was given for a version before. Raises ResourceExistsException."""
    there = found.secret.versions[version]
    if not there.key or opened(call, found, version) != value:
        raise token_used(found, version)


def rekey(call: Call, found: Found, key: str) -> Found:
    """Another key, also for the values that bear one of AWS's labels, if the caller may read and
    seal them.
    """
    row = found.secret
    now = found._replace(secret=changed(call, row, kms_key_id=key))
    rows = call.rows(values, found.account, found.region)
    versions = dict(row.versions)
    sealing.check_key(call, now)
    for id, version in row.versions.items():
        if not version.key or not {CURRENT, PENDING, PREVIOUS} & set(version.stages):
            continue
        try:
            value = opened(call, found, id)
            sealed = sealing.seal(call, now, id, value.data)
        except AwsError:
            continue
        rows[row.name, id] = Value(sealed=sealed, binary=value.binary)
        versions[id] = replace(version, key=key_name(now.secret))
    return save(call, found, replace(now.secret, versions=versions))


# -- reading -----------------------------------------------------------------------------------


def _wanted(row: Secret, version: str | None, stage: str | None) -> str:
    """The id of the version asked for. Raises ResourceNotFoundException,
    InvalidRequestException.
    """
    if version is None:
        label = stage or CURRENT
        found = stages.bearer(row.versions, label)
        if found is None or not row.versions[found].key:
            raise _no_value(f"staging label: {label}")
        return found
    there = row.versions.get(version)
    if there is None or not there.key:
        raise _no_value(f"VersionId: {version}")
    if stage is not None and stage not in there.stages:
        raise AwsError(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )
    return version


def _no_value(what: str) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"Secrets Manager can't find the specified secret value for {what}",
    )


def read(call: Call, secret_id: str, version: str | None, stage: str | None, shape: type[T]) -> T:
    """A value, as a struct of the shape given; its secret and version were read today."""
    found = live(call, secret_id)
    row = found.secret
    id = _wanted(row, version, stage)
    value = opened(call, found, id)
    day, chosen = today(call), row.versions[id]
    if chosen.accessed != day or row.accessed != day:
        versions = {**row.versions, id: replace(chosen, accessed=day)}
        save(call, found, replace(row, accessed=day, versions=versions))
    members: dict[str, Any] = {
        "arn": found.arn,
        "name": row.name,
        "version_id": id,
        "version_stages": list(chosen.stages),
        "created_date": chosen.created,
        "secret_binary": value.data if value.binary else None,
        "secret_string": None if value.binary else value.data.decode(),
    }
    return shape(**members)


def _reading(call: Call, request: api.GetSecretValueRequest) -> dict[str, Values]:
    by_default = None if request.version_id else CURRENT
    return {
        **keys(call, request),
        "secretsmanager:VersionId": request.version_id,
        "secretsmanager:VersionStage": request.version_stage or by_default,
    }


@secretsmanager.operation("GetSecretValue", resource=secret_arn, conditions=_reading)
def get_secret_value(call: Call, request: api.GetSecretValueRequest) -> api.GetSecretValueResponse:
    """The value of the current version, or of the one asked for."""
    return read(
        call,
        request.secret_id,
        request.version_id,
        request.version_stage,
        api.GetSecretValueResponse,
    )


@secretsmanager.operation("ListSecretVersionIds", resource=secret_arn, conditions=keys)
def list_secret_version_ids(
    call: Call, request: api.ListSecretVersionIdsRequest
) -> api.ListSecretVersionIdsResponse:
    """The versions of a secret that have a value; those without labels when asked for."""
    found = known(call, request.secret_id)
    wanted = [
        (id, version)
        for id, version in found.secret.versions.items()
        if version.key and (version.stages or request.include_deprecated)
    ]

    def refuse() -> AwsError:
        return AwsError("InvalidNextTokenException", "The NextToken value is invalid.")

    part, following = page(
        wanted, lambda one: one[0], request.next_token, request.max_results or PAGE, refuse
    )
    return api.ListSecretVersionIdsResponse(
        versions=[
            api.SecretVersionsListEntry(
                version_id=id,
                version_stages=list(version.stages) or None,
                last_accessed_date=version.accessed or None,
                created_date=version.created,
                kms_key_ids=[version.key],
            )
            for id, version in part
        ],
        next_token=following,
        arn=found.arn,
        name=found.secret.name,
    )


# -- writing -------------------------------------------------------------------------------------


@secretsmanager.operation("PutSecretValue", resource=secret_arn, conditions=keys)
def put_secret_value(call: Call, request: api.PutSecretValueRequest) -> api.PutSecretValueResponse:
    """Make a new version; AWSCURRENT moves to it unless labels are named."""
    found = own(call, request.secret_id)
    value = given(request.secret_string, request.secret_binary)
    if value is None:
        raise AwsError(
            "InvalidRequestException", "You must provide either SecretString or SecretBinary."
        )
    version = token(request.client_request_token)
    there = found.secret.versions.get(version)
    if there is not None and there.key:
        same(call, found, version, value)
    else:
        found = add(call, found, version, value, request.version_stages)
        found = replication.spread(call, found)
    return api.PutSecretValueResponse(
        arn=found.arn,
        name=found.secret.name,
        version_id=version,
        version_stages=list(found.secret.versions[version].stages),
    )


def _staging(call: Call, request: api.UpdateSecretVersionStageRequest) -> dict[str, Values]:
    return {**keys(call, request), "secretsmanager:VersionStage": request.version_stage}


@secretsmanager.operation("UpdateSecretVersionStage", resource=secret_arn, conditions=_staging)
def update_secret_version_stage(
    call: Call, request: api.UpdateSecretVersionStageRequest
) -> api.UpdateSecretVersionStageResponse:
    """Attach a label to another version, or take it away."""
    found = own(call, request.secret_id)
    row, stage = found.secret, request.version_stage
    source, to = request.remove_from_version_id, request.move_to_version_id
    if source is None and to is None:
        raise invalid("You must specify RemoveFromVersionId or MoveToVersionId.")
    bearer = stages.bearer(row.versions, stage)
    for version in (source, to):
        if version is not None and version not in row.versions:
            raise _no_value(f"VersionId: {version}")
    if source is not None and source != bearer:
        raise invalid(
            f"RemoveFromVersionId {source} is not the version that staging label {stage} is "
            "attached to."
        )
    if to is None:
        if stage == CURRENT:
            raise invalid(
                "You can only move staging label AWSCURRENT to a different secret version. It "
                "can't be completely removed."
            )
        versions = stages.without(row.versions, stage)
    else:
        if bearer not in (None, to) and source is None:
            raise invalid(
                f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is "
                f"currently attached to version {bearer}, so you must explicitly reference that "
                "version in RemoveFromVersionId."
            )
        versions = stages.moved(row.versions, [stage], to)
    if versions != row.versions:
        found = save(call, found, changed(call, row, versions=versions))
        found = replication.spread(call, found)
    return api.UpdateSecretVersionStageResponse(arn=found.arn, name=row.name)


# -- passwords -----------------------------------------------------------------------------------


@secretsmanager.operation("GetRandomPassword", hide=["RandomPassword"])
def get_random_password(
    call: Call, request: api.GetRandomPasswordRequest
) -> api.GetRandomPasswordResponse:
    """A password drawn at random."""
    kinds = passwords.alphabets(
        exclude=request.exclude_characters or "",
        numbers=not request.exclude_numbers,
        punctuation=not request.exclude_punctuation,
        uppercase=not request.exclude_uppercase,
        lowercase=not request.exclude_lowercase,
        space=bool(request.include_space),
    )
    length = request.password_length
    made = passwords.password(
        passwords.LENGTH if length is None else length,
        kinds,
        request.require_each_included_type is not False,
        call.ids.bytes,
    )
    return api.GetRandomPasswordResponse(random_password=made)
