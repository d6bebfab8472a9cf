"""Names of buckets and keys.

Source: "General purpose bucket naming rules" and "Naming Amazon S3 objects", Amazon S3 User Guide.
"""

from __future__ import annotations

import re

from mesocosm.wire.errors import AwsError

KEY_MAX_BYTES = 1024

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket(name: str) -> None:
    """Raises InvalidBucketName for a name that a new general purpose bucket cannot have."""
    if (
        _BUCKET.fullmatch(name) is None
        or ".." in name
        or _ADDRESS.fullmatch(name)
        or name.startswith(_PREFIXES)
        or name.endswith(_SUFFIXES)
    ):
        raise AwsError(
            "InvalidBucketName", "The specified bucket is not valid.", status=400, BucketName=name
        )


def check_key(key: str) -> None:
    """Raises KeyTooLongError above 1,024 bytes of UTF-8."""
    if len(key) > KEY_MAX_BYTES // 4 and (size := len(key.encode())) > KEY_MAX_BYTES:
        raise AwsError(
            "KeyTooLongError",
            "Your key is too long",
            status=400,
            Size=str(size),
            MaxSizeAllowed=str(KEY_MAX_BYTES),
        )


def successor(text: str) -> str | None:
    """The least text that is greater than every text with this prefix; None when there is none."""
    while text:
        last = ord(text[-1])
        if last < 0x10FFFF:
            return text[:-1] + chr(last + 1)
        text = text[:-1]
    return None
