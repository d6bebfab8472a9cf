"""Groups under a KMS key: AWS's logs service itself uses the key, under the group's ARN."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from mesocosm.api import logs as api
from mesocosm.call import encryption
from mesocosm.call.call import Call
from mesocosm.call.encryption import Errors
from mesocosm.call.identity import service_principal
from mesocosm.iam import Principal
from mesocosm.services.logs import logs
from mesocosm.services.logs.resources.events import Content, encode, plain_content
from mesocosm.services.logs.resources.rows import groups
from mesocosm.services.logs.resources.targets import Found, GroupName, bad, find, group_arn
from mesocosm.wire.errors import AwsError

REUSE = 300.0
"""Seconds for which one data key encrypts what is written to a group."""

Locked = tuple[str, bytes, bytes, None]
"""ARN of the key, the data key under it, the locked content: four, where plain content is three."""

_FOUR = 0x94
_locked = msgspec.msgpack.Decoder(Locked).decode


def _principal(at: GroupName) -> Principal:
    return service_principal(f"logs.{at.region}.amazonaws.com", at.account)


def _context(at: GroupName) -> Mapping[str, str]:
    return {"aws:logs:arn": at.arn}


def _errors(at: GroupName) -> Errors:
    def error(_: AwsError) -> AwsError:
        return AwsError(
            "AccessDeniedException",
            "The specified KMS key does not exist or is not allowed to be used with Arn "
            f"'{at.arn}'",
        )

    return error


def check_key(call: Call, key: str, at: GroupName) -> str:
    """The key, when logs may use it for a group. Raises what AWS says of one it may not use."""
    if not key.startswith("arn:"):
        raise bad("The KMS Key Id must be the ARN of a key.")
    arn = encryption.resolve(call, key, errors=_errors(at))
    encryption.data_key(call, arn, _context(at), errors=_errors(at), principal=_principal(at))
    return arn


def sealed(call: Call, found: Found, payload: bytes) -> bytes:
    """The payload of a chunk under the group's key."""
    at = found.at
    made = encryption.data_key(
        call,
        found.group.kms_key,
        _context(at),
        errors=_errors(at),
        principal=_principal(at),
        reuse=REUSE,
    )
    locked = encryption.lock(call, made.plain, payload, _context(at))
    return encode((made.key, made.wrapped, locked, None))


def opener(call: Call, at: GroupName) -> Callable[[bytes], Content]:
    """Reads the payloads of a group's chunks; asks KMS once for each data key there is."""
    keys: dict[bytes, bytes] = {}
    context = _context(at)

    def content(payload: bytes) -> Content:
        if payload[0] != _FOUR:
            return plain_content(payload)
        _, wrapped, locked, _ = _locked(payload)
        plain = keys.get(wrapped)
        if plain is None:
            plain = keys[wrapped] = encryption.unwrapped(
                call, wrapped, context, errors=_errors(at), principal=_principal(at)
            )
        return plain_content(encryption.unlock(plain, locked, context))

    return content


def _of(request: api.AssociateKmsKeyRequest | api.DisassociateKmsKeyRequest, call: Call) -> Found:
    identifier = request.resource_identifier
    if bool(identifier) == bool(request.log_group_name):
        raise bad("Exactly one of logGroupName and resourceIdentifier must be specified.")
    if identifier and ":query-result:" in identifier:
        raise call.not_implemented("encryption of query results")
    return find(call, request.log_group_name or identifier)


def _resource(call: Call, request: api.AssociateKmsKeyRequest) -> str:
    if request.resource_identifier:
        return request.resource_identifier
    return group_arn(call, request)


@logs.operation("AssociateKmsKey", resource=_resource)
def associate_kms_key(call: Call, request: api.AssociateKmsKeyRequest) -> None:
    """Encrypt what comes from now on under a key."""
    found = _of(request, call)
    key = check_key(call, request.kms_key_id, found.at)
    call.rows(groups)[found.group.name] = replace(found.group, kms_key=key, sealed=True)


@logs.operation("DisassociateKmsKey", resource=_resource)
def disassociate_kms_key(call: Call, request: api.DisassociateKmsKeyRequest) -> None:
    """Encrypt what comes from now on no longer; what is there stays under the key."""
    found = _of(request, call)
    call.rows(groups)[found.group.name] = replace(found.group, kms_key="")
