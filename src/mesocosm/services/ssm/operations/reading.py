"""Values of parameters: one, several, those of a path, those of the past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from mesocosm.api import secretsmanager as secrets_api
from mesocosm.api import ssm as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Values
from mesocosm.services.ssm import ssm
from mesocosm.services.ssm.operations import sealing
from mesocosm.services.ssm.operations.opened import (
    arn_for,
    find,
    labelled,
    number_of,
    numbers,
    parameter_arn,
)
from mesocosm.services.ssm.operations.shown import inline
from mesocosm.services.ssm.operations.writing import resource_tags
from mesocosm.services.ssm.resources import Found, arn_of, parameters
from mesocosm.services.ssm.rules import filters, public
from mesocosm.services.ssm.rules.names import (
    PUBLIC,
    REFERENCE,
    Wanted,
    check_path,
    invalid,
    no_version,
    not_found,
    wanted,
)
from mesocosm.wire.errors import AwsError

BY_PATH = 10
HISTORY = 50


def bad_token() -> AwsError:
    """A NextToken that was not given."""
    return AwsError("InvalidNextToken", "The specified token isn't valid.")


def _conditions(call: Call, request: Any) -> dict[str, Values]:
    return resource_tags(call, wanted(request.name).name)


# -- one and several -----------------------------------------------------------------------------


def _read(call: Call, text: str, decrypt: bool) -> api.Parameter:
    """The parameter of a name with or without a selector. Raises ParameterNotFound,
    ParameterVersionNotFound and what KMS refuses.
    """
    one = wanted(text)
    if one.name.startswith(REFERENCE):
        return _secret(call, one, decrypt)
    if one.name.startswith(PUBLIC):
        return _public(call, one)
    found = find(call, one)
    if found is None:
        raise not_found()
    return shown(call, found, number_of(call, found, one), decrypt, one.selector)


def shown(call: Call, found: Found, number: int, decrypt: bool, selector: str) -> api.Parameter:
    """A version with its value."""
    version = found.version(call, number)
    return api.Parameter(
        name=found.parameter.name if found.account == call.account else found.arn,
        type=version.type,
        value=sealing.shown(call, version, found.arn, decrypt),
        version=number,
        selector=f":{selector}" if selector else None,
        last_modified_date=version.modified,
        arn=found.arn,
        data_type=version.data_type,
    )


def _public(call: Call, one: Wanted) -> api.Parameter:
    """A parameter that AWS publishes; of all its versions only the newest is known."""
    found = public.find(call.region, one.name)
    if found is None:
        raise not_found()
    if one.selector not in ("", "1"):
        raise no_version(one.name, one.selector)
    return _published(call, found, one.selector)


def _published(call: Call, found: public.Public, selector: str = "") -> api.Parameter:
    return api.Parameter(
        name=found.name,
        type="String",
        value=found.value,
        version=1,
        selector=f":{selector}" if selector else None,
        last_modified_date=public.PUBLISHED,
        arn=arn_of(call.region, "", found.name),
        data_type=found.data_type,
    )


def _secret(call: Call, one: Wanted, decrypt: bool) -> api.Parameter:
    """A secret of Secrets Manager, read as its caller."""
    if not decrypt:
        raise invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.")
    name = one.name.removeprefix(REFERENCE)
    stage = one.selector or None
    by_id = stage is not None and len(stage) >= 32
    request = secrets_api.GetSecretValueRequest(
        secret_id=name,
        version_id=stage if by_id else None,
        version_stage=None if by_id else stage,
    )
    try:
        found = call.invoke("secretsmanager", "GetSecretValue", request)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            message = (
                f"An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret "
                f"{one.name} not found."
            )
            raise AwsError("ParameterNotFound", message) from None
        raise
    value = found.secret_string
    if value is None:
        raise invalid("Parameter Store cannot reference a binary secret.")
    return api.Parameter(
        name=one.name,
        type="SecureString",
        value=value,
        version=0,
        selector=f":{one.selector}" if one.selector else None,
        source_result=json.dumps(msgspec.to_builtins(found), default=str),
        last_modified_date=found.created_date,
        arn=found.arn,
    )


@ssm.operation("GetParameter", resource=parameter_arn, conditions=_conditions)
def get_parameter(call: Call, request: api.GetParameterRequest) -> api.GetParameterResult:
    """One parameter: its newest version, or the one named after a colon."""
    return api.GetParameterResult(
        parameter=_read(call, request.name, bool(request.with_decryption))
    )


@ssm.operation(
    "GetParameters",
    resource=lambda call, request: [arn_for(call, name) for name in request.names],
)
def get_parameters(call: Call, request: api.GetParametersRequest) -> api.GetParametersResult:
    """Up to ten parameters by name; those that are not there are told."""
    found: list[api.Parameter] = []
    absent: list[str] = []
    for name in dict.fromkeys(request.names):
        try:
            found.append(_read(call, name, bool(request.with_decryption)))
        except AwsError as error:
            if error.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                raise
            absent.append(name)
    found.sort(key=lambda one: one.name or "")
    return api.GetParametersResult(parameters=found, invalid_parameters=absent)


# -- by path -------------------------------------------------------------------------------------


def _path_arn(call: Call, request: api.GetParametersByPathRequest) -> str:
    path = request.path.strip()
    account = "" if path.startswith(PUBLIC) else call.account
    return arn_of(call.region, account, path.rstrip("/") or "/")


def _recursive(call: Call, request: api.GetParametersByPathRequest) -> dict[str, Values]:
    return {"ssm:Recursive": "true" if request.recursive else "false"}


def below(call: Call, path: str, recursive: bool) -> Iterator[Found]:
    """The caller's parameters of a path, by name."""
    rows = call.rows(parameters)
    start = path.rstrip("/") + "/"
    for name in list(rows.range(start=start)):
        if not name.startswith(start):
            return
        if recursive or "/" not in name[len(start) :]:
            yield Found(rows[name], call.account, call.region)


