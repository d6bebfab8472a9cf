"""Aliases: names for keys, which can be given to another key."""

from __future__ import annotations

import re

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.services.kms import kms
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.paging import paged
from mesocosm.services.kms.operations.shared import caller_conditions
from mesocosm.services.kms.resources.finding import alias_arn, named
from mesocosm.services.kms.resources.rows import Alias, Key, aliases, aliases_by_key, keys
from mesocosm.wire.errors import AwsError

NAME = re.compile(r"alias/[a-zA-Z0-9/_-]+", re.ASCII)
PER_KEY_MAX = 50


def _create_arns(call: Call, request: api.CreateAliasRequest) -> list[str]:
    key = named(call, request.target_key_id, by_alias=False)
    return [call.arn(request.alias_name), key.arn]


def _own_key(call: Call, given: str) -> Key:
    key = shared.own(call, given)
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        raise shared.state_error(key)
    return key


def _check_name(name: str) -> None:
    if not name.startswith("alias/"):
        raise AwsError(
            "ValidationException",
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
    if not NAME.fullmatch(name):
        raise AwsError(
            "InvalidAliasNameException",
            f"Alias {name} contains invalid characters. Alias must contain only alphanumeric "
            "characters, forward slashes, underscores, and dashes.",
        )
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "", status=400)


@kms.operation(
    "CreateAlias",
    resource=_create_arns,
    conditions=lambda call, _: caller_conditions(call),
)
def create_alias(call: Call, request: api.CreateAliasRequest) -> None:
    """Give a key a name."""
    name, rows = request.alias_name, call.rows(aliases)
    _check_name(name)
    key = _own_key(call, request.target_key_id)
    if name in rows:
        raise AwsError(
            "AlreadyExistsException",
            f"An alias with the name {call.arn(name)} already exists",
        )
    if len(rows.find(aliases_by_key, key.id)) >= PER_KEY_MAX:
        raise AwsError(
            "LimitExceededException", f"A key cannot have more than {PER_KEY_MAX} aliases."
        )
    rows[name] = Alias(key=key.id, created=call.now, updated=call.now)


def _alias(call: Call, name: str) -> Alias:
    _check_name(name)
    row = call.rows(aliases).get(name)
    if row is None:
        raise AwsError("NotFoundException", f"Alias {call.arn(name)} is not found.")
    return row


def _update_arns(call: Call, request: api.UpdateAliasRequest) -> list[str]:
    row = _alias(call, request.alias_name)
    new = named(call, request.target_key_id, by_alias=False).arn
    old = named(call, row.key).arn
    return list(dict.fromkeys((call.arn(request.alias_name), old, new)))


@kms.operation(
    "UpdateAlias", resource=_update_arns, conditions=lambda call, _: caller_conditions(call)
)
def update_alias(call: Call, request: api.UpdateAliasRequest) -> None:
    """Give an alias to another key of the same kind."""
    row = _alias(call, request.alias_name)
    key = _own_key(call, request.target_key_id)
    old = call.rows(keys).get(row.key)
    if old is not None and (old.spec == "SYMMETRIC_DEFAULT") != (key.spec == "SYMMETRIC_DEFAULT"):
        raise AwsError(
            "ValidationException",
            f"Alias {call.arn(request.alias_name)} cannot be changed from a key with key spec "
            f"{old.spec} to one with key spec {key.spec}.",
        )
    if old is not None and old.usage != key.usage:
        raise AwsError(
            "ValidationException",
            f"Alias {call.arn(request.alias_name)} cannot be changed from a key with key usage "
            f"{old.usage} to one with key usage {key.usage}.",
        )
    call.rows(aliases)[request.alias_name] = Alias(
        key=key.id, created=row.created, updated=call.now
    )


def _delete_arns(call: Call, request: api.DeleteAliasRequest) -> list[str]:
    row = _alias(call, request.alias_name)
    return [call.arn(request.alias_name), named(call, row.key).arn]


@kms.operation(
    "DeleteAlias", resource=_delete_arns, conditions=lambda call, _: caller_conditions(call)
)
def delete_alias(call: Call, request: api.DeleteAliasRequest) -> None:
    """Take a name away; the key stays."""
    _alias(call, request.alias_name)
    del call.rows(aliases)[request.alias_name]


@kms.operation("ListAliases", conditions=lambda call, _: caller_conditions(call))
def list_aliases(call: Call, request: api.ListAliasesRequest) -> api.ListAliasesResponse:
    """The aliases of this account and Region, or of one key."""
    rows = call.rows(aliases)
    names: list[str] = list(rows)
    if request.key_id is not None:
        names = rows.find(aliases_by_key, shared.own(call, request.key_id).id)
    found, marker = paged(names, str, request, 50, 100)
    return api.ListAliasesResponse(
        aliases=[_shown(call, name, rows[name]) for name in found],
        next_marker=marker,
        truncated=marker is not None,
    )


def _shown(call: Call, name: str, row: Alias) -> api.AliasListEntry:
    return api.AliasListEntry(
        alias_name=name,
        alias_arn=alias_arn(call.account, call.region, name),
        target_key_id=row.key,
        creation_date=row.created,
        last_updated_date=row.updated,
    )
