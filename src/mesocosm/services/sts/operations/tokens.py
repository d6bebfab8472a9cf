"""Tokens that AWS signs for its own principals: outbound web identity federation.

Source: IAM user guide, "Federating AWS identities to external services".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mesocosm.api import sts as api
from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.resources import SigningKey, signing_keys
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.services.sts.rules import jwt
    from mesocosm.world import World

DEFAULT_S = 300
PAYLOAD_MAX_BYTES = 20_000
CLAIM = "https://sts.amazonaws.com/"


def signing_key(world: World, account: str, algorithm: str) -> tuple[SigningKey, jwt.PrivateKey]:
    """The account's key of an algorithm; it is made when first wanted, and kept."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    cell = world.rows(signing_keys, account, "aws-global")
    row = cell.get(algorithm)
    if row is not None:
        loaded = serialization.load_pem_private_key(row.pem, None)
        assert isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return row, loaded
    key: jwt.PrivateKey
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    else:
        key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    row = cell[algorithm] = SigningKey(id=world.ids.uuid(), algorithm=algorithm, pem=pem)
    return row, key


def _conditions(call: Call, request: api.GetWebIdentityTokenRequest) -> dict[str, Values]:
    return {
        "sts:IdentityTokenAudience": list(request.audience),
        "sts:SigningAlgorithm": request.signing_algorithm,
        "sts:DurationSeconds": str(request.duration_seconds or DEFAULT_S),
    }


@sts.operation(
    "GetWebIdentityToken",
    conditions=_conditions,
    tags=lambda request: {tag.key: tag.value for tag in request.tags or ()},
    read_only=True,
    hide=("WebIdentityToken",),
)
def get_web_identity_token(
    call: Call, request: api.GetWebIdentityTokenRequest
) -> api.GetWebIdentityTokenResponse:
    """A token that tells services outside who the caller is. Its times are those of the world
    outside.
    """
    issuer = call.cloud.provider("identity").issuer(call.account)
    if issuer is None:
        raise AwsError(
            "OutboundWebIdentityFederationDisabledException",
            "Outbound web identity federation is not enabled for the account.",
            status=403,
        )
    if request.signing_algorithm not in ("RS256", "ES384"):
        raise rules.invalid("SigningAlgorithm must be RS256 or ES384.")
    seconds = request.duration_seconds or DEFAULT_S
    ends = call.principal.expires_at
    if ends is not None and call.now + seconds > ends:
        raise AwsError(
            "SessionDurationEscalationException",
            "The requested token duration would extend the session beyond its original expiration "
            "time.",
            status=403,
        )
    from mesocosm.services.sts.rules import jwt

    row, key = signing_key(call.world, call.account, request.signing_algorithm)
    claims = _claims(call, request, issuer, seconds)
    if len(json.dumps(claims)) > PAYLOAD_MAX_BYTES:
        raise AwsError(
            "JWTPayloadSizeExceededException",
            "The requested token payload size exceeds the maximum allowed size.",
            status=400,
        )
    return api.GetWebIdentityTokenResponse(
        web_identity_token=jwt.signed(claims, key, request.signing_algorithm, row.id),
        expiration=float(claims["exp"]),
    )


def _claims(
    call: Call, request: api.GetWebIdentityTokenRequest, issuer: str, seconds: int
) -> dict[str, Any]:
    principal, now = call.principal, int(call.world.clock.real())
    own: dict[str, Any] = {
        "aws_account": principal.account,
        "source_region": call.location,
        "principal_id": principal.role_arn or principal.arn,
    }
    organization = call.cloud.provider("organization")
    place = organization.membership(principal.account) if organization else None
    if place is not None:
        own["org_id"], own["ou_path"] = place.organization, list(place.paths)
    tags = call.cloud.provider("identity").tags(principal) or principal.tags
    if tags:
        own["principal_tags"] = dict(tags)
    if request.tags:
        own["request_tags"] = rules.tags_given(request.tags)
    if principal.source_identity:
        own["source_identity"] = principal.source_identity
    audience = list(request.audience)
    return {
        "aud": audience[0] if len(audience) == 1 else audience,
        "sub": principal.role_arn or principal.arn,
        "iss": issuer,
        "iat": now,
        "exp": now + seconds,
        "jti": call.ids.uuid(),
        CLAIM: own,
    }
