"""A client, a bucket, and plain HTTP for what boto3 does not send."""

from __future__ import annotations

import http.client
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def client(client):
    """As everywhere; bodies that a test does not read are closed after it."""
    bodies = []

    def note(parsed, **_):
        if "Body" in parsed:
            bodies.append(parsed["Body"])

    def make(service, **options):
        made = client(service, **options)
        made.meta.events.register("after-call.s3.GetObject", note)
        return made

    yield make
    for body in bodies:
        body.close()


@pytest.fixture
def s3(client):
    """The default account in us-east-1."""
    return client("s3")


@pytest.fixture
def bucket(s3):
    """An empty bucket of the default account."""
    s3.create_bucket(Bucket="a-bucket")
    return "a-bucket"


@pytest.fixture
def versioned(s3, bucket):
    """The same with versioning."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def raw(cloud):
    """`raw(method, path, body, host=..., **headers)`: the answer to an unsigned request."""

    def send(method, path, body=b"", host="localhost", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers={"Host": host, **named})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    return send


class Refusal:
    """What a refused call said."""

    code = ""
    message = ""
    status = 0
    error: dict = {}  # noqa: RUF012
    headers: dict = {}  # noqa: RUF012


@pytest.fixture
def refused():
    """`with refused("NoSuchKey", 404) as refusal:` the call inside is refused so."""

    @contextmanager
    def check(code, status=None):
        refusal = Refusal()
        with pytest.raises(ClientError) as caught:
            yield refusal
        answer = caught.value.response
        refusal.error = answer["Error"]
        refusal.code, refusal.message = answer["Error"]["Code"], answer["Error"].get("Message", "")
        refusal.status = answer["ResponseMetadata"]["HTTPStatusCode"]
        refusal.headers = answer["ResponseMetadata"]["HTTPHeaders"]
        assert refusal.code == code, answer
        if status is not None:
            assert refusal.status == status, answer

    return check
