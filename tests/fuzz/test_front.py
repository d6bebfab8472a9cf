"""The front under fire: whatever arrives, the server answers an AWS error or closes, and lives.

Seeded: MESOCOSM_SEEDS (docs/HACKING.md) names other seeds.
"""

from __future__ import annotations

import base64
import socket
import struct
from collections.abc import Iterator
from random import Random

import cbor2
import pytest

from tests.fuzz.kit import Server, check
from tests.simulate.test_simulate import seeds

MEGABYTES = 1 << 20
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    assert found.alive()
    found.close()


def request(
    method: str = "POST",
    path: str = "/",
    body: bytes = b"",
    service: str = "sqs",
    **headers: str,
) -> bytes:
    """A well-formed request of the root user."""
    fields = {
        "Host": "localhost",
        "Authorization": AUTHORIZATION.format(service),
        "X-Amz-Date": "20260101T000000Z",
        "Content-Length": str(len(body)),
        **({"x-amz-content-sha256": "UNSIGNED-PAYLOAD"} if service == "s3" else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def json_call(body: bytes, target: str = "AmazonSQS.SendMessage") -> bytes:
    return request(body=body, Content_Type="application/x-amz-json-1.0", X_Amz_Target=target)


# -- bodies ---------------------------------------------------------------------------------------

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "'
    + b"ha" * 1000
    + b'">'
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">'.encode() for n in range(8))
    + b"]><Tagging><TagSet><Tag><Key>&i;</Key><Value>&i;</Value></Tag></TagSet></Tagging>"
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">'
    b'<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>'
    b"<Tagging><TagSet><Tag><Key>k</Key><Value>&e;</Value></Tag></TagSet></Tagging>"
)
DEEP = 100_000


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("billion laughs", request("PUT", "/bucket?tagging", LAUGHS, "s3")),
        ("external entities", request("PUT", "/bucket?tagging", OUTSIDE, "s3")),
        ("deep XML", request("PUT", "/bucket?tagging", b"<a>" * DEEP, "s3")),
        ("deep closed XML", request("PUT", "/b?acl", b"<a>" * DEEP + b"</a>" * DEEP, "s3")),
        ("deep JSON", json_call(b'{"QueueUrl":' * DEEP)),
        ("deep JSON list", json_call(b'{"Entries":' + b"[" * DEEP + b"]" * DEEP + b"}")),
        ("JSON of one value", json_call(b"3")),
        ("JSON null", json_call(b"null")),
        ("JSON that is not UTF-8", json_call(b'{"QueueUrl": "\xff\xfe"}')),
        ("JSON with a lone surrogate", json_call(b'{"QueueUrl": "\\ud800"}')),
        ("JSON with a huge number", json_call(b'{"DelaySeconds": 1' + b"0" * 5000 + b"}")),
        ("JSON with NaN", json_call(b'{"DelaySeconds": NaN}')),
        ("unknown target", json_call(b"{}", "Nobody.Nothing")),
        ("empty target", json_call(b"{}", "")),
        ("a form without an action", request(body=b"a=b&&=&c", service="iam")),
        ("a form of dots", request(body=b"Action=ListUsers&" + b"a." * 5000 + b"=1")),
        (
            "a form with a huge index",
            request(
                body=b"Action=TagUser&Version=2010-05-08&UserName=u&Tags.member.99999999999.Key=k",
                service="iam",
                Content_Type="application/x-www-form-urlencoded",
            ),
        ),
        ("percent signs", request("GET", "/%zz%", service="s3")),
        ("a wrong MD5", request("PUT", "/b/k", b"x", "s3", Content_MD5="!!")),
        ("a wrong checksum", request("PUT", "/b/k", b"x", "s3", x_amz_checksum_crc32="zz")),
        ("a wrong hash", request("PUT", "/b/k", b"x", "s3", x_amz_content_sha256="zz")),
        ("a range", request("GET", "/b/k", b"", "s3", Range="bytes=-9-,x")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bodies(server: Server, what: str, sent: bytes) -> None:
    before = server.rss()
    answer = server.say(sent)
    check(answer, what)
    assert answer.statuses, what
    assert answer.statuses[0] >= 400, (what, answer.data[:300])
    hostname = socket.gethostname().encode()
    assert hostname not in answer.data or hostname == b"localhost"
    assert server.rss() - before < 40 * MEGABYTES, what
    assert server.alive()


def test_entities_are_not_expanded(server: Server) -> None:
    server.say(request("PUT", "/entity-bucket", service="s3"))
    server.say(request("PUT", "/entity-bucket?tagging", OUTSIDE, "s3"))
    answer = server.say(request("GET", "/entity-bucket?tagging", service="s3"))
    assert answer.statuses == [404], answer.data


def cbor_bodies(random: Random) -> Iterator[bytes]:
    """Broken CBOR, and CBOR that promises too much (RFC 8949)."""
    yield b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"  # a map of 2**64 - 1 pairs
    yield b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"  # a list of as many
    yield b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff"  # a byte string of a terabyte
    yield b"\x81" * 50_000  # lists within lists
    yield b"\xbf" * 50_000
    yield b"\xc1" * 50_000  # tags of tags
    yield b"\xd8\x1d\x00"  # a shared reference to nothing
    yield b"\xa1\x61a\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"  # not a number
    yield b""
    whole = cbor2.dumps({"MetricData": [{"MetricName": "m", "Value": 1.5}], "Namespace": "n"})
    for _ in range(40):
        broken = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            broken[random.randrange(len(broken))] = random.randrange(256)
        yield bytes(broken[: random.randint(1, len(broken))])


@pytest.mark.parametrize("seed", seeds()[:1])
def test_cbor(server: Server, seed: int) -> None:
    before = server.rss()
    for path in (
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        "/service/AmazonSQS/operation/SendMessage",
        "/service/Nobody/operation/Nothing",
    ):
        for body in cbor_bodies(Random(seed)):
            sent = request(
                "POST", path, body, "monitoring", smithy_protocol="rpc-v2-cbor",
                Content_Type="application/cbor",
            )  # fmt: skip
            check(server.say(sent), body[:80])
    assert server.rss() - before < 40 * MEGABYTES
    assert server.alive()


# -- names ----------------------------------------------------------------------------------------

CLIMBS = (
    "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/bucket/../../x",
    "/bucket/..%5c..%5cx", "//etc/passwd", "/bucket//../x", "/bucket/%00", "/%00/x", "/./././",
    "/bucket/%c0%ae%c0%ae/x", "/bucket/" + "a" * 1100, "/bucket/%ff%fe", "/..", "/bucket/..",
    "/_mesocosm/../bucket", "/_mesocosm/%2e%2e/x", "/bucket/\u00e9".encode().decode("latin-1"),
)  # fmt: skip


@pytest.mark.parametrize("path", CLIMBS)
def test_climbing_paths(server: Server, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        answer = server.say(request(method, path, b"x" if method == "PUT" else b"", "s3"))
        check(answer, path)
        assert b"root:" not in answer.data
    for host in ("..", "../x.s3.localhost", "bucket.s3.localhost:99999", "[::1", "a" * 300, ""):
        check(server.say(request("GET", path, service="s3", Host=host)), host)


def test_keys_that_climb_are_keys(server: Server) -> None:
    server.say(request("PUT", "/climbing-bucket", service="s3"))
    for key in ("../../x", "..", "a/../../b", "%2e%2e/c"):
        path = f"/climbing-bucket/{key}"
        assert server.say(request("PUT", path, key.encode(), "s3")).statuses == [200]
        assert server.say(request("GET", path, service="s3")).data.endswith(key.encode())


# -- signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", seeds()[:1])
def test_wrong_signatures(server: Server, seed: int) -> None:
    random = Random(seed)
    good = AUTHORIZATION.format("s3")
    wrong = [
        "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=", "Basic eDp4",
        "AWS AKIA:zzz", "AWS :", "AWS4-ECDSA-P256-SHA256 Credential=a/b/c", good.replace(",", ""),
        good.replace("us-east-1", "/"), good.replace("=", ""), good + good, "\xff" * 20, "Bearer x",
        good.replace("000000000000", "A" * 4000), good.replace("host", ";;host;;x"),
        good.replace("20260101", "99999999"), good.replace("aws4_request", "aws5_request"),
    ]  # fmt: skip
    for _ in range(150):
        text = list(good)
        for _ in range(random.randint(1, 6)):
            text[random.randrange(len(text))] = chr(random.choice((*range(32, 127), 200)))
        wrong.append("".join(text[: random.randint(1, len(text))]))
    for value in wrong:
        check(server.say(request("GET", "/bucket/key", b"", "s3", Authorization=value)), value)
    for query in (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Signature=", "AWSAccessKeyId=a&Signature=b",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b&X-Amz-Date=z&X-Amz-Expires=-1"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=0", "X-Amz-Expires=99999999999999999999",
        "AWSAccessKeyId=a&Signature=b&Expires=NaN", "X-Amz-Security-Token=%00",
    ):  # fmt: skip
        plain = f"GET /bucket/key?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        answer = server.say(plain)
        check(answer, query)
        assert answer.statuses[0] >= 400, query
    assert server.alive()


# -- framing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"\r\n" * 1000, b"\x00" * 1000, b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\n : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\x00B: x\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n", b"G" * 100_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda sent: sent[:24].decode("latin-1").encode("unicode_escape").decode(),
)  # fmt: skip
def test_malformed_http(server: Server, sent: bytes) -> None:
    check(server.say(sent), sent[:100])
    assert server.alive()


@pytest.mark.parametrize("seed", seeds()[:1])
def test_mutated_requests(server: Server, seed: int) -> None:
    """Good requests with some bytes exchanged, dropped or repeated, several in a pipeline."""
    random = Random(seed)
    good = [
        json_call(b'{"QueueName": "q"}', "AmazonSQS.CreateQueue"),
        request(body=b"Action=ListUsers&Version=2010-05-08", service="iam"),
        request("PUT", "/bucket/key", b"body", "s3"),
        request("GET", "/bucket?list-type=2&max-keys=3", service="s3"),
        request("POST", "/bucket?delete", b"<Delete><Object/></Delete>", "s3"),
    ]
    before = server.rss()
    for turn in range(250):
        sent = bytearray(b"".join(random.choices(good, k=random.randint(1, 6))))
        for _ in range(random.randint(1, 8)):
            place = random.randrange(len(sent))
            kind = random.randrange(4)
            if kind == 0:
                sent[place] = random.randrange(256)
            elif kind == 1:
                del sent[place : place + random.randint(1, 20)]
            elif kind == 2:
                sent[place:place] = sent[place : place + 30] * random.randint(1, 5)
            else:
                sent[place:place] = random.randbytes(random.randint(1, 10))
        check(server.say(bytes(sent)), (turn, bytes(sent)))
    assert server.rss() - before < 40 * MEGABYTES
    assert server.alive()


def test_chunked_signing_garbage(server: Server) -> None:
    for body in (
        b"",
        b"5;chunk-signature=0\r\nhello\r\n",
        b"ffffffff\r\n",
        b"5\r\nhell",
        b";;\r\n",
    ):
        for kind in ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"):
            for length in ("5", "-1", "x", "99999999999999999999"):
                sent = request(
                    "PUT", "/bucket/key", body, "s3", x_amz_content_sha256=kind,
                    Content_Encoding="aws-chunked", x_amz_decoded_content_length=length,
                    x_amz_trailer="x-amz-checksum-crc32",
                )  # fmt: skip
                check(server.say(sent), (body, kind, length))


def test_browser_form_garbage(server: Server) -> None:
    policy = base64.b64encode(b'{"expiration": "x", "conditions": 3}').decode()
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    for body in (
        "", "--b", "--b--", "--b\r\n\r\n",
        "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        part.format("policy", policy) + part.format("file", "x") + "--b--",
        part.format("key", "../x") * 500 + "--b--", part.format("x" * 30_000, "y"),
        part.format("policy", "!!") + part.format("x-amz-signature", "0") + "--b--",
    ):  # fmt: skip
        for boundary in ("b", "", '"', "b" * 300):
            kind = f"multipart/form-data; boundary={boundary}"
            sent = request("POST", "/bucket", body.encode(), "s3", Content_Type=kind)
            check(server.say(sent.replace(b"Authorization", b"X-None")), (body[:80], boundary))


# -- slow and rude clients ------------------------------------------------------------------------


def test_rude_clients_cost_nothing(server: Server) -> None:
    """Many that send half a head, half a body, reset, or never read: the others are served."""
    before = server.rss()
    held = [server.connect() for _ in range(150)]
    for number, connection in enumerate(held):
        half = (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
            request("PUT", "/bucket/key", b"", "s3", Content_Length=str(1 << 30)) + b"x" * 1000,
            request("GET", "/", service="s3") * 60,
        )[number % 3]
        connection.sendall(half)
    assert server.alive()
    for connection in held:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert server.alive()
    assert server.rss() - before < 60 * MEGABYTES


def test_large_bodies_are_refused_or_spooled(server: Server) -> None:
    before = server.rss()
    mega = b"x" * MEGABYTES
    server.say(request("PUT", "/large-bucket", service="s3"))
    head = request("PUT", "/large-bucket/key", b"", "s3", Content_Length=str(64 * MEGABYTES))
    assert server.say(head, *[mega] * 64, wait=30).statuses == [200]
    refused = server.say(
        request(body=b"", Content_Length=str(64 * MEGABYTES), X_Amz_Target="AmazonSQS.SendMessage"),
        *[mega] * 64,
    )
    check(refused, "a large message")
    assert 200 not in refused.statuses
    assert server.rss() - before < 40 * MEGABYTES
    assert server.alive()


def test_a_half_closed_connection_is_answered(server: Server) -> None:
    """A client may end its side when it has asked (RFC 9112, section 9.6)."""
    asked = request("GET", "/nobody-has-this", service="s3")
    assert server.say(asked * 3).statuses == [404] * 3
    head = request("PUT", "/large-bucket/half", b"", "s3", Content_Length=str(8 * MEGABYTES))
    assert server.say(head, b"x" * 8 * MEGABYTES, wait=30).statuses == [200]
    assert server.say(head, b"x" * 100).statuses in ([], [400])  # not all of it: nothing is stored
