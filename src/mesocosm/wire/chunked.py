"""The aws-chunked content encoding: chunks with or without signatures, and trailers.

Sources: "Signature Calculations for the Authorization Header: Transferring a Payload in Multiple
Chunks" and "... with Trailing Headers" (Amazon S3 API Reference). Trailers are text, `name:value`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from mesocosm.wire.authfaults import auth_fault
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = 8192
"""Longest chunk header or trailer line, and the most bytes of all trailers together."""
_SMALLEST = 8192
"""Only the last chunk may be smaller."""
_EMPTY = hashlib.sha256(b"").hexdigest()
_HEADER = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[ \t]*chunk-signature=([0-9a-f*]{1,160}))?")


class Chain:
    """The chain of signatures over the chunks: each covers the one before it, the first the
    request's own.

    `prove(text, signature)` says whether a signature holds.
    """

    __slots__ = ("_algorithm", "_previous", "_prove", "_scope", "_timestamp")

    def __init__(
        self,
        algorithm: str,
        timestamp: str,
        scope: str,
        seed: str,
        prove: Callable[[str, str], bool],
    ) -> None:
        self._algorithm = algorithm
        self._timestamp = timestamp
        self._scope = scope
        self._previous = seed
        self._prove = prove

    def chunk(self, signature: str, sha256: str) -> None:
        """Prove a chunk by the hash of its data. Raises SignatureDoesNotMatch."""
        self._step("PAYLOAD", signature, f"{_EMPTY}\n{sha256}")

    def trailer(self, signature: str, text: bytes) -> None:
        """Prove the trailers: `text` is `name:value\\n` for each. Raises SignatureDoesNotMatch."""
        self._step("TRAILER", signature, hashlib.sha256(text).hexdigest())

    def _step(self, kind: str, signature: str, rest: str) -> None:
        text = "\n".join(
            (f"{self._algorithm}-{kind}", self._timestamp, self._scope, self._previous, rest)
        )
        if not self._prove(text, signature.rstrip("*")):
            raise auth_fault("mismatch", "s3", StringToSign=text, SignatureProvided=signature)
        self._previous = signature


class Decoder:
    """Takes the encoded body in pieces of any size and gives the payload's.

    `expected` is `x-amz-decoded-content-length`; `announced` the names in `x-amz-trailer`, in
    lower case.
    """

    def __init__(
        self, expected: int, chain: Chain | None = None, announced: frozenset[str] = frozenset()
    ) -> None:
        self.trailers: dict[str, str] = {}
        self._expected = expected
        self._chain = chain
        self._announced = announced
        self._received = 0
        self._line = bytearray()
        self._state = self._on_header
        self._left = 0
        self._number = 0
        self._size = _SMALLEST
        self._signature = ""
        self._hash = hashlib.sha256()
        self._trailer_text = bytearray()
        self._trailer_signature = ""
        self._done = False

    def feed(self, data: bytes) -> list[bytes]:
        """Decode more of the body. Raises IncompleteBody, SignatureDoesNotMatch,
        MalformedTrailerError and kin."""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            if self._left:
                piece = data[at : at + self._left] if at or end > self._left else data
                at += len(piece)
                self._left -= len(piece)
                if self._chain is not None:
                    self._hash.update(piece)
                pieces.append(piece)
                continue
            if self._done:
                raise _malformed_trailer()
            newline = data.find(b"\n", at)
            stop = end if newline < 0 else newline + 1
            self._line += data[at:stop]
            at = stop
            if len(self._line) > _LINE:
                raise _incomplete()
            if newline >= 0:
                line = bytes(self._line)
                self._line.clear()
                if not line.endswith(b"\r\n"):
                    raise _incomplete()
                self._state(line[:-2])
        return pieces

    def finish(self) -> None:
        """The body has ended: check that it is whole."""
        ended = self._done or (self._number and self._size == 0 and not self._line)
        if not ended or self._received != self._expected:
            raise _incomplete()
        if not self._done:
            self._close()

    def _on_header(self, line: bytes) -> None:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise _incomplete()
        size = int(match[1], 16)
        self._number += 1
        if size and self._size < _SMALLEST:
            raise AwsError(
                "InvalidChunkSizeError",
                "Only the last chunk is allowed to have a size less than 8192 bytes",
                status=403,
                Chunk=str(self._number),
                BadChunkSize=str(self._size),
            )
        self._received += size
        if self._received > self._expected:
            raise _incomplete()
        if self._chain is not None:
            if match[2] is None:
                raise auth_fault("mismatch", "s3")
            self._signature = match[2].decode()
            self._hash = hashlib.sha256()
        self._size = self._left = size
        self._state = self._on_end if size else self._on_trailer
        if not size and self._chain is not None:
            self._chain.chunk(self._signature, _EMPTY)

    def _on_end(self, line: bytes) -> None:
        if line:
            raise _incomplete()
        if self._chain is not None:
            self._chain.chunk(self._signature, self._hash.hexdigest())
        self._state = self._on_header

    def _on_trailer(self, line: bytes) -> None:
        if not line:
            self._close()
            return
        name, colon, value = line.partition(b":")
        key = name.strip().lower().decode("latin-1")
        if not colon or not key or len(self._trailer_text) + len(line) > _LINE:
            raise _malformed_trailer()
        if key == "x-amz-trailer-signature":
            self._trailer_signature = value.strip().decode("latin-1")
            return
        self._trailer_text += key.encode("latin-1") + b":" + value.strip() + b"\n"
        self.trailers[key] = value.strip().decode("latin-1")

    def _close(self) -> None:
        self._done = True
        if self._announced != self.trailers.keys():
            raise _malformed_trailer()
        if self._chain is not None and self._announced:
            self._chain.trailer(self._trailer_signature, bytes(self._trailer_text))


def _incomplete() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "The request body terminated unexpectedly",
        status=400,
    )


def _malformed_trailer() -> AwsError:
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our "
        "published schema.",
        status=400,
    )
