from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.wire import sigv4
from mesocosm.wire.checksums import ALGORITHMS, hasher
from mesocosm.wire.chunked import Chain, Decoder
from mesocosm.wire.errors import AwsError
from mesocosm.wire.front import Limits
from tests.wire.front_support import KEY, SECRET, Blobs, EchoApp, Running

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SCOPE = "20130524/us-east-1/s3/aws4_request"
STAMP = "20130524T000000Z"
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"


def chain(secret: str = SECRET, scope: str = SCOPE, stamp: str = STAMP, seed: str = SEED) -> Chain:
    date, region, service, _ = scope.split("/")
    key = sigv4.signing_key(secret, date, region, service)
    return Chain(
        "AWS4-HMAC-SHA256",
        stamp,
        scope,
        seed,
        lambda text, value: hmac.digest(key, text.encode(), "sha256").hex() == value,
    )


def encode(
    pieces: list[bytes],
    trailers: dict[str, str],
    scope: str = SCOPE,
    stamp: str = STAMP,
    seed: str = SEED,
) -> bytes:
    """A signed aws-chunked body, written independently of the decoder."""
    key = sigv4.signing_key(SECRET, *scope.split("/")[:3])
    empty = hashlib.sha256(b"").hexdigest()
    out, previous = b"", seed
    for piece in [*pieces, b""]:
        digest = hashlib.sha256(piece).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{scope}\n{previous}\n{empty}\n{digest}"
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        out += b"%x;chunk-signature=%b\r\n" % (len(piece), previous.encode())
        out += piece + b"\r\n" if piece else b""
    if trailers:
        lines = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        digest = hashlib.sha256(lines.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256-TRAILER\n{stamp}\n{scope}\n{previous}\n{digest}"
        out += lines.replace("\n", "\r\n").encode()
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        out += f"x-amz-trailer-signature:{previous}\r\n".encode()
    return out + b"\r\n"


def decode(data: bytes, decoder: Decoder, step: int = 1 << 20) -> bytes:
    out = b""
    for at in range(0, len(data), step):
        out += b"".join(decoder.feed(data[at : at + step]))
    decoder.finish()
    return out


def test_the_example_of_the_documentation() -> None:
    """S3's API reference signs 65 KB of `a` in chunks of 64 KB, 1 KB and nothing."""
    data = (
        b"10000;chunk-signature="
        + b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
        + b"a" * 65536
        + b"\r\n400;chunk-signature="
        + b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
        + b"a" * 1024
        + b"\r\n0;chunk-signature="
        + b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
    )
    assert decode(data, Decoder(66560, chain()), 1000) == b"a" * 66560


@given(
    st.lists(st.integers(8192, 8300), max_size=3),
    st.binary(min_size=1, max_size=50),
    st.integers(1, 20_000),
    st.booleans(),
)
def test_any_cut_decodes(sizes: list[int], last: bytes, step: int, trailing: bool) -> None:
    pieces = [random.Random(size).randbytes(size) for size in sizes]
    trailers = {"x-amz-checksum-crc32": "AAAAAA=="} if trailing else {}
    data = encode([*pieces, last], trailers)
    whole = b"".join(pieces) + last
    decoder = Decoder(len(whole), chain(), frozenset(trailers))
    assert decode(data, decoder, step) == whole
    assert decoder.trailers == trailers


PLAIN = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
NAMES = frozenset({"x-amz-checksum-crc32"})


def test_unsigned_with_a_trailer() -> None:
    decoder = Decoder(5, None, NAMES)
    assert decode(PLAIN, decoder) == b"hello"
    assert decoder.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}


