"""Envelope encryption for services: data under a KMS key, with the key's permission, as in AWS.

What a service does that takes a `KmsKeyId`:

    from mesocosm.call import encryption

    sealed = encryption.seal(call, key, data, {"aws:foo:arn": arn}, errors=_kms_error)   # writing
    row = Thing(..., sealed=sealed)                                                # a row's member
    data = encryption.unseal(call, row.sealed, {"aws:foo:arn": arn}, errors=_kms_error)  # reading

- `key` is what the client gave: key id, key ARN, alias name, alias ARN; or `"alias/aws/<service>"`
  for the AWS managed key, which is made at its first use. A key of another account is named by ARN.
- `seal` calls kms:GenerateDataKey and `unseal` kms:Decrypt as the caller of the service, through a
  forward access session (`kms:ViaService`, `kms:EncryptionContext:*`), so both fail when the key is
  disabled, pending deletion, gone, or when the caller may not. Both are recorded for CloudTrail.
- `context` is the encryption context AWS documents for the service: the same at both ends.
- `errors` turns KMS's error into the one the service answers with: any function of an AwsError, or
  `encryption.worded({"DisabledException": "KMS.DisabledException"}, "KMS.InvalidStateException")`.
  Without it KMS's own error reaches the client. `principal` as in `Call.invoke` (a service
  principal or role session; default: the caller). `account`, `region`: where an id
  or alias of a key is looked up, if not in the call's cell (the owner's of a resource, say).
- `check(call, key)` when a key is configured: it is there, enabled, symmetric (kms:DescribeKey).
- A service that uses one data key for much data keeps `wrapped` beside it:
  `made = data_key(call, key, context)` gives `made.key` (ARN), `made.plain` (32 bytes, never to be
  stored) and `made.wrapped`; `plain = unwrapped(call, wrapped, context)` asks KMS again. With
  `reuse=300` (seconds of the cloud's clock) the same data key serves the same requester that long
  without asking KMS, as SQS (KmsDataKeyReusePeriodSeconds) and S3 Bucket Keys do.
- `lock(call, plain, data, about)` and `unlock(plain, locked, about)` are the AES-256-GCM beneath;
  `about` is authenticated and must be the same at both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from mesocosm import wire
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.iam import Principal
    from mesocosm.world import World

SERVICE = "kms"
NONCE = 12
CACHED_MAX = 10_000

Errors: TypeAlias = Callable[[AwsError], AwsError]


class Sealed(msgspec.Struct, frozen=True):
    """Encrypted data as a row keeps it. `key` is the KMS key's ARN, `wrapped` the data key under
    it, `data` nonce and AES-256-GCM."""

    key: str
    wrapped: bytes
    data: bytes


class DataKey(NamedTuple):
    """A data key: `key` is the ARN of the KMS key, `wrapped` what may be stored."""

    key: str
    plain: bytes
    wrapped: bytes


class _Kept(NamedTuple):
    until: float
    value: DataKey


class DataKeys:
    """The data keys that are in use for a while: in memory only, of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[tuple[Any, ...], _Kept] = {}

    def get(self, name: tuple[Any, ...]) -> DataKey | None:
        """The data key kept under a name, while it holds."""
        found = self._kept.get(name)
        if found is None or found.until <= self._world.clock.now():
            return None
        return found.value

    def keep(self, name: tuple[Any, ...], value: DataKey, seconds: float) -> None:
        """Keep a data key for so long."""
        if len(self._kept) >= CACHED_MAX:
            self._kept.clear()
        self._kept[name] = _Kept(self._world.clock.now() + seconds, value)


def worded(codes: Mapping[str, str], other: str = "") -> Errors:
    """A service's errors for KMS's: another code with the same message. `other` is the code for
    what is not in `codes`; without it such an error stays as it is."""

    def errors(error: AwsError) -> AwsError:
        code = codes.get(error.code, other)
        return AwsError(code, error.message) if code else error

    return errors


def resolve(
    call: Call,
    key: str,
    *,
    errors: Errors | None = None,
    account: str | None = None,
    region: str | None = None,
) -> str:
    """The ARN of a key; the AWS managed key `alias/aws/<service>` is made if it is not there.

    `account` and `region`: where an id or an alias is looked up, if not in the call's cell. Asks
    nobody's permission: what uses the key does. Raises KMS's NotFoundException.
    """
    keys = call.cloud.provider("keys")
    try:
        arn: str = keys.resolve(call, key, account or call.account, region or call.location)
    except AwsError as error:
        raise (errors(error) if errors else error) from None
    return arn


def check(
    call: Call,
    key: str,
    *,
    errors: Errors | None = None,
    principal: Principal | None = None,
) -> str:
    """The ARN of a key that is there, enabled and for symmetric encryption (kms:DescribeKey)."""
    arn = resolve(call, key, errors=errors)
    found = _invoke(call, "DescribeKey", errors, principal, None, "", key_id=arn).key_metadata
    problem = None
    if found.key_state == "Disabled":
        problem = AwsError("DisabledException", f"{arn} is disabled.")
    elif found.key_state != "Enabled":
        words = {"PendingDeletion": "pending deletion", "PendingImport": "pending import"}
        state = words.get(found.key_state, found.key_state)
        problem = AwsError("KMSInvalidStateException", f"{arn} is {state}.")
    elif found.key_spec != "SYMMETRIC_DEFAULT":
        problem = AwsError(
            "InvalidKeyUsageException",
            f"{arn} key usage is {found.key_usage} which is not valid for GenerateDataKey.",
        )
    if problem is not None:
        raise errors(problem) if errors else problem
    return arn


