"""Lists of secrets, and many values at once."""

from __future__ import annotations

from collections.abc import Sequence

from mesocosm.api import secretsmanager as api
from mesocosm.call.call import Call
from mesocosm.call.paging import decode_token, encode_token
from mesocosm.call.service import Need
from mesocosm.services.secretsmanager import secretsmanager
from mesocosm.services.secretsmanager.operations import values
from mesocosm.services.secretsmanager.operations.opened import arn_for, invalid, keys_of
from mesocosm.services.secretsmanager.operations.shown import listed
from mesocosm.services.secretsmanager.resources import Found, secrets
from mesocosm.services.secretsmanager.rules import filters as rules
from mesocosm.wire.errors import AwsError

PAGE = 100
BATCH = 20


def bad_token() -> AwsError:
    """A NextToken that was not given."""
    return AwsError("InvalidNextTokenException", "The NextToken value is invalid.")


def _chosen(
    call: Call,
    filters: Sequence[api.Filter] | None,
    *,
    deleted: bool = False,
    order: str = "created-date",
    descending: bool = True,
) -> list[Found]:
    """The caller's secrets that pass every filter, in order."""
    for one in filters or ():
        rules.check(one.key, one.values)
    rows = [
        row
        for row in call.rows(secrets).values()
        if (deleted or not row.removal)
        and all(rules.matches(row, one.key or "", one.values or ()) for one in filters or ())
    ]
    by = rules.ORDERS[order]
    rows.sort(key=lambda row: (by(row), row.name), reverse=descending)
    return [Found(row, call.account, call.region) for row in rows]


def _page(found: list[Found], token: str | None, limit: int) -> tuple[list[Found], str | None]:
    """A page of a list in an order of its own: the token names the last secret given."""
    start = 0
    if token:
        last = decode_token(token, bad_token)
        names = [one.secret.name for one in found]
        start = names.index(last) + 1 if last in names else len(names)
    part = found[start : start + limit]
    more = start + limit < len(found)
    return part, encode_token(part[-1].secret.name) if part and more else None


@secretsmanager.operation("ListSecrets")
def list_secrets(call: Call, request: api.ListSecretsRequest) -> api.ListSecretsResponse:
    """The caller's secrets in this Region, the newest first."""
    found = _chosen(
        call,
        request.filters,
        deleted=bool(request.include_planned_deletion),
        order=request.sort_by or "created-date",
        descending=request.sort_order != "asc",
    )
    part, token = _page(found, request.next_token, request.max_results or PAGE)
    return api.ListSecretsResponse(secret_list=[listed(one) for one in part], next_token=token)


def _listing(call: Call, request: api.BatchGetSecretValueRequest) -> list[Need]:
    return [Need("secretsmanager:ListSecrets")] if request.filters else []


@secretsmanager.operation("BatchGetSecretValue", needs=_listing)
def batch_get_secret_value(
    call: Call, request: api.BatchGetSecretValueRequest
) -> api.BatchGetSecretValueResponse:
    """The current values of up to twenty secrets; what cannot be read is told beside them."""
    if bool(request.secret_id_list) == bool(request.filters):
        raise invalid("You must specify either Filters or SecretIdList, but not both.")
    token: str | None = None
    if request.filters:
        part, token = _page(
            _chosen(call, request.filters), request.next_token, request.max_results or BATCH
        )
        ids = [one.arn for one in part]
    else:
        if request.max_results is not None:
            raise invalid("You can't use MaxResults without Filters.")
        ids = list(request.secret_id_list or ())
    entries: list[api.SecretValueEntry] = []
    errors: list[api.APIErrorType] = []
    for secret_id in ids:
        need = Need(
            "secretsmanager:GetSecretValue", arn_for(call, secret_id), keys_of(call, secret_id)
        )
        try:
            call.need(need)
            entries.append(values.read(call, secret_id, None, None, api.SecretValueEntry))
        except AwsError as error:
            errors.append(
                api.APIErrorType(secret_id=secret_id, error_code=error.code, message=error.message)
            )
    return api.BatchGetSecretValueResponse(secret_values=entries, next_token=token, errors=errors)