@pytest.mark.parametrize(
    ("data", "expected", "names", "code"),
    [
        (PLAIN[:-30], 5, NAMES, "IncompleteBody"),
        (PLAIN, 6, NAMES, "IncompleteBody"),
        (PLAIN, 4, NAMES, "IncompleteBody"),
        (PLAIN, 5, frozenset(), "MalformedTrailerError"),
        (PLAIN, 5, frozenset({"x-amz-checksum-sha1"}), "MalformedTrailerError"),
        (PLAIN + b"x", 5, NAMES, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n", 5, NAMES, "MalformedTrailerError"),
        (b"zz\r\nhello\r\n", 5, NAMES, "IncompleteBody"),
        (b"-5\r\nhello\r\n", 5, NAMES, "IncompleteBody"),
        (b"5\nhello\r\n", 5, NAMES, "IncompleteBody"),
        (b"5\r\nhelloXX", 5, NAMES, "IncompleteBody"),
        (b"1" * 9000, 5, NAMES, "IncompleteBody"),
        (b"", 0, NAMES, "IncompleteBody"),
        (b"5\r\nhello\r\n5\r\nhello\r\n", 10, NAMES, "InvalidChunkSizeError"),
        (b"0\r\n" + b"a:b\r\n" * 5000, 0, NAMES, "MalformedTrailerError"),
    ],
)
def test_malformed_streams(data: bytes, expected: int, names: frozenset[str], code: str) -> None:
    with pytest.raises(AwsError) as caught:
        decode(data, Decoder(expected, None, names))
    assert caught.value.code == code


@pytest.mark.parametrize("place", [0, 8400, -30])
def test_a_forged_chunk_or_trailer_is_refused(place: int) -> None:
    data = bytearray(encode([b"a" * 8192, b"b" * 100], {"x-amz-checksum-crc32": "AAAAAA=="}))
    if place:
        data[place] = ord("e") if data[place] != ord("e") else ord("f")
    decoder = Decoder(8292, chain(SECRET if place else "wrong"), NAMES)
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        decode(bytes(data), decoder)


def test_an_unsigned_chunk_in_a_signed_stream_is_refused() -> None:
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        Decoder(5, chain()).feed(PLAIN)


@given(st.binary(max_size=300), st.integers(0, 40))
def test_rubbish_gives_aws_errors(data: bytes, at: int) -> None:
    with contextlib.suppress(AwsError):
        decode(PLAIN[:at] + data, Decoder(5, None, NAMES))


# ---------------------------------------------------------------- through the front


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Running]:
    running = Running(EchoApp(Blobs(tmp_path)), Limits())
    yield running
    running.close()


class Streaming(S3SigV4Auth):
    """botocore's signer, with the payload line of a stream."""

    kind = SIGNED

    def payload(self, request: Any) -> str:
        return self.kind


def put(front: Running, data: bytes, kind: str = SIGNED, forge: bool = False) -> Any:
    trailing = kind.endswith("-TRAILER")
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    trailers = {"x-amz-checksum-crc32": crc} if trailing else {}
    request = AWSRequest("PUT", f"{front.url}/b/k")
    request.headers["X-Amz-Decoded-Content-Length"] = str(len(data))
    request.headers["Content-Encoding"] = "aws-chunked"
    if trailing:
        request.headers["X-Amz-Trailer"] = "x-amz-checksum-crc32"
    signer = Streaming(Credentials(KEY, SECRET), "s3", "eu-west-1")
    signer.kind = kind
    signer.add_auth(request)
    seed = request.headers["Authorization"].rpartition("=")[2]
    scope = request.headers["Authorization"].partition("/")[2].partition(",")[0]
    pieces = [data[at : at + 65536] for at in range(0, len(data), 65536)]
    encoded = encode(pieces, trailers, scope, request.headers["X-Amz-Date"], seed)
    if forge:
        encoded = encoded.replace(data[-9:], b"forgeries")
    request.data = encoded
    return URLLib3Session().send(request.prepare())


@pytest.mark.parametrize("kind", [SIGNED, f"{SIGNED}-TRAILER"])
@pytest.mark.parametrize("size", [0, 5, 100_000, 3 << 20])
def test_signed_streams_arrive_decoded(front: Running, kind: str, size: int) -> None:
    data = random.Random(size).randbytes(size)
    kept: list[str] = []
    real = front.app.respond

    def respond(request: Any, admission: Any) -> Any:
        kept.append(request.body.sha256)
        return real(request, admission)

    front.app.respond = respond  # type: ignore[method-assign]
    assert put(front, data, kind).status_code == 200
    assert kept == [hashlib.sha256(data).hexdigest()]
    (request,) = front.app.seen
    assert set(request.trailers) == ({"x-amz-checksum-crc32"} if "TRAILER" in kind else set())


@pytest.mark.parametrize("size", [1000, 3 << 20])
def test_a_forged_stream_leaves_nothing(front: Running, size: int) -> None:
    answer = put(front, random.Random(size).randbytes(size), forge=True)
    assert answer.status_code == 403
    assert b"SignatureDoesNotMatch" in answer.content
    front.wait_idle()
    assert front.app.seen == []
    assert front.app.blobs.spools() == []


# ---------------------------------------------------------------- checksums


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_check_values(algorithm: str, digest: str) -> None:
    """The catalogue's check values: the checksum of `123456789`."""
    whole = hasher(algorithm)
    whole.update(b"1234")
    whole.update(b"56789")
    assert whole.digest().hex() == digest


def test_unknown_algorithms() -> None:
    assert len(ALGORITHMS) == 5
    with pytest.raises(KeyError):
        hasher("CRC7")
