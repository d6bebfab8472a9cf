"""Signature Version 4: prove what a request claims.

Two halves, because the secret is looked up in between: `parse(request)` (in `claims`) gives what
the client claims, or None when the request is not signed; `verify(...)` proves it. Both raise
`AwsError` in the wording of the service's family.

Sources: "Signature Version 4 signing process" (IAM User Guide); "Authenticating Requests (AWS
Signature Version 4)" (Amazon S3 API Reference).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from mesocosm.wire import sigv2
from mesocosm.wire.authfaults import auth_fault, dialect
from mesocosm.wire.canonical import (
    canonical_path,
    canonical_query,
    encoded_path,
    encoded_query,
)
from mesocosm.wire.chunked import Chain
from mesocosm.wire.claims import UNSIGNED, parse, parse_post, payload
from mesocosm.wire.errors import AwsError
from mesocosm.wire.signature import ECDSA, Payload, Signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash as Hash

    from mesocosm.wire.message import Headers, Request

__all__ = [
    "UNSIGNED",
    "Payload",
    "Signature",
    "chain",
    "parse",
    "parse_post",
    "payload",
    "payload_mismatch",
    "verify",
    "verify_policy_signature",
]

SKEW = 300.0
"""Seconds a request's date may be away from the present."""
S3_SKEW = 900.0


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a credential scope (32 bytes)."""
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    key = hmac.digest(key, region.encode(), "sha256")
    key = hmac.digest(key, service.encode(), "sha256")
    return hmac.digest(key, b"aws4_request", "sha256")


@lru_cache(maxsize=4096)
def _halves(secret: str, date: str, region: str, service: str) -> tuple[Hash, Hash]:
    """Both hashes of HMAC-SHA256 (RFC 2104) with the signing key taken in: what is left to do per
    request is two short updates, and not the derivation of the key nor its two blocks."""
    key = signing_key(secret, date, region, service).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
    return inner, outer


def _hmac(signature: Signature, secret: str, text: str) -> str:
    """The signature (hex) of a text with the key of the credential scope."""
    halves = _halves(secret, signature.date, signature.region, signature.service)
    inner, outer = halves[0].copy(), halves[1].copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.hexdigest()


def verify(
    signature: Signature,
    secret: str,
    request: Request,
    payload_hash: str,
    now: float | None = None,
) -> None:
    """Prove the signature and its headers, and its date against `now` (real epoch seconds).

    Without `now` the date is not looked at: the caller has called `check_time`. Returns nothing or
    raises. Paths and queries are taken as sent; when that does not match, as AWS would encode them
    anew.
    """
    if now is not None:
        check_time(signature, request, now)
    if signature.algorithm == sigv2.ALGORITHM:
        sigv2.verify(signature, secret, request)
        return
    _check_headers(signature, request)
    if signature.date != signature.timestamp[:8]:
        raise auth_fault(
            "mismatch",
            dialect(request, signature.service),
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: "
            f"'{signature.date}' != '{signature.timestamp[:8]}', from '{signature.timestamp}'.",
        )
    path = request.path if signature.s3 else canonical_path(request.path)
    query = canonical_query(request.query)
    first = canonical_request(signature, request, path, query, payload_hash)
    if _matches(signature, secret, string_to_sign(signature, first)):
        return
    anew = encoded_path(request.path) if signature.s3 else path
    query_anew = encoded_query(request.query)
    if anew != path or query_anew != query:
        second = canonical_request(signature, request, anew, query_anew, payload_hash)
        if _matches(signature, secret, string_to_sign(signature, second)):
            return
    raise _mismatch(signature, request, first)


def _matches(signature: Signature, secret: str, text: str) -> bool:
    return _proves(signature, secret, text, signature.value)


def _proves(signature: Signature, secret: str, text: str, value: str) -> bool:
    if signature.algorithm == sigv2.ALGORITHM:
        return sigv2.matches(signature, secret, text)
    if signature.algorithm == ECDSA:
        from mesocosm.wire import sigv4a  # needs a slow import, and few requests are signed so

        return sigv4a.verify(signature.access_key_id, secret, text, value)
    digest = _hmac(signature, secret, text)
    return hmac.compare_digest(digest.encode(), value.encode("utf-8", "replace"))


def chain(signature: Signature, secret: str) -> Chain:
    """What proves the chunks of a body whose request is signed so."""
    return Chain(
        signature.algorithm,
        signature.timestamp,
        signature.scope,
        signature.value,
        lambda text, value: _proves(signature, secret, text, value),
    )


def string_to_sign(signature: Signature, canonical: str) -> str:
    """The four lines that are signed."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{signature.algorithm}\n{signature.timestamp}\n{signature.scope}\n{digest}"


def canonical_request(
    signature: Signature, request: Request, path: str, query: str, payload_hash: str
) -> str:
    """The six parts of a canonical request. Headers are joined and trimmed as the client had to."""
    headers = request.headers
    signed = _signed(signature.signed_headers)
    try:
        fields = signed.lines % signed.values(headers.first)
    except KeyError:
        fields = ""
    if not fields or headers.repeated or "  " in fields or "\t" in fields:
        fields = "".join([f"{name}:{_joined(headers, name)}\n" for name in signed.names])
    return (
        f"{request.method}\n{path or '/'}\n{query}\n{fields}\n"
        f"{signature.signed_headers}\n{payload_hash}"
    )


