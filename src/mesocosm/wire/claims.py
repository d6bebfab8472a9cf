"""What a request claims about its signature and its payload, before anything is proven.

Sources: "Signature Version 4 signing process" (IAM User Guide); "Authenticating Requests (AWS
Signature Version 4)" (Amazon S3 API Reference), for headers, query parameters, chunked payloads
and POST policies.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from calendar import timegm
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NoReturn
from urllib.parse import unquote

from mesocosm.wire import sigv2
from mesocosm.wire.authfaults import S3_SIGNING_NAMES, auth_fault, dialect
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Headers
from mesocosm.wire.signature import ECDSA, HMAC, Payload, Signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesocosm.wire.message import Request

UNSIGNED = "UNSIGNED-PAYLOAD"
WEEK = 604_800

_STREAMING = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
}
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z").fullmatch


def parse(request: Request) -> Signature | None:
    """The signature of a request, from its header or its query; None when it has neither.

    Raises: IncompleteSignature(Exception), AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError and kin.
    """
    authorization = request.headers.get("authorization")
    presigned = "X-Amz-Signature=" in request.query or "X-Amz-Algorithm=" in request.query
    if authorization is not None:
        if presigned:
            raise AwsError(
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                "Signature query "
                "string parameter or the Authorization header should be specified",
                status=400,
                ArgumentName="Authorization",
                ArgumentValue=authorization,
            )
        return _parse_header(request, authorization)
    if presigned:
        signature = _parse_query(request)
    elif sigv2.claimed(request):
        signature = _parse_version_2(request)
    else:
        return None
    if signature.s3 and "&x-amz-" in f"&{request.query}":
        _hoist(request)
    return signature


def _hoist(request: Request) -> None:
    """S3's headers may stand in the query of a presigned URL; there they are signed as well."""
    found = list(request.headers)
    for pair in request.query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("x-amz-") and name not in request.headers:
            found.append((name, unquote(value.replace("+", " "), "latin-1")))
    request.headers = Headers(found)


_USUAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;_-]+), ?"
).fullmatch


@lru_cache(maxsize=1024)
def _usual(claim: str) -> tuple[str, ...] | None:
    """Key id, date, Region, service and signed headers: all of the header but the signature, and
    the same for many requests. None when it is not written as usual."""
    found = _USUAL(claim)
    return None if found is None else found.groups()


def _parse_header(request: Request, authorization: str) -> Signature:
    stamp = request.headers.get("x-amz-date")
    claim, _, value = authorization.partition("Signature=")
    usual = _usual(claim)
    if usual is None or stamp is None or not _SHA256(value):
        return _parse_header_slowly(request, authorization)
    key, date, region, service, names = usual
    time = _epoch(request, service, stamp)
    token = request.headers.get("x-amz-security-token")
    return Signature(key, date, region, service, names, value, stamp, time, "header", token)


def _parse_header_slowly(request: Request, authorization: str) -> Signature:
    """Any order and spacing of the fields, the other algorithm, and every way to get it wrong."""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm not in (HMAC, ECDSA):
        _unsupported(request, authorization)
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            _incomplete(
                request,
                fields.get("Credential", ""),
                f"'{name}' not a valid key=value pair (missing equal-sign) in Authorization header "
                f"(hashed with SHA-256 and encoded with Base64): '{_hashed(authorization)}'.",
            )
        fields[name] = value
    credential = fields.get("Credential", "")
    headers = request.headers
    timestamp = headers.get("x-amz-date") or _http_date(headers)
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if timestamp is None:
        missing.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if missing or timestamp is None:
        hint = (
            f"(Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(authorization)}"
        )
        _incomplete(request, credential, " ".join([*missing, hint]))
    key, date, region, service = _credential(request, credential, algorithm)
    return Signature(
        key,
        date,
        region,
        service,
        fields["SignedHeaders"].lower(),
        fields["Signature"],
        timestamp,
        _epoch(request, service, timestamp),
        "header",
        headers.get("x-amz-security-token"),
        None,
        algorithm,
    )


_QUERY_FIELDS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
)


