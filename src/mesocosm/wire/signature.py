"""What a request says of its signature and its payload, read by `wire.claims`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mesocosm.wire.authfaults import S3_SIGNING_NAMES

HMAC = "AWS4-HMAC-SHA256"
ECDSA = "AWS4-ECDSA-P256-SHA256"


class Signature(Struct, frozen=True):
    """What the client claims. `service` is the signing name; `scope` is
    `date/region/service/aws4_request`."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: str
    """Lower-case names, joined by `;` as sent."""
    value: str
    """Hex digest (or hex DER for SigV4a)."""
    timestamp: str
    """`YYYYMMDDTHHMMSSZ`"""
    time: float
    """The same as epoch seconds."""
    kind: Literal["header", "query", "post"]
    security_token: str | None = None
    expires: int | None = None
    """Seconds a presigned request is valid for."""
    algorithm: str = HMAC

    @property
    def scope(self) -> str:
        """The credential scope as it stands in the string to sign."""
        if self.algorithm == ECDSA:
            return f"{self.date}/{self.service}/aws4_request"
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def s3(self) -> bool:
        """Whether S3's rules hold."""
        return self.service in S3_SIGNING_NAMES


class Payload(Struct, frozen=True):
    """What the request says about its body.

    `canonical` is the last line of the canonical request, or None when it is the hash of the body,
    which must be read before the signature can be verified. `sha256` is the hash the body must
    have.
    """

    canonical: str | None
    sha256: str | None = None
    chunked: bool = False
    """The body is aws-chunked."""
    signed_chunks: bool = False
    trailer: bool = False
