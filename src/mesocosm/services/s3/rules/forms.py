"""Uploads by a browser's form: reading multipart/form-data and checking the POST policy.

Source: "Browser-based uploads using POST" and "POST policy", Amazon S3 API Reference; RFC 7578.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mesocosm.services.s3.rules.attributes import argument
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Body

HEAD_MAX = 1 << 20
"""Bytes of a form before its file."""

_NAME = re.compile(rb'[;\s]name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_FILE = re.compile(rb'[;\s]filename="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_UNSIGNED = frozenset({"x-amz-signature", "file", "policy", "awsaccesskeyid", "signature"})


class Upload(NamedTuple):
    """A form: its fields by lower-case name, and where its file stands in the body."""

    fields: dict[str, str]
    filename: str
    start: int
    stop: int


def read(body: Body, content_type: str) -> Upload:
    """Take a form apart. Raises MalformedPOSTRequest, InvalidArgument,
    MaxPostPreDataLengthExceededError.
    """
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise _malformed()
    boundary = b"--" + match[1].encode("latin-1", "replace")
    head = body.read(0, HEAD_MAX)
    fields: dict[str, str] = {}
    at = head.find(boundary)
    while at >= 0:
        at += len(boundary)
        if head[at : at + 2] == b"--":
            break
        end = head.find(b"\r\n\r\n", at)
        if end < 0:
            break
        headers, start = head[at:end], end + 4
        name = _NAME.search(headers)
        if name is None:
            raise _malformed()
        key = name[1].decode("utf-8", "replace").lower()
        if key == "file":
            found = _FILE.search(headers)
            filename = found[1].decode("utf-8", "replace") if found else ""
            declared = re.search(rb"content-type:\s*([^\r\n]+)", headers, re.IGNORECASE)
            if declared is not None:
                fields.setdefault("file content-type", declared[1].decode("latin-1").strip())
            return Upload(fields, filename.rpartition("/")[2], start, _end(body, start, boundary))
        following = head.find(b"\r\n" + boundary, start)
        if following < 0:
            if body.size > HEAD_MAX:
                raise AwsError(
                    "MaxPostPreDataLengthExceededError",
                    "Your POST request fields preceding the upload file were too large.",
                    status=400,
                )
            raise _malformed()
        fields[key] = head[start:following].decode("utf-8", "replace")
        at = following + 2
    raise argument("POST requires exactly one file upload per request.", "file", "0")


def _end(body: Body, start: int, boundary: bytes) -> int:
    """Where the file ends: before the boundary that follows it."""
    mark = b"\r\n" + boundary
    kept, at = b"", start
    for piece in body.chunks(start):
        data = kept + piece
        found = data.find(mark)
        if found >= 0:
            return at - len(kept) + found
        at += len(piece)
        kept = data[-len(mark) :]
    raise _malformed()


def check_policy(fields: Mapping[str, str], bucket: str, size: int, now: float) -> None:
    """Check a form against its policy. Raises AccessDenied, InvalidPolicyDocument, EntityTooSmall,
    EntityTooLarge.
    """
    policy = _policy(fields["policy"])
    if now > _expiration(policy.get("expiration")):
        raise _denied("Policy expired.")
    covered = set(_UNSIGNED)
    values = {**fields, "bucket": bucket}
    for condition in policy.get("conditions") or ():
        covered |= _check(condition, values, size)
    for name in fields:
        if name not in covered and not name.startswith("x-ignore-") and " " not in name:
            raise _denied(f"Extra input fields: {name}")


def _policy(text: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(text))
    except (binascii.Error, ValueError, RecursionError):
        raise AwsError(
            "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.", status=400
        ) from None
    if not isinstance(found, dict) or not isinstance(found.get("conditions"), list):
        raise AwsError(
            "InvalidPolicyDocument", "Invalid Policy: Policy missing conditions.", status=400
        )
    return found


def _expiration(text: Any) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=UTC).timestamp()
    except (AttributeError, ValueError):
        raise AwsError(
            "InvalidPolicyDocument",
            "Invalid Policy: Invalid 'expiration' value: '" + str(text) + "'",
            status=400,
        ) from None


def _check(condition: Any, values: Mapping[str, str], size: int) -> set[str]:
    """The fields that one condition covers; raises when it does not hold."""
    if isinstance(condition, dict):
        for name, value in condition.items():
            if values.get(name.lower(), "") != str(value):
                shown = json.dumps(["eq", f"${name}", value])
                raise _denied(f"Policy Condition failed: {shown}")
        return {name.lower() for name in condition}
    if not isinstance(condition, list) or len(condition) != 3:
        raise AwsError(
            "InvalidPolicyDocument", "Invalid Policy: Invalid JSON: condition.", status=400
        )
    operator, name, value = condition
    operator = str(operator).lower()
    if operator == "content-length-range":
        _check_size(size, int(name), int(value))
        return set()
    field = str(name).removeprefix("$").lower()
    actual = values.get(field, "")
    if operator == "eq":
        held = actual == str(value)
    elif operator == "starts-with":
        held = all(part.strip().startswith(str(value)) for part in _parts(field, actual))
    else:
        raise AwsError(
            "InvalidPolicyDocument",
            f"Invalid Policy: Invalid operator: {operator}",
            status=400,
        )
    if not held:
        raise _denied(f"Policy Condition failed: {json.dumps(condition)}")
    return {field}


def _parts(field: str, value: str) -> list[str]:
    return value.split(",") if field == "content-type" else [value]


def _check_size(size: int, least: int, most: int) -> None:
    if size < least:
        raise AwsError(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            status=400,
            ProposedSize=str(size),
            MinSizeAllowed=str(least),
        )
    if size > most:
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            status=400,
            ProposedSize=str(size),
            MaxSizeAllowed=str(most),
        )


def _denied(message: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {message}", status=403)


def _malformed() -> AwsError:
    return AwsError(
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
        status=400,
    )
