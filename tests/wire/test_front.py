from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from mesocosm.wire.front import Limits
from tests.wire.front_support import KEY, SECRET, Blobs, EchoApp, Running

MB = 1 << 20


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Running]:
    running = Running(EchoApp(Blobs(tmp_path)), Limits())
    yield running
    running.close()


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Running]:
    limits = Limits(header_timeout=0.05, body_timeout=0.05, write_timeout=0.05)
    running = Running(EchoApp(Blobs(tmp_path)), limits)
    yield running
    running.close()


def raw(front: Running, data: bytes) -> bytes:
    """Send bytes, say no more, and read until the server hangs up."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as s:
        try:
            s.sendall(data)
            received = b""
            while piece := s.recv(65536):
                received += piece
        except ConnectionError:
            pass
    return received


def ask(front: Running, method: str, target: str, body: object = None, **headers: str) -> tuple:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, body, names, encode_chunked=True)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data, dict(answer.getheaders())


def aws(front: Running, service: str, key: str = KEY, token: str | None = None) -> Any:
    version = "s3v4" if service == "s3" else None
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=front.url,
        aws_access_key_id=key,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        config=Config(
            s3={"addressing_style": "path"}, signature_version=version, retries={"max_attempts": 0}
        ),
    )


def s3(front: Running, key: str = KEY) -> Any:
    return aws(front, "s3", key)


# ---------------------------------------------------------------- unmodified clients


def test_boto3_put_object_is_verified_and_whole(front: Running) -> None:
    body = bytes(range(256)) * 100
    s3(front).put_object(Bucket="b", Key="dir//ä +.txt", Body=body, Metadata={"a": "x  y"})
    (request,) = front.app.seen
    assert request.body.read() == body
    assert request.path == "/b/dir//%C3%A4%20%2B.txt"


@pytest.mark.parametrize("size", [MB, MB + 1, 9 * MB])
def test_large_bodies_go_through_a_spool_file_and_leave_none(front: Running, size: int) -> None:
    body = random.Random(size).randbytes(size)
    s3(front).put_object(Bucket="b", Key="k", Body=body)
    (request,) = front.app.seen
    assert request.body.size == size
    assert front.app.blobs.count == (size > MB)
    front.wait_idle()
    assert front.app.blobs.spools() == []


def test_a_kept_body_is_a_blob_without_a_copy(front: Running) -> None:
    body = random.Random(1).randbytes(3 * MB)
    status, digest, _ = ask(front, "PUT", "/open/keep", body)
    assert status == 200
    assert digest.decode() == hashlib.sha256(body).hexdigest()
    assert (front.app.blobs.root / digest.decode()).read_bytes() == body
    front.wait_idle()
    assert front.app.blobs.spools() == []


def test_an_empty_body_can_be_kept(front: Running) -> None:
    assert ask(front, "PUT", "/open/keep", b"")[1].decode() == hashlib.sha256(b"").hexdigest()


def test_a_body_other_than_the_one_signed_is_refused(front: Running) -> None:
    def swap(request: Any, **_: Any) -> None:
        request.body = b"other"

    client = s3(front)
    client.meta.events.register_last("before-send.s3", swap)
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="b", Key="k", Body=b"truth")
    assert caught.value.response["Error"]["Code"] == "XAmzContentSHA256Mismatch"
    assert front.app.seen == []


def test_wrong_secret_is_refused_before_the_body_is_read(front: Running) -> None:
    client = s3(front)
    client._request_signer._credentials.secret_key = "wrong"
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="b", Key="k", Body=bytes(5 * MB))
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert front.app.seen == []
    assert front.app.blobs.count == 0


def test_unknown_key(front: Running) -> None:
    with pytest.raises(ClientError, match="does not exist in our records"):
        s3(front, key="AKIAUNKNOWN").list_buckets()


@pytest.mark.parametrize("service", ["sqs", "sts", "dynamodb", "cloudwatch", "lambda", "ec2"])
def test_other_protocols_verify(front: Running, service: str) -> None:
    calls = {
        "sqs": ("send_message", {"QueueUrl": front.url + "/q", "MessageBody": "ä" * 10}),
        "sts": ("get_caller_identity", {}),
        "dynamodb": ("get_item", {"TableName": "t", "Key": {"a": {"S": "b"}}}),
        "cloudwatch": ("list_metrics", {"Namespace": "a/b"}),
        "lambda": ("get_function", {"FunctionName": "arn:aws:lambda:a:1:function:f"}),
        "ec2": ("describe_instances", {}),
    }
    name, arguments = calls[service]
    with contextlib.suppress(
        BotoCoreError, ResponseParserError, ValueError
    ):  # the echo is no answer
        getattr(aws(front, service, token="token"), name)(**arguments)
    assert front.app.faults == []
    assert len(front.app.seen) == 1


def test_presigned_url(front: Running) -> None:
    url = aws(front, "s3").generate_presigned_url(
        "put_object", {"Bucket": "b", "Key": "a b"}, ExpiresIn=60
    )
    target = url.removeprefix(front.url)
    assert ask(front, "PUT", target, b"hello")[0] == 200
    assert ask(front, "GET", target)[0] == 403


# ---------------------------------------------------------------- HTTP


def test_continue_is_sent_only_to_the_admitted(front: Running) -> None:
    head = b"host: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n"
    refused = raw(front, b"PUT /b/k HTTP/1.1\r\n" + head + b"\r\n")
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in refused
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as s:
        s.sendall(b"PUT /open/x HTTP/1.1\r\nconnection: close\r\n" + head + b"\r\n")
        assert s.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(b"12345")
        assert s.recv(15) == b"HTTP/1.1 200 OK"


def test_chunked_transfer_encoding(front: Running) -> None:
    status, data, _ = ask(front, "PUT", "/open/x", iter([b"abc", b"defg"]))
    assert (status, json.loads(data)["size"]) == (200, 7)


def test_date_and_length_are_set(front: Running) -> None:
    _, data, headers = ask(front, "GET", "/open/x")
    assert headers["content-length"] == str(len(data))
    assert headers["date"].endswith(" GMT")
    assert "server" not in headers


@pytest.mark.parametrize(("status", "method"), [("204", "GET"), ("304", "GET"), ("200", "HEAD")])
def test_answers_without_a_body(front: Running, status: str, method: str) -> None:
    got, data, headers = ask(front, method, f"/open/status?{status}")
    assert (got, data) == (int(status), b"")
    assert ("content-length" in headers) == (status == "200")


def test_streams(front: Running) -> None:
    status, data, headers = ask(front, "GET", f"/open/stream?{3 * MB + 5}")
    assert (status, len(data), headers["content-length"]) == (200, 3 * MB + 5, str(3 * MB + 5))


def test_a_crash_is_a_500_without_its_cause(
    front: Running, caplog: pytest.LogCaptureFixture
) -> None:
    status, data, _ = ask(front, "POST", "/open/crash", b"x")
    assert status == 500
    assert b"InternalFailure" in data
    assert b"boom" not in data
    assert "R2" in caplog.text
    assert ask(front, "GET", "/open/x")[0] == 200


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, b"BadRequest"),
        (b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n", 400, b"BadRequest"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, b"RequestURITooLong"),
        (b"GET /open/x HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431, b"RequestHeader"),
        (b"GET /open/x HTTP/1.1\r\na: " + b"b" * 200_000, 431, b"RequestHeaderSectionTooLarge"),
        (b"GET /open/x HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n", 431, b"RequestHeader"),
        (b"PUT /open/x HTTP/1.1\r\ncontent-length: -5\r\n\r\n", 400, b"BadRequest"),
        (
            b"PUT /open/x HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n1\r\n",
            400,
            b"BadRequest",
        ),
        (b"PUT /open/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400, b"BadRequest"),
    ],
)
def test_malformed_requests(front: Running, data: bytes, status: int, code: bytes) -> None:
    answer = raw(front, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert code in answer
    assert ask(front, "GET", "/open/x")[0] == 200


def test_too_large_is_refused_unread(front: Running) -> None:
    front.app.limit = 2 * MB
    status, data, _ = ask(front, "PUT", "/open/x", bytes(3 * MB))
    assert status == 413
    assert b"RequestEntityTooLargeException" in data
    assert front.app.blobs.count == 0
    with pytest.raises(ClientError) as caught:
        s3(front).put_object(Bucket="b", Key="k", Body=bytes(3 * MB))
    assert caught.value.response["Error"]["Code"] == "EntityTooLarge"


def test_too_large_of_unknown_length_is_stopped(front: Running) -> None:
    front.app.limit = 2 * MB
    status, _, _ = ask(front, "PUT", "/open/x", iter([bytes(MB)] * 4))
    assert status == 413
    front.wait_idle()
    assert front.app.blobs.spools() == []


def test_slow_head_and_slow_body_are_cut(impatient: Running) -> None:
    assert b"408" in raw(impatient, b"GET / HTTP/1.1\r\nho")[:20]
    answer = raw(impatient, b"PUT /open/x HTTP/1.1\r\ncontent-length: 9\r\n\r\n123")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>RequestTimeout</Code>" in answer
    assert impatient.app.seen == []


def test_a_client_that_does_not_read_is_dropped(impatient: Running) -> None:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(10)
        s.connect(("127.0.0.1", impatient.port))
        s.sendall(b"GET /open/stream?900000000 HTTP/1.1\r\nhost: a\r\n\r\n")
        while impatient.server.connections or not impatient.app.seen:
            pass
    assert ask(impatient, "GET", "/open/x")[0] == 200


def test_a_client_that_leaves_mid_body_leaves_no_file(front: Running) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as s:
        s.sendall(b"PUT /open/x HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n" + bytes(4 * MB))
        while not front.app.blobs.spools():
            pass
    front.wait_idle()
    assert front.app.blobs.spools() == []
    assert front.app.seen == []


def test_connections_are_bounded(tmp_path: Path) -> None:
    running = Running(EchoApp(Blobs(tmp_path)), Limits(connections=2))
    try:
        held = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(2)]
        while len(running.server.connections) < 2:
            pass
        assert raw(running, b"GET /open/x HTTP/1.1\r\nhost: a\r\n\r\n")[:12] in (
            b"",
            b"HTTP/1.1 503",
        )
        for s in held:
            s.close()
        while running.server.connections:
            pass
        assert ask(running, "GET", "/open/x")[0] == 200
    finally:
        running.close()


def test_pipelined_requests_are_answered_in_order(front: Running) -> None:
    one = b"POST /open/%d HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
    last = b"GET /open/9 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = raw(front, b"".join(one % n for n in range(5)) + last)
    assert [r.path for r in front.app.seen] == [*(f"/open/{n}" for n in range(5)), "/open/9"]
    assert answer.count(b"HTTP/1.1 200 OK") == 6


def test_random_bytes_do_not_stop_the_server(front: Running) -> None:
    rng = random.Random(20)
    seed = (
        b"PUT /open/k?x=%20y HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\nExpect: 100-continue\r\n"
        b"Authorization: AWS4-HMAC-SHA256 Credential=a/20200101/r/s3/aws4_request, "
        b"SignedHeaders=host, Signature=00\r\nx-amz-date: 20200101T000000Z\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"
    )
    for _ in range(150):
        data = bytearray(seed)
        for _ in range(rng.randrange(1, 12)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        with socket.create_connection(("127.0.0.1", front.port), timeout=10) as s:
            s.sendall(bytes(data) if rng.random() < 0.8 else rng.randbytes(200))
    assert ask(front, "GET", "/open/x")[0] == 200
    assert not [f for f in front.app.faults if not hasattr(f, "code")]


# ---------------------------------------------------------------- connections


class Client:
    """A connection that is spoken to in bytes."""

    def __init__(self, front: Running) -> None:
        self.socket = socket.create_connection(("127.0.0.1", front.port), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> bytes:
        lines = [self.file.readline()]
        while lines[-1] not in (b"\r\n", b""):
            lines.append(self.file.readline())
        return b"".join(lines)

    def answer(self) -> tuple[bytes, bytes]:
        head = self.head()
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
        return head, self.file.read(size)


GET = b"GET /open/x HTTP/1.1\r\nhost: a\r\n\r\n"


def test_a_connection_is_kept_for_further_requests(front: Running) -> None:
    with Client(front) as client:
        for _ in range(3):
            client.send(GET)
            head, _ = client.answer()
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert b"connection" not in head


@pytest.mark.parametrize("how", [b"connection: close\r\n", b""])
def test_close_and_http_1_0_end_the_connection(front: Running, how: bytes) -> None:
    version = b"1" if how else b"0"
    answer = raw(front, b"GET /open/x HTTP/1." + version + b"\r\nhost: a\r\n" + how + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer


def test_a_request_in_single_bytes(front: Running) -> None:
    with Client(front) as client:
        for byte in b"PUT /open/x?y HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc":
            client.send(bytes([byte]))
        assert json.loads(client.answer()[1])["size"] == 3


def test_the_absolute_form_of_a_target(front: Running) -> None:
    answer = raw(front, b"GET http://a:1/open/x?q=1 HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert b'"path": "/open/x", "query": "q=1"' in answer


def test_another_protocol_is_not_taken_up(front: Running) -> None:
    upgrade = b"GET /open/1 HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    with Client(front) as client:
        client.send(upgrade + GET)
        assert client.answer()[0].startswith(b"HTTP/1.1 200 OK")
        assert client.answer()[0].startswith(b"HTTP/1.1 200 OK")


def test_a_body_that_came_with_the_head_needs_no_continue(front: Running) -> None:
    head = b"PUT /open/x HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
    with Client(front) as client:
        client.send(head + b"abc")
        assert client.answer()[0].startswith(b"HTTP/1.1 200 OK")


def test_a_quick_answer_does_not_overtake_a_slow_one(front: Running) -> None:
    front.loop.call_soon_threadsafe(front.app.gate.clear)
    with Client(front) as client:
        client.send(b"GET /open/later HTTP/1.1\r\nhost: a\r\n\r\n" + GET)
        while front.server.busy != 2:
            pass
        front.loop.call_soon_threadsafe(front.app.gate.set)
        assert b'"path": "/open/later"' in client.answer()[1]
        assert b'"path": "/open/x"' in client.answer()[1]


def test_a_client_that_leaves_cancels_what_waits(front: Running) -> None:
    with Client(front) as client:
        client.send(b"GET /open/later/never HTTP/1.1\r\nhost: a\r\n\r\n")
        while not front.server.busy:
            pass
    front.wait_idle()
    assert front.app.cancelled == 1
    assert front.app.seen == []


def test_reading_pauses_while_many_requests_wait(tmp_path: Path) -> None:
    running = Running(EchoApp(Blobs(tmp_path)), Limits(pipeline=4))
    try:
        running.loop.call_soon_threadsafe(running.app.gate.clear)
        with Client(running) as client:
            client.send(b"GET /open/later HTTP/1.1\r\nhost: a\r\n\r\n")
            for _ in range(20):
                client.send(GET)
            while running.server.busy < 5:
                pass
            running.loop.call_soon_threadsafe(running.app.gate.set)
            answers = [client.answer()[0] for _ in range(21)]
            assert all(head.startswith(b"HTTP/1.1 200 OK") for head in answers)
    finally:
        running.close()


def test_what_cannot_be_understood_does_not_cost_the_answer_before_it(front: Running) -> None:
    answer = raw(front, b"GET /open/x HTTP/1.1\r\nhost: a\r\n\r\nNONSENSE\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


def test_stopping_lets_answers_out_and_takes_no_more(front: Running) -> None:
    front.loop.call_soon_threadsafe(front.app.gate.clear)
    with Client(front) as client, Client(front) as idle:
        client.send(b"GET /open/later HTTP/1.1\r\nhost: a\r\n\r\n")
        while not front.server.busy:
            pass
        front.loop.call_soon_threadsafe(front._stop.set)
        assert idle.file.read() == b""
        front.loop.call_soon_threadsafe(front.app.gate.set)
        head, _ = client.answer()
        assert b"\r\nconnection: close\r\n" in head
        assert client.file.read() == b""


def test_stopping_ends_what_does_not_end(tmp_path: Path) -> None:
    running = Running(EchoApp(Blobs(tmp_path)), Limits(grace=0.01))
    with Client(running) as client:
        client.send(b"GET /open/later/never HTTP/1.1\r\nhost: a\r\n\r\n")
        while not running.server.busy:
            pass
        running.close()
    assert running.app.cancelled == 1


def test_a_stream_of_unknown_length_is_chunked_for_who_can_read_it(front: Running) -> None:
    status, data, headers = ask(front, "GET", "/open/stream?70000&unknown")
    assert (status, len(data), headers["transfer-encoding"]) == (200, 70_000, "chunked")
    old = raw(front, b"GET /open/stream?70000&unknown HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in old
    assert len(old.partition(b"\r\n\r\n")[2]) == 70_000


def test_a_stream_that_is_too_short_breaks_the_connection(
    front: Running, caplog: pytest.LogCaptureFixture
) -> None:
    got = raw(front, b"GET /open/stream?10&announced=20 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert len(got.partition(b"\r\n\r\n")[2]) < 20
    assert "shorter than announced" in caplog.text


def test_a_value_cannot_begin_a_header_of_its_own(front: Running) -> None:
    _, _, headers = ask(front, "GET", "/open/header?a%0d%0aset-cookie:%20b")
    assert "set-cookie" not in headers
    assert headers["x-sent"].startswith("a")