def _parse_query(request: Request) -> Signature:
    fields: dict[str, str] = {}
    for pair in request.query.split("&"):
        if pair.startswith("X-Amz-"):
            name, _, value = pair.partition("=")
            fields[name] = unquote(value) if "%" in value else value
    credential = fields.get("X-Amz-Credential", "")
    s3 = credential.split("/")[-2:-1] and credential.split("/")[-2] in S3_SIGNING_NAMES
    wanted = (*_QUERY_FIELDS, "X-Amz-Expires") if s3 or not credential else _QUERY_FIELDS
    missing = [name for name in wanted if not fields.get(name)]
    if missing:
        if not s3 and credential:
            words = " ".join(f"AWS query-string parameters must include '{n}'." for n in missing)
            _incomplete(request, credential, f"{words} Re-examine the query-string parameters.")
        _query_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    algorithm = fields["X-Amz-Algorithm"]
    if algorithm not in (HMAC, ECDSA):
        _query_error('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    key, date, region, service = _credential(request, credential, algorithm, query=True)
    timestamp = fields["X-Amz-Date"]
    if not _TIMESTAMP(timestamp):
        _query_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    return Signature(
        key,
        date,
        region,
        service,
        fields["X-Amz-SignedHeaders"].lower(),
        fields["X-Amz-Signature"],
        timestamp,
        _epoch(request, service, timestamp),
        "query",
        fields.get("X-Amz-Security-Token") or request.headers.get("x-amz-security-token"),
        _expires(fields.get("X-Amz-Expires")),
        algorithm,
    )


def _parse_version_2(request: Request) -> Signature:
    """A presigned URL of S3's older kind: it names an instant, and no Region."""
    fields = sigv2.query_fields(request)
    return _version_2(
        fields["AWSAccessKeyId"],
        fields["Signature"],
        "query",
        fields.get("x-amz-security-token") or request.headers.get("x-amz-security-token"),
        int(fields["Expires"]),
    )


def _version_2(
    key: str, value: str, kind: Literal["query", "post"], token: str | None, expires: int | None
) -> Signature:
    return Signature(key, "", "", "s3", "", value, "", 0.0, kind, token, expires, sigv2.ALGORITHM)


def _expires(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        _query_error("X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        _query_error("X-Amz-Expires must be non-negative")
    if seconds > WEEK:
        _query_error(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
            "must be less than 604800 seconds"
        )
    return seconds


def _credential(
    request: Request, credential: str, algorithm: str, query: bool = False
) -> tuple[str, str, str, str]:
    """Key id, date, region, service. SigV4a has no region in its scope: the region set's first
    stands in."""
    parts = credential.split("/")
    if algorithm == ECDSA and len(parts) == 4:
        regions = request.headers.get("x-amz-region-set") or _query_value(
            request, "X-Amz-Region-Set"
        )
        parts.insert(2, regions.split(",")[0].strip())
    service = parts[-2] if len(parts) > 1 else ""
    if len(parts) != 5 or not all(parts) or not (len(parts[1]) == 8 and parts[1].isdigit()):
        shape = '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"'
        if query and service in S3_SIGNING_NAMES:
            _query_error(
                "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; "
                f"expecting {shape}."
            )
        if service in S3_SIGNING_NAMES:
            raise auth_fault(
                "incomplete",
                "s3",
                f"The authorization header is malformed; the Credential is mal-formed; expecting "
                f"{shape}.",
            )
        _incomplete(
            request,
            credential,
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            "keyid/date/region/service/term, "
            f"got '{credential}'",
        )
    if parts[4] != "aws4_request":
        raise auth_fault(
            "mismatch",
            dialect(request, service),
            f"Credential should be scoped with a valid terminator: 'aws4_request', not "
            f"'{parts[4]}'.",
        )
    return parts[0], parts[1], parts[2], parts[3]


def _query_value(request: Request, name: str) -> str:
    for pair in request.query.split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return unquote(value)
    return ""


@lru_cache(maxsize=256)
def _seconds(timestamp: str) -> float:
    """Epoch seconds of `YYYYMMDDTHHMMSSZ`. Raises ValueError."""
    if not _TIMESTAMP(timestamp):
        raise ValueError(timestamp)
    t = timestamp
    parts = (int(t[:4]), int(t[4:6]), int(t[6:8]), int(t[9:11]), int(t[11:13]), int(t[13:15]))
    datetime(*parts, tzinfo=UTC)
    return float(timegm(parts))


def _epoch(request: Request, service: str, timestamp: str) -> float:
    try:
        return _seconds(timestamp)
    except ValueError:
        pass
    if service in S3_SIGNING_NAMES:
        raise AwsError(
            "AccessDenied",
            "AWS authentication requires a valid Date or x-amz-date header",
            status=403,
        )
    raise auth_fault(
        "incomplete",
        dialect(request, service),
        "Date must be in ISO-8601 'basic format'. Got '"
        f"{timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601",
    )


def _http_date(headers: Headers) -> str | None:
    """The Date header in SigV4's format; clients may send either format in it."""
    text = headers.get("date")
    if text is None or _TIMESTAMP(text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (TypeError, ValueError, OverflowError):
        return text


def _hashed(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode("latin-1", "replace")).digest()).decode()


def _incomplete(request: Request, credential: str, message: str) -> NoReturn:
    parts = credential.split("/")
    service = parts[-2] if len(parts) > 1 else ""
    spoken = dialect(request, service)
    if spoken == "s3":
        message = (
            "The authorization header is malformed; the authorization header requires three "
            "components: "
            "Credential, SignedHeaders, and Signature."
        )
    raise auth_fault("incomplete", spoken, message)


def _unsupported(request: Request, authorization: str) -> NoReturn:
    spoken = dialect(request)
    if spoken == "rest-json" and not (request.headers.get("content-type") or "").endswith("json"):
        raise AwsError(  # without a credential scope a REST request is most likely S3's
            "InvalidArgument",
            "Unsupported Authorization Type",
            status=400,
            ArgumentName="Authorization",
            ArgumentValue=authorization,
        )
    raise auth_fault(
        "incomplete",
        spoken,
        f"Unsupported AWS 'algorithm': '{authorization.partition(' ')[0]}'",
    )


def _query_error(message: str) -> NoReturn:
    raise AwsError("AuthorizationQueryParametersError", message, status=400)


def parse_post(request: Request, fields: Mapping[str, str]) -> Signature | None:
    """The signature of a browser's POST form (field names in lower case); None for an anonymous
    form."""
    if "x-amz-signature" not in fields and "policy" not in fields:
        return None
    if "awsaccesskeyid" in fields and "signature" in fields and "policy" in fields:
        token = fields.get("x-amz-security-token")
        return _version_2(fields["awsaccesskeyid"], fields["signature"], "post", token, None)
    for name in ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
        if name not in fields:
            raise AwsError(
                "InvalidArgument",
                f"Bucket POST must contain a field named '{name}'.",
                status=400,
                ArgumentName=name,
                ArgumentValue="",
            )
    algorithm = fields["x-amz-algorithm"]
    key, date, region, service = _credential(request, fields["x-amz-credential"], algorithm)
    timestamp = fields["x-amz-date"]
    return Signature(
        key,
        date,
        region,
        service,
        "",
        fields["x-amz-signature"],
        timestamp,
        _epoch(request, service, timestamp),
        "post",
        fields.get("x-amz-security-token"),
        None,
        algorithm,
    )


def payload(request: Request, signature: Signature | None, *, unsigned: bool = False) -> Payload:
    """How the body is bound to the signature. `unsigned`: the operation's model allows an unsigned
    payload.

    Raises InvalidRequest / InvalidArgument when S3's `x-amz-content-sha256` is missing or wrong.
    """
    stated = request.headers.get("x-amz-content-sha256")
    s3 = signature is not None and signature.s3
    if signature is not None and s3 and signature.kind == "query":
        return _presigned_payload(request, signature, stated)
    if stated is None:
        if s3:
            raise AwsError(
                "InvalidRequest",
                "Missing required header for this request: x-amz-content-sha256",
                status=400,
            )
        return Payload(None)
    if stated in _STREAMING:
        signed = "UNSIGNED" not in stated
        return Payload(stated, None, True, signed, stated.endswith("-TRAILER"))
    if stated == UNSIGNED:
        # Elsewhere than in S3 the canonical request holds the hash of the real body.
        return Payload(UNSIGNED if s3 or unsigned or signature is None else None)
    if _SHA256(stated):
        return Payload(stated, stated)
    if not s3:
        return Payload(None)
    raise AwsError(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER "
        "or a valid sha256 value.",
        status=400,
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=stated,
    )


def _presigned_payload(request: Request, signature: Signature, stated: str | None) -> Payload:
    """A presigned S3 request signs UNSIGNED-PAYLOAD, unless its query or a signed header says
    otherwise."""
    canonical = _query_value(request, "X-Amz-Content-Sha256") or UNSIGNED
    if stated is not None and "x-amz-content-sha256" in signature.signed_headers.split(";"):
        canonical = stated
    stated = stated or canonical
    chunked = stated in _STREAMING
    return Payload(
        canonical,
        stated if _SHA256(stated) else None,
        chunked,
        chunked and "UNSIGNED" not in stated,
        chunked and stated.endswith("-TRAILER"),
    )
