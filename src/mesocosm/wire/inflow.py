"""Bodies on their way in: bounded, decoded, hashed, and held against what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.wire.authfaults import dialect
from mesocosm.wire.body import IN_MEMORY, MemoryBody, Receiver, announced, trailer_names
from mesocosm.wire.chunked import Decoder
from mesocosm.wire.errors import AwsError
from mesocosm.wire.sigv4 import payload_mismatch

if TYPE_CHECKING:
    from mesocosm.wire.body import FileBody
    from mesocosm.wire.front import Admission
    from mesocosm.wire.message import Request


class Inflow:
    """The payload of one admitted request. Raises AwsError for what is too large, incomplete,
    wrongly encoded or other than what was signed; what is known from the head alone is refused
    when this is made."""

    __slots__ = ("_admission", "_decoder", "_receiver", "_request", "_seen")

    def __init__(self, request: Request, admission: Admission, announced: int) -> None:
        self._request = request
        self._admission = admission
        self._decoder = decoder = _decoder(request, admission)
        self._receiver: Receiver | None = None
        self._seen = 0
        if decoder is None:
            check_size(request, admission, announced)

    def whole(self, data: bytes) -> MemoryBody | FileBody:
        """The payload, from a body that came in one piece."""
        if self._decoder is None and len(data) <= IN_MEMORY:
            body: MemoryBody | FileBody = MemoryBody(data, self._admission.blobs)
            self._check(body)
            return body
        self.feed(data)
        return self.finish()

    def heavy(self, size: int) -> bool:
        """Whether `size` bytes more are for a worker thread: they go to a file."""
        self._seen += size
        return self._seen > IN_MEMORY

    def feed(self, data: bytes) -> None:
        """Take the next bytes. May run in a worker thread, one call at a time."""
        if self._receiver is None:
            self._receiver = Receiver(self._admission.blobs, announced(self._request.headers))
        if self._decoder is None:
            self._receiver.write(data)
        else:
            for piece in self._decoder.feed(data):
                self._receiver.write(piece)
        check_size(self._request, self._admission, self._receiver.size)

    def finish(self) -> MemoryBody | FileBody:
        """The payload, when all has been fed."""
        if self._decoder is not None:
            self._decoder.finish()
            self._request.trailers = self._decoder.trailers
        if self._receiver is None:
            body: MemoryBody | FileBody = MemoryBody(b"", self._admission.blobs)
        else:
            body = self._receiver.finish()
        self._receiver = None
        self._check(body)
        return body

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._receiver is not None:
            self._receiver.discard()

    def _check(self, body: MemoryBody | FileBody) -> None:
        payload = self._admission.payload
        if payload is not None and payload.sha256 and payload.sha256 != body.sha256:
            body.close()
            raise payload_mismatch(self._request, self._admission.signature, body.sha256)


def _decoder(request: Request, admission: Admission) -> Decoder | None:
    payload = admission.payload
    if payload is None or not payload.chunked:
        return None
    stated = request.headers.get("x-amz-decoded-content-length")
    if stated is None:
        raise AwsError(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", status=411
        )
    if not stated.isdecimal() or len(stated) > 15:
        raise AwsError(
            "InvalidArgument",
            "x-amz-decoded-content-length must be a non-negative number",
            status=400,
            ArgumentName="x-amz-decoded-content-length",
            ArgumentValue=stated,
        )
    check_size(request, admission, int(stated))
    chain = admission.chain if payload.signed_chunks else None
    if payload.signed_chunks and admission.signature is None:
        raise AwsError("AccessDenied", "Access Denied", status=403)  # nobody to have signed them
    names = trailer_names(request.headers) if payload.trailer else frozenset()
    return Decoder(int(stated), chain, names)


def check_size(request: Request, admission: Admission, size: int) -> None:
    """Refuse a payload of more bytes than are admitted, in the words of the service's family."""
    if size <= admission.limit:
        return
    signature = admission.signature
    spoken = dialect(request, signature.service if signature is not None else "")
    if spoken == "s3":
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            status=400,
            ProposedSize=str(size),
            MaxSizeAllowed=str(admission.limit),
        )
    code = (
        "RequestEntityTooLarge" if spoken in ("query", "ec2") else "RequestEntityTooLargeException"
    )
    raise AwsError(code, f"Request must be smaller than {admission.limit} bytes", status=413)
