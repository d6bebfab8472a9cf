"""What comes with an object: storage class, content headers, user metadata, tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any
from urllib.parse import unquote_plus

from mesocosm.wire.errors import AwsError

STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
    }
)
"""Those that objects of general purpose buckets can be stored in."""

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Those that must be restored before they can be read."""

METADATA_MAX_BYTES = 2048
OBJECT_TAGS_MAX = 10
BUCKET_TAGS_MAX = 50

CONTENT_HEADERS = (
    "cache_control",
    "content_disposition",
    "content_encoding",
    "content_language",
    "expires",
)
"""Members of PutObject that are kept and answered as they are."""

_content = attrgetter(*CONTENT_HEADERS[:-1])

_TAG = re.compile(r"[\w\s+\-=._:/@]*")


def storage_class(name: str | None) -> str:
    """The storage class asked for. Raises InvalidStorageClass."""
    if name is None or name == "STANDARD":
        return "STANDARD"
    if name not in STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            status=400,
            StorageClassRequested=name,
        )
    return name


def content_headers(request: Any, raw_expires: str | None) -> dict[str, str]:
    """The content headers of a request by member name, without aws-chunked in Content-Encoding."""
    values = _content(request)
    if raw_expires is None and values.count(None) == len(values):
        return {}
    named = zip(CONTENT_HEADERS, values, strict=False)
    found = {name: value for name, value in named if value is not None}
    if raw_expires is not None:
        found["expires"] = raw_expires
    encoding = found.get("content_encoding")
    if encoding is not None and "aws-chunked" in encoding:
        rest = [part.strip() for part in encoding.split(",") if part.strip() != "aws-chunked"]
        found["content_encoding"] = ",".join(rest)
        if not rest:
            del found["content_encoding"]
    return found


def metadata(values: Mapping[str, str] | None) -> dict[str, str]:
    """User metadata by lower-case name. Raises MetadataTooLarge above 2 KB."""
    if not values:
        return {}
    found = {name.lower(): value for name, value in values.items()}
    size = sum(len(name) + len(value.encode()) for name, value in found.items())
    if size > METADATA_MAX_BYTES:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            status=400,
            Size=str(size),
            MaxSizeAllowed=str(METADATA_MAX_BYTES),
        )
    return found


def tagging_header(text: str | None) -> dict[str, str]:
    """The tags of an x-amz-tagging header (a query string). Raises InvalidArgument, InvalidTag,
    BadRequest.
    """
    if not text:
        return {}
    pairs: list[tuple[str, str]] = []
    for part in text.split("&"):
        key, _, value = part.partition("=")
        pairs.append((unquote_plus(key), unquote_plus(value)))
    if len({key for key, _ in pairs}) != len(pairs) or any(not key for key, _ in pairs):
        raise AwsError(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag "
            "name duplicates.",
            status=400,
            ArgumentName="x-amz-tagging",
            ArgumentValue=text,
        )
    return tags(pairs, OBJECT_TAGS_MAX)


def tag_set(values: Iterable[Any] | None, limit: int) -> dict[str, str]:
    """The tags of a Tagging document. Raises MalformedXML, InvalidTag, BadRequest."""
    pairs = []
    for tag in values or ():
        if tag.key is None or tag.value is None:
            raise malformed_xml()
        pairs.append((tag.key, tag.value))
    return tags(pairs, limit)


def tags(pairs: list[tuple[str, str]], limit: int) -> dict[str, str]:
    """Checked tags. Raises InvalidTag, BadRequest."""
    if len(pairs) > limit:
        what = "Object tags" if limit == OBJECT_TAGS_MAX else "Bucket tag count"
        raise AwsError("BadRequest", f"{what} cannot be greater than {limit}", status=400)
    found: dict[str, str] = {}
    for key, value in pairs:
        if key in found:
            raise AwsError(
                "InvalidTag",
                "Cannot provide multiple Tags with the same key",
                status=400,
                TagKey=key,
            )
        if not 1 <= len(key) <= 128 or _TAG.fullmatch(key) is None:
            raise AwsError(
                "InvalidTag", "The TagKey you have provided is invalid", status=400, TagKey=key
            )
        if len(value) > 256 or _TAG.fullmatch(value) is None:
            raise AwsError(
                "InvalidTag",
                "The TagValue you have provided is invalid",
                status=400,
                TagKey=key,
                TagValue=value,
            )
        if key.lower().startswith("aws:"):
            raise AwsError(
                "InvalidTag",
                "System tags cannot be added/updated by requester",
                status=400,
                TagKey=key,
            )
        found[key] = value
    return found


def malformed_xml() -> AwsError:
    """The refusal of a document that is not what the schema wants."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
        status=400,
    )


def argument(message: str, name: str, value: str) -> AwsError:
    """InvalidArgument, with the argument's name and value."""
    return AwsError("InvalidArgument", message, status=400, ArgumentName=name, ArgumentValue=value)
