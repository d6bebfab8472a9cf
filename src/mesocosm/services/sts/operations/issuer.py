"""What the issuer of an account's tokens publishes: its metadata and its keys.

On AWS an issuer is a host, `https://<id>.tokens.sts.global.api.aws`; here it is a path of the
endpoint, `/_sts/<id>`, so that every client on this machine can fetch from it.
Source: OpenID Connect Discovery 1.0; IAM user guide, "Federating AWS identities to external
services".
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from mesocosm.services.sts import sts
from mesocosm.services.sts.operations.tokens import CLAIM, signing_key
from mesocosm.services.sts.resources import signing_keys
from mesocosm.wire.message import Response

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.wire.hosts import Host
    from mesocosm.wire.message import Request

METADATA = "/.well-known/openid-configuration"
KEYS = "/.well-known/jwks.json"
ALGORITHMS = ("RS256", "ES384")


def web(cloud: Cloud, request: Request, host: Host) -> Response | None:
    """`/_sts/<id>/.well-known/...`, for anybody."""
    name, slash, rest = request.path.removeprefix("/_sts/").partition("/")
    found = cloud.provider("identity").issues(name)
    if found is None or request.method not in ("GET", "HEAD"):
        return _answer(404, {"message": "There is no such issuer."})
    account, issuer = found
    if slash + rest == METADATA:
        return _answer(200, _metadata(issuer))
    if slash + rest == KEYS:
        return _answer(200, {"keys": _keys(cloud, account)})
    return _answer(404, {"message": f"An issuer has {METADATA} and {KEYS}."})


sts.web = web


def _metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "jti", CLAIM],
    }


def _keys(cloud: Cloud, account: str) -> list[dict[str, str]]:
    """The keys of an account; they are made when somebody asks for them before the first token."""
    from mesocosm.services.sts.rules import jwt

    world, shown = cloud.world, []
    made = world.rows(signing_keys, account, "aws-global")
    with nullcontext() if len(made) == len(ALGORITHMS) else world.transaction():
        for algorithm in ALGORITHMS:
            row, key = signing_key(world, account, algorithm)
            shown.append(jwt.public_jwk(key.public_key(), row.id, algorithm))
    return shown


def _answer(status: int, content: dict[str, Any]) -> Response:
    body = msgspec.json.encode(content)
    headers = [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("access-control-allow-origin", "*"),
    ]
    return Response(status, headers, body)
