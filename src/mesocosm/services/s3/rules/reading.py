"""Conditional reads, ranges and copies.

Source: GetObject and CopyObject, Amazon S3 API Reference; RFC 9110, sections 13 and 14.
"""

from __future__ import annotations

import re

from mesocosm.wire.errors import AwsError

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def matches(condition: str, etag: str) -> bool:
    """Whether an entity tag is among those of an If-Match or If-None-Match header."""
    if condition.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/").strip('"') == etag for part in condition.split(","))


def precondition_failed(condition: str) -> AwsError:
    """The refusal of a request whose condition does not hold."""
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        Condition=condition,
    )


def check_read(
    etag: str,
    modified: float,
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: float | None,
    if_unmodified_since: float | None,
) -> bool:
    """Whether the object is to be sent; false: it is not modified (304). Raises PreconditionFailed.

    Instants are compared by whole seconds, as Last-Modified shows them.
    """
    if if_match is not None:
        if not matches(if_match, etag):
            raise precondition_failed("If-Match")
    elif if_unmodified_since is not None and int(modified) > if_unmodified_since:
        raise precondition_failed("If-Unmodified-Since")
    if if_none_match is not None:
        return not matches(if_none_match, etag)
    return if_modified_since is None or int(modified) > if_modified_since


def check_copy(
    etag: str,
    modified: float,
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: float | None,
    if_unmodified_since: float | None,
) -> None:
    """The conditions on the source of a copy, which fail with 412 alone. Raises
    PreconditionFailed.
    """
    sent = check_read(
        etag, modified, if_match, if_none_match, if_modified_since, if_unmodified_since
    )
    if not sent:
        raise precondition_failed(
            "x-amz-copy-source-If-None-Match"
            if if_none_match is not None
            else "x-amz-copy-source-If-Modified-Since"
        )


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte (inclusive) that a Range header asks for.

    None: the header is not one that S3 heeds (several ranges, other units). Raises InvalidRange.
    """
    match = _RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        count = min(int(match[2]), size)
        if count == 0:
            raise _not_satisfiable(header, size)
        return size - count, size - 1
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise _not_satisfiable(header, size)
    return first, min(last, size - 1)


def copy_range(header: str, size: int) -> tuple[int, int]:
    """The bytes (inclusive) of x-amz-copy-source-range. Raises InvalidArgument."""
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise AwsError(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the "
            "zero-based offsets of the first and last bytes to copy",
            status=400,
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    if int(match[2]) >= size:
        raise AwsError(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            status=400,
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    return int(match[1]), int(match[2])


def _not_satisfiable(header: str, size: int) -> AwsError:
    return AwsError(
        "InvalidRange",
        "The requested range is not satisfiable",
        status=416,
        headers={"Content-Range": f"bytes */{size}"},
        RangeRequested=header,
        ActualObjectSize=str(size),
    )