def data_key(
    call: Call,
    key: str,
    context: Mapping[str, str],
    *,
    errors: Errors | None = None,
    principal: Principal | None = None,
    reuse: float = 0.0,
    account: str | None = None,
    region: str | None = None,
    verified: bool = False,
    source: str = "",
) -> DataKey:
    """A data key of 32 bytes under a KMS key (kms:GenerateDataKey). `verified`: one that the caller
    may open again too (kms:Decrypt), as SQS demands of senders. `source`: the ARN of the resource a
    service principal acts for (aws:SourceArn)."""
    arn = resolve(call, key, errors=errors, account=account, region=region)
    who, about = _requester(call, principal), tuple(sorted(context.items()))
    kept = call.world.derived(DataKeys) if reuse else None
    if kept is not None:
        found = kept.get((who, about, arn))
        if found is not None:
            return found
    made = _invoke(
        call,
        "GenerateDataKey",
        errors,
        principal,
        region,
        source,
        key_id=arn,
        encryption_context=dict(context),
        key_spec="AES_256",
    )
    result = DataKey(arn, made.plaintext, made.ciphertext_blob)
    if verified:
        wrapped = result.wrapped
        unwrapped(
            call,
            wrapped,
            context,
            errors=errors,
            principal=principal,
            region=region,
            source=source,
        )
    if kept is not None:
        kept.keep((who, about, arn), result, reuse)
        kept.keep((who, about, result.wrapped), result, reuse)
    return result


def unwrapped(
    call: Call,
    wrapped: bytes,
    context: Mapping[str, str],
    *,
    errors: Errors | None = None,
    principal: Principal | None = None,
    reuse: float = 0.0,
    region: str | None = None,
    source: str = "",
) -> bytes:
    """The data key that was wrapped under the same context (kms:Decrypt)."""
    name = (_requester(call, principal), tuple(sorted(context.items())), wrapped)
    kept = call.world.derived(DataKeys) if reuse else None
    if kept is not None:
        found = kept.get(name)
        if found is not None:
            return found.plain
    made = _invoke(
        call,
        "Decrypt",
        errors,
        principal,
        region,
        source,
        ciphertext_blob=wrapped,
        encryption_context=dict(context),
    )
    plain: bytes = made.plaintext
    if kept is not None:
        kept.keep(name, DataKey(made.key_id, plain, wrapped), reuse)
    return plain


def seal(
    call: Call,
    key: str,
    data: bytes,
    context: Mapping[str, str],
    *,
    errors: Errors | None = None,
    principal: Principal | None = None,
    reuse: float = 0.0,
) -> Sealed:
    """Data under a data key of its own (with `reuse`: one that others share)."""
    made = data_key(call, key, context, errors=errors, principal=principal, reuse=reuse)
    return Sealed(made.key, made.wrapped, lock(call, made.plain, data, context))


def unseal(
    call: Call,
    sealed: Sealed,
    context: Mapping[str, str],
    *,
    errors: Errors | None = None,
    principal: Principal | None = None,
    reuse: float = 0.0,
) -> bytes:
    """What was sealed under the same context."""
    plain = unwrapped(
        call, sealed.wrapped, context, errors=errors, principal=principal, reuse=reuse
    )
    return unlock(plain, sealed.data, context)


def lock(call: Call, plain: bytes, data: bytes, about: Mapping[str, str]) -> bytes:
    """Nonce and AES-256-GCM of data under a data key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = call.ids.bytes(NONCE)
    return nonce + AESGCM(plain).encrypt(nonce, data, _about(about))


def unlock(plain: bytes, locked: bytes, about: Mapping[str, str]) -> bytes:
    """What was locked; raises ValueError when it, or what it is about, was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(plain).decrypt(locked[:NONCE], locked[NONCE:], _about(about))
    except InvalidTag:
        raise ValueError("the data was changed, or is not what it is said to be") from None


def _about(context: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(sorted(context.items()))


def _requester(call: Call, principal: Principal | None) -> tuple[str, str]:
    who = principal or call.principal
    return who.arn, call.service.name


def _invoke(
    call: Call,
    operation: str,
    errors: Errors | None,
    principal: Principal | None,
    region: str | None,
    source: str,
    **given: Any,
) -> Any:
    shape = wire.service(SERVICE).operation(operation).input_shape
    assert shape is not None
    request = wire.structs(SERVICE).struct(shape.name)(**given)
    about = {"aws:SourceArn": source, "aws:SourceAccount": source.split(":")[4]} if source else None
    try:
        return call.invoke(
            SERVICE, operation, request, principal=principal, region=region, conditions=about
        )
    except AwsError as error:
        raise (errors(error) if errors else error) from None
