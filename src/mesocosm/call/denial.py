"""A denial, as the service words it; EC2's encoded messages."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.call.service import Need, Target
from mesocosm.iam import Decision
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.world import World


class Sealing(msgspec.Struct, frozen=True):
    """The key that seals encoded authorisation messages."""

    key: bytes


sealing: Table[str, Sealing] = Table("call.sealing", Sealing)


class Denied(AwsError):
    """A refusal that comes before any policy: who shows a wrong MFA code is told just that."""


def denial(cloud: Cloud, call: Call, need: Need, target: Target, decision: Decision) -> AwsError:
    """The error for a decision that is no allow: code and wording by service and protocol."""
    service = call.service
    code = service.denied or "AccessDeniedException"
    status = 400 if code == "AccessDeniedException" else 403
    if call.principal.kind == "anonymous":
        return AwsError(code, service.denied_unsigned.format(url=_url(call)), status=403)
    action = need.action
    if service.spoken and action.startswith(f"{service.prefix}:"):
        action = service.spoken + action[len(service.prefix) :]
    arn, name = call.said
    resource = name if need.resource == arn else need.resource
    message = decision.message(call.principal.arn, action, resource)
    if service.encoded_denials:
        sealed = seal(call.world, facts(call, need, target, decision))
        return AwsError(
            code,
            "You are not authorized to perform this operation. "
            f"{message} Encoded authorization failure message: {sealed}",
            status=403,
        )
    return AwsError(code, message, status=status)


def _url(call: Call) -> str:
    request = call.http
    if request is None:
        return ""
    return f"{'https' if call.secure else 'http'}://{request.host}{request.path}"


def facts(call: Call, need: Need, target: Target, decision: Decision) -> dict[str, Any]:
    """What an encoded message holds (STS API reference, DecodeAuthorizationMessage)."""
    judgement = call.judgements[-1]
    return {
        "allowed": False,
        "explicitDeny": decision.result == "ExplicitlyDenied",
        "matchedStatements": {
            "items": [
                {"statementId": decision.statement, "effect": "DENY", "policy": decision.policy}
            ]
            if decision.policy
            else []
        },
        "failures": {"items": []},
        "context": {
            "principal": {"id": call.principal.id, "arn": call.principal.arn},
            "action": need.action,
            "resource": need.resource,
            "conditions": {
                "items": [
                    {
                        "key": key,
                        "values": {
                            "items": [
                                {"value": one}
                                for one in ([value] if isinstance(value, str) else value)
                            ]
                        },
                    }
                    for key, value in judgement.context.items()
                    if value is not None
                ]
            },
        },
    }


def seal(world: World, content: dict[str, Any]) -> str:
    """Encrypt a message so that only this world can read it (AES-GCM)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    data = zlib.compress(msgspec.json.encode(content))
    nonce = hashlib.sha256(data).digest()[:12]
    sealed = nonce + AESGCM(_key(world)).encrypt(nonce, data, None)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(world: World, text: str) -> str:
    """The JSON text of an encoded message. Raises InvalidAuthorizationMessageException."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return zlib.decompress(AESGCM(_key(world)).decrypt(data[:12], data[12:], None)).decode()
    except (ValueError, InvalidTag, zlib.error):
        raise AwsError(
            "InvalidAuthorizationMessageException", "Message is not valid", status=400
        ) from None


def _key(world: World) -> bytes:
    """This world's key: a row, so that it survives a restart."""
    rows = world.rows(sealing, "", "aws-global")
    row = rows.get("key")
    if row is None:
        row = Sealing(world.ids.secret(32).encode()[:32].ljust(32, b"="))
        if world.current is not None:
            rows["key"] = row
        else:
            with world.transaction():
                rows["key"] = row
    return row.key
