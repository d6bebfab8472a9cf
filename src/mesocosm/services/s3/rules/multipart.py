"""Rules of multipart uploads: numbers and sizes of parts, what may be completed, the checksum of
the whole.

Source: "Multipart upload limits", Amazon S3 User Guide; CompleteMultipartUpload, Amazon S3 API
Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mesocosm.services.s3.resources.rows import Part, Piece, Upload
from mesocosm.services.s3.rules import checksums
from mesocosm.services.s3.rules.attributes import argument, malformed_xml
from mesocosm.services.s3.rules.names import successor
from mesocosm.services.s3.rules.paging import common_prefix
from mesocosm.wire.errors import AwsError

PARTS_MAX = 10_000
PART_MIN = 5 * 1024**2
"""Bytes of every part but the last."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def upload_id(number: int, random: str) -> str:
    """A new upload id. `number` grows: those of one key sort by when they were made, as listings
    want it.
    """
    digits = ""
    for _ in range(10):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits + random


def check_number(number: int) -> None:
    """Raises InvalidArgument for a part number that cannot be."""
    if not 1 <= number <= PARTS_MAX:
        raise argument(
            f"Part number must be an integer between 1 and {PARTS_MAX}, inclusive",
            "partNumber",
            str(number),
        )


def marker(text: str | int | None) -> int:
    """The part number after which a list goes on. Raises InvalidArgument."""
    if text is None or text == "":
        return 0
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 2_147_483_647:
        raise argument(
            "Provided part-number-marker not an integer or within integer range",
            "part-number-marker",
            str(text),
        )
    return number


def chosen(
    wanted: Iterable[Any], upload_id: str, upload: Upload, part_of: Callable[[int], Part | None]
) -> tuple[Piece, ...]:
    """The parts that a CompleteMultipartUpload names. Raises MalformedXML, InvalidPart,
    InvalidPartOrder,
    EntityTooSmall."""
    found: list[Piece] = []
    before = 0
    for item in wanted:
        if item.part_number is None or item.e_tag is None:
            raise malformed_xml()
        if item.part_number <= before:
            raise AwsError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number.",
                status=400,
                UploadId=upload_id,
            )
        before = item.part_number
        part = part_of(item.part_number)
        etag = item.e_tag.strip('"')
        if part is None or part.piece.etag != etag or not _checksum_fits(item, upload, part.piece):
            raise AwsError(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have "
                "been uploaded, or the "
                "specified entity tag may not match the part's entity tag.",
                status=400,
                UploadId=upload_id,
                PartNumber=str(item.part_number),
                ETag=etag,
            )
        found.append(part.piece)
    for piece in found[:-1]:
        if piece.size < PART_MIN:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                status=400,
                ProposedSize=str(piece.size),
                MinSizeAllowed=str(PART_MIN),
                PartNumber=str(piece.number),
                ETag=piece.etag,
            )
    return tuple(found)


def _checksum_fits(item: Any, upload: Upload, piece: Piece) -> bool:
    """The checksum that comes with a part's number must be the part's; composite uploads demand
    it.
    """
    if not upload.algorithm:
        return True
    stated = getattr(item, checksums.MEMBERS[upload.algorithm])
    if stated is None:
        if upload.checksum_type == checksums.COMPOSITE:
            raise AwsError(
                "InvalidRequest",
                f"The upload was created using a {upload.algorithm.lower()} checksum. The "
                "complete request must "
                "include the checksum for each part. It was missing for part "
                f"{item.part_number} in the request.",
                status=400,
            )
        return True
    return bool(stated == piece.checksum)


def whole_checksum(upload: Upload, pieces: tuple[Piece, ...]) -> tuple[str, str, str]:
    """Algorithm, checksum and checksum type of an object put together from parts."""
    algorithm = upload.algorithm or checksums.DEFAULT
    kind = upload.checksum_type or checksums.FULL_OBJECT
    if kind == checksums.COMPOSITE:
        value = checksums.composite(algorithm, (piece.checksum for piece in pieces))
    else:
        value = checksums.combined(algorithm, ((piece.checksum, piece.size) for piece in pieces))
    return algorithm, value, kind


Place = tuple[str, str, str]


def walk(
    scan: Callable[[Place | None, Place | None], Iterator[Place]],
    bucket: str,
    prefix: str,
    delimiter: str,
    after: str,
    after_id: str | None,
) -> Iterator[tuple[str, str]]:
    """The uploads after the markers as (key, upload id); a common prefix has no upload id."""
    end = successor(prefix) if prefix else None
    stop: Place = (bucket, end, "") if end is not None else (bucket + "\0", "", "")
    begin: Place | None = (bucket, prefix, "")
    if after:
        rolled = common_prefix(after, prefix, delimiter) if delimiter else None
        beyond = successor(after) if rolled == after else after + "\0"
        first = (bucket, after, after_id + "\0") if after_id else (bucket, beyond or after, "")
        begin = max((bucket, prefix, ""), first)
    while begin is not None:
        following: Place | None = None
        for place in scan(begin, stop):
            rolled = common_prefix(place[1], prefix, delimiter) if delimiter else None
            if rolled is None:
                yield place[1], place[2]
                continue
            yield rolled, ""
            beyond = successor(rolled)
            following = (bucket, beyond, "") if beyond is not None else None
            break
        begin = following
