"""S3's older signature, version 2: what boto3 still puts into presigned URLs and forms by default.

Source: "Signing and authenticating REST requests" and "Query string request authentication
alternative" (Amazon S3 API Reference, AWS Signature Version 2). Requests signed so in the
Authorization header are refused, as S3 does in Regions younger than 2014.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from mesocosm.wire import hosts
from mesocosm.wire.authfaults import auth_fault
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesocosm.wire.message import Request
    from mesocosm.wire.signature import Signature

ALGORITHM = "HMAC-SHA1"

RESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "delete",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "partNumber",
        "policy",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    ]
)
"""Query parameters that are part of what is signed."""


def claimed(request: Request) -> bool:
    """Whether the query holds a signature of version 2."""
    return "AWSAccessKeyId=" in request.query and "Signature=" in request.query


def query_fields(request: Request) -> dict[str, str]:
    """The claim of a presigned URL: key id, signature, expiry, and headers put into the query."""
    found = {}
    for pair in request.query.split("&"):
        name, _, value = pair.partition("=")
        found[unquote_plus(name)] = unquote_plus(value)
    missing = {"AWSAccessKeyId", "Signature", "Expires"} - found.keys()
    if missing or not found["Expires"].isdecimal() or len(found["Expires"]) > 12:
        raise AwsError(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters"
            if missing
            else f"Invalid date (should be seconds since epoch): {found['Expires']}",
            status=403,
        )
    return found


def verify(signature: Signature, secret: str, request: Request) -> None:
    """Prove a presigned URL. Raises SignatureDoesNotMatch."""
    text = string_to_sign(request)
    if not matches(signature, secret, text):
        raise auth_fault(
            "mismatch",
            "s3",
            AWSAccessKeyId=signature.access_key_id,
            StringToSign=text,
            SignatureProvided=signature.value,
            StringToSignBytes=text.encode("utf-8", "replace").hex(" "),
        )


def matches(signature: Signature, secret: str, text: str) -> bool:
    """Whether the signature is that of a text."""
    digest = b64encode(hmac.digest(secret.encode(), text.encode(), "sha1"))
    return hmac.compare_digest(digest, signature.value.encode("utf-8", "replace"))


def string_to_sign(request: Request) -> str:
    """Method, three headers (the expiry instead of the date), x-amz- headers, resource."""
    fields = query_fields(request)
    headers = request.headers
    amz: Mapping[str, str] = {n: v for n, v in fields.items() if n.startswith("x-amz-")} | {
        name: ",".join(" ".join(v.split()) for v in headers.all(name))
        for name, _ in headers
        if name.startswith("x-amz-")
    }
    lines = [
        request.method,
        headers.get("content-md5") or fields.get("content-md5", ""),
        headers.get("content-type") or fields.get("content-type", ""),
        fields["Expires"],
        *(f"{name}:{amz[name].strip()}" for name in sorted(amz)),
    ]
    return "\n".join(lines) + "\n" + _resource(request)


def _resource(request: Request) -> str:
    host = hosts.parse(request.host)
    path = f"/{host.name}{request.path}" if host.kind == "bucket" else request.path
    parts = []
    for pair in sorted(request.query.split("&")):
        name, equals, value = pair.partition("=")
        if name in RESOURCES:
            parts.append(f"{name}={unquote_plus(value)}" if equals and value else name)
    return path + ("?" + "&".join(parts) if parts else "")
