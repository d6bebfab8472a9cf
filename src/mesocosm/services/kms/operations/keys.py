"""Keys: made, described, listed, enabled and disabled, deleted after a while."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.record import event_id
from mesocosm.call.service import Need, Values
from mesocosm.services.kms import kms
from mesocosm.services.kms.engine import making, pairs, symmetric
from mesocosm.services.kms.operations import shared
from mesocosm.services.kms.operations.describing import metadata
from mesocosm.services.kms.operations.paging import LIMIT, paged
from mesocosm.services.kms.operations.policies import checked_policy
from mesocosm.services.kms.operations.shared import DAY, conditions, key_arn, own_key_arn
from mesocosm.services.kms.operations.tagging import checked_tags
from mesocosm.services.kms.resources.finding import key_arn as arn_of
from mesocosm.services.kms.resources.finding import named
from mesocosm.services.kms.resources.rows import (
    Alias,
    Key,
    Material,
    aliases,
    keys,
    materials,
    usages,
)
from mesocosm.services.kms.rules.policies import (
    NAMES,
    default_policy,
    managed_description,
    managed_policy,
)
from mesocosm.services.kms.rules.specs import (
    HMAC_LENGTH,
    MAC,
    SPECS,
    SYMMETRIC,
    asymmetric,
)
from mesocosm.wire.errors import AwsError

KEYS_MAX = 100_000
MANAGED_ROTATION_DAYS = 365


# -- making --------------------------------------------------------------------------------------


def _create_conditions(call: Call, request: api.CreateKeyRequest) -> dict[str, Values]:
    spec, usage = _spec(request), _usage(request)
    found = shared.caller_conditions(call)
    found["kms:KeySpec"] = found["kms:CustomerMasterKeySpec"] = spec
    found["kms:KeyUsage"] = found["kms:CustomerMasterKeyUsage"] = usage
    found["kms:KeyOrigin"] = request.origin or "AWS_KMS"
    found["kms:MultiRegion"] = "true" if request.multi_region else "false"
    if request.multi_region:
        found["kms:MultiRegionKeyType"] = "PRIMARY"
    bypass = bool(request.bypass_policy_lockout_safety_check)
    found["kms:BypassPolicyLockoutSafetyCheck"] = shared.text(bypass)
    return found


def _tagging(call: Call, request: api.CreateKeyRequest) -> list[Need]:
    if not request.tags:
        return []
    return [Need("kms:TagResource", "*", shared.caller_conditions(call))]


def _spec(request: api.CreateKeyRequest) -> str:
    return request.key_spec or request.customer_master_key_spec or SYMMETRIC


def _usage(request: api.CreateKeyRequest) -> str:
    return request.key_usage or "ENCRYPT_DECRYPT"


@kms.operation(
    "CreateKey",
    conditions=_create_conditions,
    needs=_tagging,
    tags=lambda request: {tag.tag_key: tag.tag_value for tag in request.tags or ()},
)
def create_key(call: Call, request: api.CreateKeyRequest) -> api.CreateKeyResponse:
    """Make a key in this account and Region."""
    spec, usage, origin = _spec(request), _usage(request), request.origin or "AWS_KMS"
    _check_creation(call, request, spec, usage, origin)
    if len(call.rows(keys)) >= KEYS_MAX:
        raise AwsError("LimitExceededException", f"You cannot have more than {KEYS_MAX} keys.")
    key_id = f"mrk-{call.ids.hex(32)}" if request.multi_region else call.ids.uuid()
    arn = arn_of(call.account, call.region, key_id)
    tags = checked_tags({}, request.tags or [])
    bypass = bool(request.bypass_policy_lockout_safety_check)
    policy = request.policy or default_policy(call.account)
    principals = checked_policy(call, arn, policy, tags, bypass=bypass)
    key = Key(
        arn=arn,
        created=call.now,
        spec=spec,
        usage=usage,
        policy=policy,
        principals=principals,
        origin=origin,
        description=request.description or "",
        state="PendingImport" if origin == "EXTERNAL" else "Enabled",
        tags=tags,
        primary=call.region if request.multi_region else "",
    )
    if origin == "AWS_KMS":
        key = _with_material(call, key)
    call.rows(keys)[key.id] = key
    return api.CreateKeyResponse(key_metadata=metadata(call, key))


def _check_creation(
    call: Call, request: api.CreateKeyRequest, spec: str, usage: str, origin: str
) -> None:
    if request.custom_key_store_id is not None or request.xks_key_id is not None:
        raise call.not_implemented("a key in a custom key store")
    if origin in ("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"):
        raise call.not_implemented(f"Origin {origin} (custom key stores)")
    if (
        request.key_spec is not None
        and request.customer_master_key_spec is not None
        and request.key_spec != request.customer_master_key_spec
    ):
        raise AwsError(
            "ValidationException",
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
            "CustomerMasterKeySpec is deprecated.",
        )
    if spec not in SPECS:
        raise AwsError(
            "UnsupportedOperationException", f"KeySpec {spec} is not supported in this Region."
        )
    if spec != SYMMETRIC and request.key_usage is None:
        raise AwsError(
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        )
    if usage not in SPECS[spec].usages:
        raise AwsError(
            "ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        )


def _with_material(call: Call, key: Key) -> Key:
    """The key with new material of its own, which is stored."""
    if key.spec == SYMMETRIC:
        secret = call.ids.bytes(32)
    elif key.usage == MAC:
        secret = call.ids.bytes(HMAC_LENGTH[key.spec])
    else:
        made = making.generate(call, key.spec)
        if made is None:
            raise AwsError(
                "UnsupportedOperationException",
                f"KeySpec {key.spec} is not supported in this Region.",
            )
        secret = made
    return add_material(call, key, secret)


def add_material(call: Call, key: Key, secret: bytes) -> Key:
    """The key with its first material, which is stored."""
    identity = symmetric.material_id(key.id, secret)
    call.rows(materials, key.account, key.region)[key.id, identity] = Material(
        secret=secret, created=call.now
    )
    changed: Key = replace(
        key,
        material=identity,
        public=pairs.public(secret) if asymmetric(key.spec) else b"",
        rotation_from=call.now,
    )
    return changed


def managed_key(call: Call, service: str, account: str, region: str) -> Key:
    """The AWS managed key of a service, made when it is asked for the first time."""
    name = f"alias/aws/{service}"
    row = call.world.rows(aliases, account, region).get(name)
    if row is not None and row.key:
        return call.world.rows(keys, account, region)[row.key]
    key = _with_material(
        call,
        Key(
            arn=arn_of(account, region, call.ids.uuid()),
            created=call.now,
            spec=SYMMETRIC,
            usage="ENCRYPT_DECRYPT",
            policy=managed_policy(service, account, region),
            description=managed_description(service),
            service=service,
            rotation=MANAGED_ROTATION_DAYS,
        ),
    )
    call.world.rows(keys, account, region)[key.id] = key
    call.world.rows(aliases, account, region)[name] = Alias(
        key=key.id, created=call.now, updated=call.now
    )
    due = call.now + MANAGED_ROTATION_DAYS * DAY
    call.world.timers.at(due, "kms", "rotate", key.id, account, region)
    return key


# -- seeing --------------------------------------------------------------------------------------


def _described_arn(call: Call, request: api.DescribeKeyRequest) -> str:
    if request.key_id.startswith("alias/aws/") and request.key_id not in call.rows(aliases):
        return call.arn(request.key_id)
    return key_arn(call, request)


def _described_conditions(call: Call, request: api.DescribeKeyRequest) -> dict[str, Values]:
    if request.key_id.startswith("alias/aws/") and request.key_id not in call.rows(aliases):
        return shared.caller_conditions(call)
    return conditions(call, request)


@kms.operation("DescribeKey", resource=_described_arn, conditions=_described_conditions)
def describe_key(call: Call, request: api.DescribeKeyRequest) -> api.DescribeKeyResponse:
    """What a key is. Describing an alias that AWS reserved makes the key behind it."""
    given = request.key_id
    if given.startswith("alias/aws/") and given not in call.rows(aliases):
        service = given.removeprefix("alias/aws/")
        if service not in NAMES:
            raise AwsError("NotFoundException", f"Alias {call.arn(given)} is not found.")
        key = managed_key(call, service, call.account, call.region)
    else:
        key = shared.existing(call, given)
        shared.check_tokens(call, request)
    return api.DescribeKeyResponse(key_metadata=metadata(call, key))


@kms.operation("ListKeys", conditions=lambda call, _: shared.caller_conditions(call))
def list_keys(call: Call, request: api.ListKeysRequest) -> api.ListKeysResponse:
    """The keys of this account and Region, AWS managed ones too."""
    own = "SELF" in (request.resource_owners or ["SELF"])  # nothing is shared through RAM
    found, marker = paged(call.rows(keys).values() if own else (), _key_id, request, LIMIT)
    return api.ListKeysResponse(
        keys=[api.KeyListEntry(key_id=key.id, key_arn=key.arn) for key in found],
        next_marker=marker,
        truncated=marker is not None,
    )


def _key_id(key: Key) -> str:
    return key.id


@kms.operation("GetKeyLastUsage", resource=own_key_arn, conditions=conditions)
def get_key_last_usage(
    call: Call, request: api.GetKeyLastUsageRequest
) -> api.GetKeyLastUsageResponse:
    """The last cryptographic operation of a key. Every key was tracked from its making on."""
    key = shared.own(call, request.key_id)
    row = call.rows(usages).get(key.id)
    shown = api.KeyLastUsageData()
    if row is not None:
        shown = api.KeyLastUsageData(
            operation=row.operation,
            timestamp=row.at,
            cloud_trail_event_id=event_id(row.request, key.account),
            kms_request_id=row.request,
        )
    return api.GetKeyLastUsageResponse(
        key_id=key.id,
        key_last_usage=shown,
        tracking_start_date=key.created,
        key_creation_date=key.created,
    )


# -- changing ------------------------------------------------------------------------------------


@kms.operation("EnableKey", resource=own_key_arn, conditions=conditions)
def enable_key(call: Call, request: api.EnableKeyRequest) -> None:
    """Let a key be used again."""
    key = shared.living(shared.managed(call, request.key_id), "Enabled", "Disabled")
    key = shared.store(call, key, state="Enabled")
    if key.rotation:
        call.at(max(call.now, key.rotation_from + key.rotation * DAY), "rotate", key.id)


@kms.operation(
    "DisableKey",
    resource=own_key_arn,
    conditions=lambda call, request: _with_idle_days(call, request),
)
def disable_key(call: Call, request: api.DisableKeyRequest) -> None:
    """Keep a key from being used."""
    key = shared.living(shared.managed(call, request.key_id), "Enabled", "Disabled")
    shared.store(call, key, state="Disabled")


@kms.operation("UpdateKeyDescription", resource=own_key_arn, conditions=conditions)
def update_key_description(call: Call, request: api.UpdateKeyDescriptionRequest) -> None:
    """Change a key's description."""
    key = shared.managed(call, request.key_id)
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        raise shared.state_error(key)
    shared.store(call, key, description=request.description)


