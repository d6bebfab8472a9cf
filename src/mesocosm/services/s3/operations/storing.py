"""The bytes of objects: kept in the row or as blobs, encrypted when the customer gave a key, and
read back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from mesocosm.services.s3.resources import configurations
from mesocosm.services.s3.resources.rows import INLINE_MAX, Encryption, Object, Piece
from mesocosm.services.s3.rules import sse
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.errors import AwsError
from mesocosm.wire.message import Body, Stream

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.services.s3.resources.rows import Bucket
    from mesocosm.world import World

CHUNK = 256 * 1024
"""Bytes of one piece of a streamed answer; what is not larger is answered at once."""

PUT_MAX = 5 * 1024**3
"""Bytes of one PutObject, UploadPart or CopyObject."""


def body_of(call: Call, value: Any) -> Body:
    """The payload of a request: as it was received, or the bytes another service gives."""
    if value is None or isinstance(value, bytes | bytearray):
        return MemoryBody(bytes(value or b""), call.world.blobs)
    body: Body = value
    if body.size > PUT_MAX:
        raise too_large(body.size)
    return body


def too_large(size: int) -> AwsError:
    """More than one request may bring."""
    return AwsError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        status=400,
        ProposedSize=str(size),
        MaxSizeAllowed=str(PUT_MAX),
    )


def keep(world: World, body: Body, key: sse.CustomerKey | None) -> Piece:
    """Keep a payload, encrypted if there is a key."""
    size = body.size
    if key is not None:
        return _encrypt(world, body.chunks(), size, key)
    if size <= INLINE_MAX:
        return Piece(size, data=body.read())
    return Piece(size, blob=body.keep())


def _encrypt(world: World, chunks: Iterator[bytes], size: int, key: sse.CustomerKey) -> Piece:
    nonce = world.ids.bytes(sse.BLOCK)
    if size <= INLINE_MAX:
        return Piece(size, data=sse.crypt(key.key, nonce, b"".join(chunks)), nonce=nonce)
    with world.blobs.spool() as spool:
        at = 0
        for chunk in chunks:
            spool.write(sse.crypt(key.key, nonce, chunk, at))
            at += len(chunk)
        spool.flush()
        digest = spool.digest
        world.blobs.adopt(spool.path, digest)
    return Piece(size, blob=digest, nonce=nonce)


def pieces_of(row: Object) -> tuple[Piece, ...]:
    """The runs of bytes an object consists of, in order."""
    if row.pieces:
        return row.pieces
    return (Piece(row.size, row.data, row.blob, row.nonce),)


def read_chunks(
    world: World, row: Object, key: sse.CustomerKey | None, start: int, stop: int
) -> Iterator[bytes]:
    """The bytes from `start` up to but not with `stop`, in pieces of at most 256 KB; nothing else
    is read.
    """
    base = 0
    for piece in pieces_of(row):
        first, last = max(start - base, 0), min(stop - base, piece.size)
        base += piece.size
        if first >= last:
            if base >= stop:
                return
            continue
        yield from _piece_chunks(world, piece, key, first, last)


def _piece_chunks(
    world: World, piece: Piece, key: sse.CustomerKey | None, first: int, last: int
) -> Iterator[bytes]:
    if not piece.blob:
        data = piece.data[first:last]
        yield sse.crypt(key.key, piece.nonce, data, first) if piece.nonce and key else data
        return
    with world.blobs.open(piece.blob) as file:
        file.seek(first)
        while first < last:
            data = file.read(min(CHUNK, last - first))
            if not data:
                raise OSError(f"the blob {piece.blob} is shorter than its object")
            yield sse.crypt(key.key, piece.nonce, data, first) if piece.nonce and key else data
            first += len(data)


def content(
    world: World, row: Object, key: sse.CustomerKey | None, start: int, stop: int
) -> bytes | Stream:
    """The body of an answer: bytes when it is small, else a stream."""
    if row.data and not row.nonce:
        return row.data if stop - start == row.size else row.data[start:stop]
    if stop - start <= CHUNK:
        return b"".join(read_chunks(world, row, key, start, stop))

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in read_chunks(world, row, key, start, stop):
            yield chunk

    return Stream(chunks(), stop - start)


# -- encryption -----------------------------------------------------------------------------------


def customer_key(call: Call, request: Any, prefix: str = "") -> sse.CustomerKey | None:
    """The customer's key of a request (`prefix`: of the source of a copy).

    S3 takes keys over TLS only; what comes from this machine itself has crossed no network.
    """
    algorithm = getattr(request, prefix + "sse_customer_algorithm")
    key = getattr(request, prefix + "sse_customer_key")
    md5 = getattr(request, prefix + "sse_customer_key_md5")
    if algorithm is None and key is None and md5 is None:
        return None
    safe = call.secure or call.source_ip.startswith("127.") or call.source_ip == "::1"
    return sse.customer_key(algorithm, key, md5, safe)


def encryption(
    call: Call, bucket: Bucket, request: Any, key: sse.CustomerKey | None
) -> Encryption | None:
    """How a new object is encrypted: as asked for, or as the bucket does by default. None: SSE-S3.

    Raises InvalidArgument, InvalidEncryptionAlgorithmError, NotImplemented (KMS).
    """
    asked = request.server_side_encryption
    if key is not None:
        if _blocked(call, bucket):
            raise AwsError("AccessDenied", "Access Denied", status=403)
        if asked is not None:
            raise AwsError(
                "InvalidArgument",
                "Server Side Encryption with Customer provided key is incompatible with the "
                "encryption method "
                "specified",
                status=400,
                ArgumentName="x-amz-server-side-encryption",
                ArgumentValue=asked,
            )
        return Encryption("", customer_md5=key.md5, check=key.check(call.ids.bytes(sse.BLOCK)))
    if asked is None:
        if bucket.encryption is not None and bucket.encryption.algorithm != "AES256":
            raise call.not_implemented(f"server-side encryption with {bucket.encryption.algorithm}")
        return None
    if asked in ("aws:kms", "aws:kms:dsse", "aws:fsx"):
        raise call.not_implemented(f"server-side encryption with {asked}")
    if asked != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. The valid value is AES256.",
            status=400,
            ArgumentName="x-amz-server-side-encryption",
            ArgumentValue=asked,
        )
    if request.ssekms_key_id is not None:
        raise AwsError(
            "InvalidArgument",
            "Server Side Encryption with AWS KMS managed key requires HTTP header "
            "x-amz-server-side-encryption : "
            "aws:kms",
            status=400,
            ArgumentName="x-amz-server-side-encryption",
            ArgumentValue=asked,
        )
    return None


def _blocked(call: Call, bucket: Bucket) -> bool:
    """Whether the bucket takes no keys of customers (BlockedEncryptionTypes)."""
    document = configurations.get(call.world, bucket, "encryption")
    blocked = document.rules[0].blocked_encryption_types if document is not None else None
    return blocked is not None and "SSE-C" in (blocked.encryption_type or ())


def check_key(row: Object, key: sse.CustomerKey | None) -> None:
    """Whether an object can be read with what the request brought. Raises InvalidRequest,
    AccessDenied.
    """
    if not row.encryption.customer_md5:
        if key is not None:
            raise AwsError(
                "InvalidRequest",
                "The encryption parameters are not applicable to this object.",
                status=400,
            )
        return
    if key is None:
        raise AwsError(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct "
            "parameters must be provided "
            "to retrieve the object.",
            status=400,
        )
    if not key.fits(row.encryption.check):
        raise AwsError("AccessDenied", "Access Denied", status=403)


def show_encryption(answer: Any, kept: Encryption) -> None:
    """Put the encryption into the members of an answer."""
    if kept.customer_md5:
        if hasattr(answer, "sse_customer_algorithm"):  # CompleteMultipartUpload does not answer it
            answer.sse_customer_algorithm = "AES256"
            answer.sse_customer_key_md5 = kept.customer_md5
    else:
        answer.server_side_encryption = kept.algorithm