@ssm.operation("GetParametersByPath", resource=_path_arn, conditions=_recursive)
def get_parameters_by_path(
    call: Call, request: api.GetParametersByPathRequest
) -> api.GetParametersByPathResult:
    """The parameters of one level of a hierarchy, or of all below."""
    path = request.path.strip()
    check_path(path)
    wanted_filters = filters.parsed(
        [(one.key, one.option, one.values) for one in request.parameter_filters or ()],
        filters.BY_PATH,
    )
    limit = request.max_results or BY_PATH
    recursive = bool(request.recursive)
    if path.startswith("/aws/service"):
        published = public.under(call.region, path, recursive)
        some, token = page(published, lambda one: one.name, request.next_token, limit, bad_token)
        return api.GetParametersByPathResult(
            parameters=[_published(call, one) for one in some], next_token=token
        )
    chosen = [
        (found, number)
        for found in below(call, path, recursive)
        if (number := _passing(call, found, wanted_filters)) is not None
    ]
    part, token = page(
        chosen, lambda one: one[0].parameter.name, request.next_token, limit, bad_token
    )
    decrypt = bool(request.with_decryption)
    return api.GetParametersByPathResult(
        parameters=[shown(call, found, number, decrypt, "") for found, number in part],
        next_token=token,
    )


def _passing(call: Call, found: Found, wanted_filters: list[filters.Filter]) -> int | None:
    """The version that passes every filter: the one with the label asked for, else the newest."""
    number: int | None = found.parameter.latest
    for one in wanted_filters:
        if one.key == "Label":
            bearers = (labelled(call, found, label) for label in one.values)
            number = next((bearer for bearer in bearers if bearer is not None), None)
            if number is None:
                return None
    assert number is not None
    version = found.version(call, number)
    others = (one for one in wanted_filters if one.key != "Label")
    return number if all(one.passes(found.parameter, version) for one in others) else None


# -- history -------------------------------------------------------------------------------------


@ssm.operation("GetParameterHistory", resource=parameter_arn, conditions=_conditions)
def get_parameter_history(
    call: Call, request: api.GetParameterHistoryRequest
) -> api.GetParameterHistoryResult:
    """Every version of a parameter, the oldest first."""
    found = find(call, wanted(request.name))
    if found is None:
        raise not_found()
    part, token = page(
        numbers(found),
        lambda number: f"{number:020d}",
        request.next_token,
        request.max_results or HISTORY,
        bad_token,
    )
    decrypt = bool(request.with_decryption)
    return api.GetParameterHistoryResult(
        parameters=[_past(call, found, number, decrypt) for number in part], next_token=token
    )


def _past(call: Call, found: Found, number: int, decrypt: bool) -> api.ParameterHistory:
    version = found.version(call, number)
    return api.ParameterHistory(
        name=found.parameter.name,
        type=version.type,
        key_id=version.key_id or None,
        last_modified_date=version.modified,
        last_modified_user=version.user,
        description=version.description or None,
        value=sealing.shown(call, version, found.arn, decrypt),
        allowed_pattern=version.pattern or None,
        version=number,
        labels=list(version.labels),
        tier=version.tier,
        policies=inline(version),
        data_type=version.data_type,
    )
