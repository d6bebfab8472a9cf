"""The bytes of objects: kept in the row or as blobs, encrypted when the customer gave a key or KMS
does, and read back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.services.s3.operations import kms_keys
from mesocosm.services.s3.operations.kms_keys import KMS_ALGORITHMS
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


def keep(world: World, body: Body, key: sse.Secret | None) -> Piece:
    """Keep a payload, encrypted if there is a key."""
    size = body.size
    if key is not None:
        return encrypted(world, body.chunks(), size, key)
    if size <= INLINE_MAX:
        return Piece(size, data=body.read())
    return Piece(size, blob=body.keep())


def encrypted(world: World, chunks: Iterator[bytes], size: int, key: sse.Secret) -> Piece:
    """Keep bytes encrypted."""
    nonce = world.ids.bytes(sse.BLOCK)
    if size <= INLINE_MAX:
        return Piece(size, data=key.crypt(nonce, b"".join(chunks)), nonce=nonce)
    with world.blobs.spool() as spool:
        at = 0
        for chunk in chunks:
            spool.write(key.crypt(nonce, chunk, at))
            at += len(chunk)
        spool.flush()
        digest = spool.digest
        world.blobs.adopt(spool.path, digest)
    return Piece(size, blob=digest, nonce=nonce)


def encrypted_again(world: World, row: Object, old: sse.Secret | None, new: sse.Secret) -> Object:
    """The version with its bytes, piece by piece, under another key; `old` is None for plain
    ones."""

    def sealed(piece: Piece) -> Piece:
        chunks = _piece_chunks(world, piece, old, 0, piece.size)
        made = encrypted(world, chunks, piece.size, new)
        return replace(made, number=piece.number, etag=piece.etag, checksum=piece.checksum)

    if row.pieces:
        return replace(row, pieces=tuple(map(sealed, row.pieces)))
    made = sealed(pieces_of(row)[0])
    return replace(row, data=made.data, blob=made.blob, nonce=made.nonce)


def pieces_of(row: Object) -> tuple[Piece, ...]:
    """The runs of bytes an object consists of, in order."""
    if row.pieces:
        return row.pieces
    return (Piece(row.size, row.data, row.blob, row.nonce),)


def read_chunks(
    world: World, row: Object, key: sse.Secret | None, start: int, stop: int
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
    world: World, piece: Piece, key: sse.Secret | None, first: int, last: int
) -> Iterator[bytes]:
    if not piece.blob:
        data = piece.data[first:last]
        yield key.crypt(piece.nonce, data, first) if piece.nonce and key else data
        return
    with world.blobs.open(piece.blob) as file:
        file.seek(first)
        while first < last:
            data = file.read(min(CHUNK, last - first))
            if not data:
                raise OSError(f"the blob {piece.blob} is shorter than its object")
            yield key.crypt(piece.nonce, data, first) if piece.nonce and key else data
            first += len(data)


def content(
    world: World, row: Object, key: sse.Secret | None, start: int, stop: int
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
) -> tuple[Encryption | None, sse.Secret | None]:
    """How a new object is encrypted, as asked for or as the bucket does by default (None: SSE-S3),
    and what with.

    Raises InvalidArgument, InvalidEncryptionAlgorithmError, and what KMS refuses.
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
        check = key.check(call.ids.bytes(sse.BLOCK))
        return Encryption("", customer_md5=key.md5, check=check), key
    if asked is None and request.ssekms_key_id is None:
        default = bucket.encryption
        if default is None:
            return None, None
        return kms_keys.made(call, bucket, request, default)
    if asked in KMS_ALGORITHMS:
        wanted = Encryption(asked, kms_key=request.ssekms_key_id or "")
        return kms_keys.made(call, bucket, request, wanted)
    if asked == "aws:fsx":
        raise call.not_implemented(f"server-side encryption with {asked}")
    if asked not in (None, "AES256"):
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
            ArgumentValue=asked or "null",
        )
    return None, None


def secret(call: Call, row: Object, key: sse.CustomerKey | None) -> sse.Secret | None:
    """What the bytes of an object are read with: the customer's key, or data keys that KMS opens
    for the caller. Raises what KMS refuses.
    """
    return kms_keys.opened(call, row.encryption) if row.encryption.wrapped else key


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
        return
    answer.server_side_encryption = kept.algorithm
    if kept.kms_key:
        answer.ssekms_key_id = kept.kms_key
        if kept.bucket_key:
            answer.bucket_key_enabled = True