def _with_idle_days(call: Call, request: Any) -> dict[str, Values]:
    """The condition keys with how long the key has not been used, in whole days."""
    found = conditions(call, request)
    key = named(call, request.key_id).key
    if key is not None:
        row = call.world.rows(usages, key.account, key.region).get(key.id)
        since = row.at if row is not None else key.created
        found["kms:TrailingDaysWithoutKeyUsage"] = str(int((call.now - since) // DAY))
    return found


@kms.operation("ScheduleKeyDeletion", resource=own_key_arn, conditions=_with_idle_days)
def schedule_key_deletion(
    call: Call, request: api.ScheduleKeyDeletionRequest
) -> api.ScheduleKeyDeletionResponse:
    """Delete a key after a waiting period of 7 to 30 days, in which that can be taken back."""
    key = shared.managed(call, request.key_id)
    days = 30 if request.pending_window_in_days is None else request.pending_window_in_days
    if not 7 <= days <= 30:
        raise AwsError(
            "ValidationException", "PendingWindowInDays must be between 7 and 30 inclusive."
        )
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        raise shared.state_error(key)
    if key.primary == key.region and key.replicas:
        key = shared.store(call, key, state="PendingReplicaDeletion", window=days)
        return api.ScheduleKeyDeletionResponse(
            key_id=key.arn, key_state=key.state, pending_window_in_days=days
        )
    key = start_deletion(call, key, days)
    return api.ScheduleKeyDeletionResponse(
        key_id=key.arn,
        deletion_date=key.deletion,
        key_state=key.state,
        pending_window_in_days=days,
    )


def start_deletion(call: Call, key: Key, days: int) -> Key:
    """The waiting period begins."""
    due = call.now + days * DAY
    call.world.timers.at(due, "kms", "delete", key.id, key.account, key.region)
    return shared.store(call, key, state="PendingDeletion", deletion=due, window=days)


@kms.operation("CancelKeyDeletion", resource=own_key_arn, conditions=conditions)
def cancel_key_deletion(
    call: Call, request: api.CancelKeyDeletionRequest
) -> api.CancelKeyDeletionResponse:
    """Take a deletion back; the key is then disabled."""
    key = shared.managed(call, request.key_id)
    if key.state not in ("PendingDeletion", "PendingReplicaDeletion"):
        raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    call.cancel("delete", key.id)
    state = "Disabled" if key.material else "PendingImport"
    shared.store(call, key, state=state, deletion=0.0, window=0)
    return api.CancelKeyDeletionResponse(key_id=key.arn)