class Signed(NamedTuple):
    """The names of the signed headers: in their order, as a set, as what gets their values and as
    the lines those are put into."""

    names: tuple[str, ...]
    all: frozenset[str]
    values: Callable[[dict[str, str]], tuple[str, ...] | str]
    lines: str


@lru_cache(maxsize=1024)
def _signed(text: str) -> Signed:
    """Taken apart once: a client signs the same headers again and again."""
    names = tuple(text.split(";"))
    lines = "".join([f"{name.replace('%', '%%')}:%s\n" for name in names])
    return Signed(names, frozenset(names), itemgetter(*names), lines)


def _joined(headers: Headers, name: str) -> str:
    return ",".join([" ".join(value.split()) for value in headers.all(name)])


def _check_headers(signature: Signature, request: Request) -> None:
    """`host` must be signed; S3 wants every `x-amz-*` header signed too."""
    signed = _signed(signature.signed_headers).all
    if "host" not in signed:
        if not signature.s3:
            raise auth_fault(
                "mismatch",
                dialect(request, signature.service),
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            )
        _not_signed(["host"])
    if signature.s3:
        unsigned = request.headers.first.keys() - signed
        missing = sorted([name for name in unsigned if name[:6] == "x-amz-"])
        if missing and signature.kind == "query":  # what stands in the query is signed with it
            missing = [n for n in missing if f"&{n}=" not in f"&{request.query}"]
        if missing and not (signature.kind == "query" and missing == ["x-amz-content-sha256"]):
            _not_signed(missing)


def _not_signed(names: list[str]) -> NoReturn:
    raise AwsError(
        "AccessDenied",
        "There were headers present in the request which were not signed",
        status=403,
        HeadersNotSigned=", ".join(names),
    )


def _mismatch(signature: Signature, request: Request, canonical: str) -> AwsError:
    text = string_to_sign(signature, canonical)
    spoken = dialect(request, signature.service)
    if spoken == "s3":
        return auth_fault(
            "mismatch",
            spoken,
            AWSAccessKeyId=signature.access_key_id,
            StringToSign=text,
            SignatureProvided=signature.value,
            StringToSignBytes=text.encode().hex(" "),
            CanonicalRequest=canonical,
            CanonicalRequestBytes=canonical.encode().hex(" "),
        )
    error = auth_fault("mismatch", spoken)
    if spoken in ("json", "rest-json"):
        error.message += (
            f"\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{text}'\n"
        )
    return error


def payload_mismatch(request: Request, signature: Signature | None, sha256: str) -> AwsError:
    """The error for a body whose hash is not the one that was signed."""
    if signature is None or signature.s3:
        return AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            status=400,
            ClientComputedContentSHA256=request.headers.get("x-amz-content-sha256"),
            S3ComputedContentSHA256=sha256,
        )
    return auth_fault("mismatch", dialect(request, signature.service))


def verify_policy_signature(signature: Signature, secret: str, policy: str) -> None:
    """Prove the signature over the base64 text of a POST policy; its expiry and conditions are
    S3's affair."""
    if not _matches(signature, secret, policy):
        raise auth_fault(
            "mismatch",
            "s3",
            AWSAccessKeyId=signature.access_key_id,
            StringToSign=policy,
            SignatureProvided=signature.value,
            StringToSignBytes=policy.encode("utf-8", "replace").hex(" "),
        )


def check_time(signature: Signature, request: Request, now: float) -> None:
    """Header-signed requests are valid 5 minutes around their date (15 in S3), presigned ones
    until they expire."""
    if signature.kind == "query":
        _check_presigned(signature, request, now)
    elif signature.s3:
        if abs(now - signature.time) > S3_SKEW:
            raise auth_fault(
                "skewed",
                "s3",
                RequestTime=signature.timestamp,
                ServerTime=iso(now),
                MaxAllowedSkewMilliseconds=str(int(S3_SKEW * 1000)),
            )
    else:
        _check_window(signature, request, now, SKEW)


def _check_presigned(signature: Signature, request: Request, now: float) -> None:
    if not signature.s3:
        # STS takes presigned requests for 15 minutes whatever X-Amz-Expires says (EKS tokens rest
        # on it).
        _check_window(signature, request, now, max(float(signature.expires or 0), S3_SKEW))
        return
    if signature.time - now > S3_SKEW:
        raise AwsError("AccessDenied", "Request is not yet valid", status=403)
    end = signature.time + (signature.expires or 0)
    if now > end:
        members: dict[str, Any] = {"X-Amz-Expires": str(signature.expires), "Expires": iso(end)}
        members["ServerTime"] = iso(now)
        raise AwsError("AccessDenied", "Request has expired", status=403, **members)


def _check_window(signature: Signature, request: Request, now: float, window: float) -> None:
    if now - window <= signature.time <= now + SKEW:
        return
    late = signature.time < now
    minutes = int((window if late else SKEW) // 60)
    if late:
        words = (
            f"Signature expired: {signature.timestamp} is now earlier than {basic(now - window)} "
            f"({basic(now)} - {minutes} min.)"
        )
    else:
        words = (
            f"Signature not yet current: {signature.timestamp} is still later than "
            f"{basic(now + SKEW)} ({basic(now)} + {minutes} min.)"
        )
    raise auth_fault("skewed", dialect(request, signature.service), words)


def basic(seconds: float) -> str:
    """`YYYYMMDDTHHMMSSZ`"""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y%m%dT%H%M%SZ")


def iso(seconds: float) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`"""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
