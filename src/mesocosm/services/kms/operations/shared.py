"""What the operations share: the key a request names, its condition keys, what state allows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.kms.resources.finding import ACCOUNT, Named, named
from mesocosm.services.kms.resources.granting import CONTEXT
from mesocosm.services.kms.resources.rows import (
    Key,
    Material,
    Usage,
    aliases,
    aliases_by_key,
    grants,
    keys,
    materials,
    usages,
)
from mesocosm.services.kms.rules.specs import ENCRYPT, SYMMETRIC, algorithms
from mesocosm.wire.errors import AwsError

DAY = 86_400.0

REQUEST_KEYS = {
    "bypass_policy_lockout_safety_check": "kms:BypassPolicyLockoutSafetyCheck",
    "encapsulation_algorithm": "kms:EncapsulationAlgorithm",
    "encryption_algorithm": "kms:EncryptionAlgorithm",
    "expiration_model": "kms:ExpirationModel",
    "key_agreement_algorithm": "kms:KeyAgreementAlgorithm",
    "key_pair_spec": "kms:DataKeyPairSpec",
    "mac_algorithm": "kms:MacAlgorithm",
    "message_type": "kms:MessageType",
    "pending_window_in_days": "kms:ScheduleKeyDeletionPendingWindowInDays",
    "primary_region": "kms:PrimaryRegion",
    "replica_region": "kms:ReplicaRegion",
    "rotation_period_in_days": "kms:RotationPeriodInDays",
    "signing_algorithm": "kms:SigningAlgorithm",
    "wrapping_algorithm": "kms:WrappingAlgorithm",
    "wrapping_key_spec": "kms:WrappingKeySpec",
}
"""A member of a request -> the condition key that is its value."""
DEFAULTS = {
    "encryption_algorithm": SYMMETRIC,
    "message_type": "RAW",
    "pending_window_in_days": "30",
    "rotation_period_in_days": "365",
    "expiration_model": "KEY_MATERIAL_EXPIRES",
}


# -- what is authorised ----------------------------------------------------------------------


def key_arn(call: Call, request: Any) -> str:
    """The ARN of the key a request names by id, ARN or alias."""
    return named(call, request.key_id).arn


def own_key_arn(call: Call, request: Any) -> str:
    """The ARN of the key a request names by id or ARN: operations that take no alias."""
    return named(call, request.key_id, by_alias=False).arn


@cache
def _request_keys(kind: Any) -> tuple[tuple[str, str, str | None], ...]:
    fields = set(kind.__struct_fields__)
    found = [
        (name, key, DEFAULTS.get(name)) for name, key in REQUEST_KEYS.items() if name in fields
    ]
    if "key_spec" in fields and "encryption_context" in fields:  # GenerateDataKey
        found.append(("", "kms:EncryptionAlgorithm", SYMMETRIC))
    return tuple(found)


def conditions(call: Call, request: Any) -> dict[str, Values]:
    """The condition keys of a request about one key (developer guide, "AWS KMS condition keys")."""
    given = getattr(request, "key_id", None)
    found = key_conditions(call, named(call, given)) if given else caller_conditions(call)
    kind: Any = type(request)
    for name, key, default in _request_keys(kind):
        value = getattr(request, name) if name else None
        if value is None:
            value = default
        if value is not None:
            found[key] = text(value)
    context = getattr(request, "encryption_context", None)
    if context:
        found.update(context_conditions(context))
    return found


def text(value: Any) -> str:
    """A value of a request as condition keys show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def caller_conditions(call: Call) -> dict[str, Values]:
    """Who calls, and through which service."""
    found: dict[str, Values] = {"kms:CallerAccount": call.principal.account or call.account}
    if call.principal.called_via:
        service = call.principal.called_via[-1].partition(".")[0]
        found["kms:ViaService"] = f"{service}.{call.region}.amazonaws.com"
    return found


def key_conditions(call: Call, name: Named) -> dict[str, Values]:
    """The condition keys that a key has whatever is asked of it."""
    found = caller_conditions(call)
    if name.alias:
        found["kms:RequestAlias"] = name.alias
    key = name.key
    if key is None:
        return found
    found["kms:KeySpec"] = found["kms:CustomerMasterKeySpec"] = key.spec
    found["kms:KeyUsage"] = found["kms:CustomerMasterKeyUsage"] = key.usage
    found["kms:KeyOrigin"] = key.origin
    found["kms:MultiRegion"] = "true" if key.primary else "false"
    if key.primary:
        found["kms:MultiRegionKeyType"] = "PRIMARY" if key.primary == key.region else "REPLICA"
    named_by = call.world.rows(aliases, key.account, key.region).find(aliases_by_key, key.id)
    if named_by:
        found["kms:ResourceAliases"] = sorted(named_by)
    return found


def context_conditions(context: Mapping[str, str]) -> dict[str, Values]:
    """The condition keys of an encryption context."""
    found: dict[str, Values] = {
        "kms:EncryptionContextKeys": list(context),
        CONTEXT: msgspec.json.encode(context).decode(),
    }
    for name, value in context.items():
        found[f"kms:EncryptionContext:{name}"] = value
    return found


