"""Clients that know no SDK: presigned URLs and forms over plain HTTP, buckets as host names."""

from __future__ import annotations

import http.client
import io
import urllib.parse
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.clients.papers import document

from mesocosm.testing.local import LocalCloud

ACCOUNT = "111111111111"
BUCKET = "pictures"

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def ask(cloud: LocalCloud) -> Ask:
    """Send one request to the cloud as it is, whatever host its URL names."""

    def send(
        method: str, url: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": parts.netloc, **named})
        answer = connection.getresponse()
        read = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return read

    return send


@pytest.fixture
def key(client: Callable[..., Any]) -> dict[str, str]:
    """The key of a user who may do everything with S3; its account has a bucket."""
    iam = client("iam", account=ACCOUNT)
    iam.create_user(UserName="ana")
    may = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    iam.put_user_policy(UserName="ana", PolicyName="may", PolicyDocument=may)
    client("s3", account=ACCOUNT).create_bucket(Bucket=BUCKET)
    made: dict[str, str] = iam.create_access_key(UserName="ana")["AccessKey"]
    return made


def signer(key: dict[str, str], endpoint: str | None, style: str, version: str = "s3v4") -> Any:
    """A client that only signs."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(signature_version=version, s3={"addressing_style": style}),
    )


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize(
    ("endpoint", "style"),
    [
        (None, "virtual"),  # pictures.s3.amazonaws.com
        (None, "path"),
        ("http://localhost", "virtual"),  # pictures.localhost
        ("http://127.0.0.1", "path"),
    ],
)
def test_presigned_urls_in_every_address(
    cloud: LocalCloud,
    ask: Ask,
    key: dict[str, str],
    endpoint: str | None,
    style: str,
    version: str,
) -> None:
    s3 = signer(key, endpoint and f"{endpoint}:{cloud.port}", style, version)
    where = {"Bucket": BUCKET, "Key": "a b/ü+.txt"}

    def presign(operation: str, **more: str) -> str:
        url: str = s3.generate_presigned_url(operation, {**where, **more}, ExpiresIn=60)
        return url

    put = presign("put_object", ContentType="text/plain")
    status, headers, body = ask("PUT", put, b"hello", Content_Type="text/plain")
    assert (status, body) == (200, b"")
    status, headers, body = ask("GET", presign("get_object"))
    assert (status, body, headers["content-type"]) == (200, b"hello", "text/plain")
    status, headers, body = ask("GET", presign("get_object"), Range="bytes=1-2")
    assert (status, body, headers["content-range"]) == (206, b"el", "bytes 1-2/5")
    name = presign("get_object", ResponseContentDisposition='attachment; filename="x"')
    assert ask("GET", name)[1]["content-disposition"] == 'attachment; filename="x"'
    status, headers, body = ask("HEAD", presign("head_object"))
    assert (status, headers["content-length"], body) == (200, "5", b"")
    status, _, body = ask("PUT", presign("get_object"), b"x")  # signed for another method
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body
    assert ask("DELETE", presign("delete_object"))[0] == 204
    assert b"<Code>NoSuchKey</Code>" in ask("GET", presign("get_object"))[2]
    s3.close()


def test_a_form_with_a_policy(cloud: LocalCloud, ask: Ask, key: dict[str, str]) -> None:
    s3 = signer(key, cloud.endpoint, "path")
    form = s3.generate_presigned_post(
        BUCKET,
        "up/${filename}",
        Fields={"success_action_status": "201", "x-amz-meta-a": "1"},
        Conditions=[
            ["starts-with", "$key", "up/"],
            ["content-length-range", 1, 10],
            {"success_action_status": "201"},
            {"x-amz-meta-a": "1"},
        ],
    )

    def post(content: bytes, **changed: str) -> tuple[int, dict[str, str], bytes]:
        body = io.BytesIO()
        for name, value in {**form["fields"], **changed}.items():
            field = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            body.write(field.encode())
        name = 'Content-Disposition: form-data; name="file"; filename="cat.jpg"'
        body.write(f"--x\r\n{name}\r\nContent-Type: image/jpeg\r\n\r\n".encode())
        body.write(content + b"\r\n--x--\r\n")
        kind = "multipart/form-data; boundary=x"
        return ask("POST", form["url"], body.getvalue(), Content_Type=kind)

    status, _, body = post(b"meow")
    assert status == 201
    assert b"<Key>up/cat.jpg</Key>" in body
    found = s3.get_object(Bucket=BUCKET, Key="up/cat.jpg")
    assert (found["Body"].read(), found["Metadata"]) == (b"meow", {"a": "1"})
    status, _, body = post(b"much too long")
    assert status == 400
    assert b"<Code>EntityTooLarge</Code>" in body
    status, _, body = post(b"meow", key="elsewhere")
    assert status == 403
    assert b"Policy Condition failed" in body
    s3.close()


def test_a_bucket_for_everyone_by_its_host_name(
    cloud: LocalCloud, ask: Ask, client: Callable[..., Any], key: dict[str, str]
) -> None:
    s3 = client("s3", account=ACCOUNT)
    s3.delete_public_access_block(Bucket=BUCKET)
    all_of_it = f"arn:aws:s3:::{BUCKET}/*"
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": all_of_it}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=document(public))
    s3.put_object(Bucket=BUCKET, Key="cat", Body=b"meow")
    for host in (
        f"{BUCKET}.s3.amazonaws.com",
        f"{BUCKET}.s3.us-east-1.amazonaws.com",
        f"{BUCKET}.s3.localhost:{cloud.port}",
        f"{BUCKET}.localhost:{cloud.port}",
    ):
        assert ask("GET", f"http://{host}/cat")[2] == b"meow", host
    assert ask("GET", f"http://127.0.0.1/{BUCKET}/cat")[2] == b"meow"
    status, _, body = ask("GET", f"http://{BUCKET}.s3.amazonaws.com/dog")
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)  # no right to list
    status, _, body = ask("GET", "http://none-there.s3.amazonaws.com/cat")
    assert (status, b"<Code>NoSuchBucket</Code>" in body) == (404, True)


def test_other_services_where_the_host_looks_like_a_buckets(cloud: LocalCloud, ask: Ask) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    status, _, body = ask(
        "POST",
        f"http://cloud.localhost:{cloud.port}/",
        body,
        Content_Type="application/x-www-form-urlencoded",
        Authorization=(
            f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/sts/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
        ),
        X_Amz_Date="20260101T000000Z",
    )
    assert status in (200, 403)
    assert b"https://sts.amazonaws.com/doc/2011-06-15/" in body
