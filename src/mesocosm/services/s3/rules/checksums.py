"""Checksums that clients state, and those S3 computes by itself.

Source: "Checking object integrity in Amazon S3", Amazon S3 User Guide.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from itertools import compress, repeat
from operator import attrgetter, is_not
from typing import Any, cast

from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Body

MEMBERS = {
    "CRC32": "checksum_crc32",
    "CRC32C": "checksum_crc32_c",
    "CRC64NVME": "checksum_crc64_nvme",
    "SHA1": "checksum_sha1",
    "SHA256": "checksum_sha256",
    "SHA512": "checksum_sha512",
    "MD5": "checksum_md5",
    "XXHASH64": "checksum_xxhash64",
    "XXHASH3": "checksum_xxhash3",
    "XXHASH128": "checksum_xxhash128",
}
"""The members of requests and answers that hold a checksum, by algorithm."""

LENGTHS = {
    "CRC32": 4,
    "CRC32C": 4,
    "CRC64NVME": 8,
    "SHA1": 20,
    "SHA256": 32,
    "SHA512": 64,
    "MD5": 16,
    "XXHASH64": 8,
    "XXHASH3": 8,
    "XXHASH128": 16,
}
"""Bytes of a digest."""

DEFAULT = "CRC64NVME"
FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
POLYNOMIALS = {
    "CRC32": (0xEDB88320, 32),
    "CRC32C": (0x82F63B78, 32),
    "CRC64NVME": (0x9A6C9329AC4BC9B5, 64),
}
"""Reflected polynomials and widths of the checksums that can be combined."""

_stated: Callable[[Any], tuple[str | None, ...]] = attrgetter(*MEMBERS.values())
_NAMES = {f"x-amz-checksum-{name.lower()}": name for name in MEMBERS}


def header(algorithm: str) -> str:
    """The header of a checksum."""
    return f"x-amz-checksum-{algorithm.lower()}"


def check_algorithm(algorithm: str) -> str:
    """The algorithm named by x-amz-checksum-algorithm. Raises InvalidRequest."""
    if algorithm.upper() not in MEMBERS:
        raise AwsError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            "types: "
            "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
            status=400,
        )
    return algorithm.upper()


def stated(request: Any, trailers: dict[str, str]) -> tuple[str, str]:
    """The algorithm and value (base64) of the checksum that a request states, in a header or a
    trailer.

    ("", "") when there is none. Raises InvalidRequest.
    """
    found: list[tuple[str, str]] = []
    values = _stated(request)
    if values.count(None) != len(values):
        named = zip(MEMBERS, cast("tuple[str, ...]", values), strict=True)
        found = list(compress(named, map(is_not, values, repeat(None))))
    for name, value in trailers.items():
        if name in _NAMES:
            found.append((_NAMES[name], value))
    if not found:
        return "", ""
    if len(found) > 1:
        raise _invalid(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    check_form(*found[0])
    return found[0]


def check_form(algorithm: str, value: str) -> bytes:
    """The digest of a stated checksum. Raises InvalidRequest when it is no base64 of the right
    length.
    """
    try:
        digest = binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != LENGTHS[algorithm]:
        raise _invalid(f"Value for {header(algorithm)} header is invalid.")
    return digest


def compute(algorithm: str, body: Body) -> str:
    """The checksum of a payload, base64. Raises NotImplemented for what cannot be computed here."""
    if algorithm == "SHA512":
        running = hashlib.sha512()
        for piece in body.chunks():
            running.update(piece)
        return base64.b64encode(running.digest()).decode()
    if algorithm.startswith("XXHASH"):
        return base64.b64encode(_xxhash(algorithm, body.chunks())).decode()
    return binascii.b2a_base64(body.digest(algorithm), newline=False).decode()


def _xxhash(algorithm: str, pieces: Iterable[bytes]) -> bytes:
    import xxhash

    make: Any = {"XXHASH64": xxhash.xxh64, "XXHASH3": xxhash.xxh3_64, "XXHASH128": xxhash.xxh3_128}[
        algorithm
    ]
    running = make()
    for piece in pieces:
        running.update(piece)
    digest: bytes = running.digest()
    return digest


def verify(algorithm: str, value: str, body: Body) -> str:
    """The checksum S3 computes, which must be the one stated. Raises BadDigest."""
    computed = compute(algorithm, body)
    if value and computed != value:
        raise AwsError(
            "BadDigest",
            f"The {algorithm} you specified did not match the calculated checksum.",
            status=400,
        )
    return computed


def verify_md5(content_md5: str, body: Body) -> None:
    """Check the Content-MD5 header. Raises InvalidDigest, BadDigest."""
    try:
        digest = base64.b64decode(content_md5, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise AwsError(
            "InvalidDigest",
            "The Content-MD5 you specified was invalid.",
            status=400,
            **{"Content-MD5": content_md5},  # type: ignore[arg-type]
        )
    if digest != body.digest("MD5"):
        raise AwsError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            status=400,
            ExpectedDigest=digest.hex(),
            CalculatedDigest=base64.b64encode(body.digest("MD5")).decode(),
        )


def composite(algorithm: str, checksums: Iterable[str]) -> str:
    """The checksum of the checksums of the parts, with the number of parts: base64-N."""
    values = [base64.b64decode(value) for value in checksums]
    data = b"".join(values)
    return f"{base64.b64encode(digest(algorithm, data)).decode()}-{len(values)}"


def digest(algorithm: str, data: bytes) -> bytes:
    """The checksum of bytes at hand."""
    if algorithm == "SHA512":
        return hashlib.sha512(data).digest()
    if algorithm.startswith("XXHASH"):
        return _xxhash(algorithm, [data])
    from mesocosm.wire.checksums import hasher

    running = hasher(algorithm)
    running.update(data)
    return running.digest()


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The checksum of the whole from (checksum, size) of its parts, without reading them again.
    CRCs only.

    The method is zlib's crc32_combine: appending n zero bytes is a linear map over GF(2), built by
    squaring.
    """
    polynomial, width = POLYNOMIALS[algorithm]
    total: int | None = None
    for value, size in parts:
        crc = int.from_bytes(base64.b64decode(value), "big")
        total = crc if total is None else _shift(total, size, polynomial, width) ^ crc
    return base64.b64encode((total or 0).to_bytes(width // 8, "big")).decode()


def _shift(crc: int, size: int, polynomial: int, width: int) -> int:
    matrix = [polynomial] + [1 << i for i in range(width - 1)]
    matrix = _square(_square(_square(matrix)))  # one bit, two, four, eight: one byte
    while size:
        if size & 1:
            crc = _times(matrix, crc)
        size >>= 1
        if size:
            matrix = _square(matrix)
    return crc


def _times(matrix: list[int], vector: int) -> int:
    total = 0
    at = 0
    while vector:
        if vector & 1:
            total ^= matrix[at]
        vector >>= 1
        at += 1
    return total


def _square(matrix: list[int]) -> list[int]:
    return [_times(matrix, row) for row in matrix]


def check_type(algorithm: str, kind: str | None) -> str:
    """The checksum type of a multipart upload: what was asked for, or the algorithm's default.

    Raises InvalidRequest for a combination that AWS does not have.
    """
    default = FULL_OBJECT if algorithm == "CRC64NVME" else COMPOSITE
    kind = kind or default
    if kind not in (FULL_OBJECT, COMPOSITE):
        raise _invalid("Value for x-amz-checksum-type header is invalid.")
    full = algorithm in POLYNOMIALS
    if (kind == FULL_OBJECT and not full) or (kind == COMPOSITE and algorithm == "CRC64NVME"):
        raise _invalid(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum "
            "algorithm."
        )
    return kind


def show(answer: Any, algorithm: str, value: str) -> None:
    """Put a checksum into its member of an answer."""
    if algorithm:
        setattr(answer, MEMBERS[algorithm], value)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)