# -- the key -----------------------------------------------------------------------------------


def existing(call: Call, given: str, *, by_alias: bool = True) -> Key:
    """The key a request names. Raises NotFoundException."""
    found = named(call, given, by_alias=by_alias)
    if found.key is None:
        raise AwsError("NotFoundException", f"Key '{found.arn}' does not exist")
    return found.key


def own(call: Call, given: str) -> Key:
    """The key of this account that a request names by id or ARN."""
    found = existing(call, given, by_alias=False)
    if found.account != call.account:
        raise AwsError("NotFoundException", f"Invalid account {found.account}")
    return found


def managed(call: Call, given: str) -> Key:
    """The same, where it is for customer managed keys only."""
    found = own(call, given)
    if found.service:
        raise AwsError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to perform this operation on "
            f"{found.arn}: AWS managed keys cannot be changed.",
        )
    return found


def store(call: Call, key: Key, **changes: Any) -> Key:
    """Write a changed key."""
    changed: Key = replace(key, **changes)
    call.world.rows(keys, key.account, key.region)[key.id] = changed
    return changed


def state_error(key: Key) -> AwsError:
    """What AWS says of a key whose state does not allow an operation."""
    match key.state:
        case "Disabled":
            return AwsError("DisabledException", f"{key.arn} is disabled.")
        case "PendingDeletion" | "PendingReplicaDeletion":
            return AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        case "PendingImport":
            return AwsError("KMSInvalidStateException", f"{key.arn} is pending import.")
    return AwsError("KMSInvalidStateException", f"{key.arn} is {key.state.lower()}.")


def living(key: Key, *states: str) -> Key:
    """The key, unless its state is none of those given."""
    if key.state not in (states or ("Enabled",)):
        raise state_error(key)
    return key


def usable(call: Call, given: str, usage: str, operation: str) -> Key:
    """The key for a cryptographic operation. Raises for its state, then for its usage."""
    key = living(existing(call, given))
    if key.usage != usage:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key usage is {key.usage} which is not valid for {operation}.",
        )
    return key


def symmetric(call: Call, given: str, operation: str) -> Key:
    """A symmetric encryption key for data keys."""
    key = usable(call, given, ENCRYPT, operation)
    if key.spec != SYMMETRIC:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key spec is {key.spec} which is not valid for {operation}.",
        )
    return key


def check_algorithm(key: Key, algorithm: str) -> None:
    """The algorithm must be one of the key's."""
    if algorithm not in algorithms(key.spec, key.usage):
        raise AwsError(
            "InvalidKeyUsageException",
            f"Algorithm {algorithm} and key spec {key.spec} are not compatible.",
        )


def material(call: Call, key: Key, material_id: str = "") -> Material | None:
    """A version of a key's material, the current one by default; None when it is not there."""
    rows = call.world.rows(materials, key.account, key.region)
    found = rows.get((key.id, material_id or key.material))
    return found if found is not None and found.secret else None


def current(call: Call, key: Key) -> bytes:
    """The key's current material."""
    found = material(call, key)
    if found is None:
        raise state_error(replace(key, state="PendingImport"))
    return found.secret


def bad_token() -> AwsError:
    """AWS's error of a grant token that was not given."""
    return AwsError("InvalidGrantTokenException", "The grant token is not valid.")


def dry_run() -> AwsError:
    """What a dry run ends with when the request would succeed."""
    return AwsError(
        "DryRunOperationException",
        "The request would have succeeded, but the DryRun option is set.",
    )


def check_tokens(call: Call, request: Any) -> None:
    """Grant tokens must be ones that were given. Grants count at once: a token adds nothing."""
    for token in request.grant_tokens or ():
        named_by_token(call, token)


def named_by_token(call: Call, token: str) -> tuple[str, str]:
    """The ARN of the key and the id of the grant a token is for. Raises InvalidGrantToken."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        account, region, key_id, grant_id, _ = text.split("/")
    except (binascii.Error, ValueError):
        raise bad_token() from None
    known = region == call.region and ACCOUNT.fullmatch(account)
    if not known or grant_id not in call.world.rows(grants, account, region):
        raise bad_token()
    return f"arn:aws:kms:{region}:{account}:key/{key_id}", grant_id


def finish(call: Call, request: Any, key: Key, operation: str) -> None:
    """The end of a cryptographic operation: a dry run stops here, any other is noted as use."""
    check_tokens(call, request)
    if request.dry_run:
        raise dry_run()
    used(call, key, operation)


def used(call: Call, key: Key, operation: str) -> None:
    """Note the last use of a key."""
    rows = call.world.rows(usages, key.account, key.region)
    rows[key.id] = Usage(operation, call.now, call.request_id)


def noted(call: Call, **materials: str) -> None:
    """Tell the event which key material was used (`additionalEventData`)."""
    shown = {name: one for name, one in materials.items() if one}
    if shown:
        call.extra["additionalEventData"] = shown


def no_recipient(call: Call, request: Any) -> None:
    """Attestation documents of Nitro enclaves are not read."""
    if request.recipient is not None:
        raise call.not_implemented("an attested Recipient (Nitro Enclaves, NitroTPM)")
