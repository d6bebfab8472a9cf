"""What AWS answers when a request is not, or wrongly, signed: code, wording and status by family
of service.

Sources: the "Common error types" pages of the IAM, EC2, DynamoDB and S3 API references; S3's error
responses page; the wording of the signature errors is what the services send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.wire.message import Request

Dialect = Literal["s3", "query", "ec2", "json", "rest-json"]
Fault = Literal[
    "missing", "incomplete", "unknown_key", "mismatch", "skewed", "token_expired", "token_invalid"
]

S3_SIGNING_NAMES = frozenset({"s3", "s3-outposts", "s3-object-lambda", "s3express"})
"""Signing names that follow S3's rules: raw path, `x-amz-content-sha256`, errors in S3's own
words."""

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_EC2_REFUSED = "AWS was not able to validate the provided access credentials"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)

# fault -> dialect -> (code, status, message); json and rest-json share codes, and differ in the
# status.
_TABLE: dict[Fault, dict[str, tuple[str, int, str]]] = {
    "missing": {
        "s3": ("AccessDenied", 403, "Access Denied"),
        "query": ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        "ec2": ("MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"),
        "json": ("MissingAuthenticationTokenException", 400, "Missing Authentication Token"),
    },
    "incomplete": {
        "s3": ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed."),
        "query": ("IncompleteSignature", 400, "The request signature is incomplete."),
        "json": ("IncompleteSignatureException", 400, "The request signature is incomplete."),
    },
    "unknown_key": {
        "s3": (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "query": ("InvalidClientTokenId", 403, _INVALID),
        "ec2": ("AuthFailure", 401, _EC2_REFUSED),
        "json": ("UnrecognizedClientException", 400, _INVALID),
    },
    "mismatch": {
        "s3": (
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        ),
        "query": ("SignatureDoesNotMatch", 403, _MISMATCH),
        "ec2": ("AuthFailure", 401, _EC2_REFUSED),
        "json": ("InvalidSignatureException", 400, _MISMATCH),
    },
    "skewed": {
        "s3": (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        "query": ("SignatureDoesNotMatch", 403, "Signature expired"),
        "ec2": ("RequestExpired", 400, "Request has expired."),
        "json": ("InvalidSignatureException", 400, "Signature expired"),
    },
    "token_expired": {
        "s3": ("ExpiredToken", 400, "The provided token has expired."),
        "query": ("ExpiredToken", 403, _EXPIRED),
        "ec2": ("RequestExpired", 400, "Request has expired."),
        "json": ("ExpiredTokenException", 400, _EXPIRED),
    },
    "token_invalid": {
        "s3": ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        "query": ("InvalidClientTokenId", 403, _INVALID),
        "ec2": ("AuthFailure", 401, _EC2_REFUSED),
        "json": ("UnrecognizedClientException", 400, _INVALID),
    },
}

_PROTOCOLS: dict[str, Dialect] = {
    "query": "query",
    "ec2": "ec2",
    "json": "json",
    "smithy-rpc-v2-cbor": "json",
    "rest-json": "rest-json",
    "rest-xml": "query",
}


def dialect(request: Request, service: str = "", protocol: str = "") -> Dialect:
    """The family of wording: by signing name and protocol, or guessed from the request before it
    is routed."""
    if service in S3_SIGNING_NAMES:
        return "s3"
    if service == "ec2":
        return "ec2"
    if protocol:
        return _PROTOCOLS[protocol]
    if "x-amz-target" in request.headers or "smithy-protocol" in request.headers:
        return "json"
    kind = request.headers.get("content-type") or ""
    if kind.startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return "query"
    return "query" if kind.endswith("/xml") else "rest-json"


def auth_fault(
    kind: Fault, spoken: Dialect, message: str = "", /, *, code: str = "", **members: Any
) -> AwsError:
    """The error of one family for one fault; `message` and `code` replace the usual ones,
    `members` go with it."""
    table = _TABLE[kind]
    default, status, words = (
        table["json"] if spoken == "rest-json" else table.get(spoken, table["query"])
    )
    if spoken == "rest-json":
        status = 403
    if spoken == "ec2" and kind != "incomplete":
        message = ""
    return AwsError(code or default, message or words, status=status, **members)
