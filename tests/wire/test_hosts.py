from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.wire.hosts import PLAIN, Host, parse


@pytest.mark.parametrize(
    ("host", "meaning"),
    [
        ("localhost", PLAIN),
        ("localhost:4566", PLAIN),
        ("127.0.0.1:4566", PLAIN),
        ("[::1]:4566", PLAIN),
        ("mesocosm", PLAIN),
        ("", PLAIN),
        ("s3.localhost:4566", Host("service", "s3")),
        ("s3.amazonaws.com", Host("service", "s3")),
        ("s3.eu-west-1.amazonaws.com", Host("service", "s3", "eu-west-1")),
        ("s3-eu-west-1.amazonaws.com", Host("service", "s3", "eu-west-1")),
        ("photos.s3.localhost:4566", Host("bucket", "s3", "", "photos")),
        ("my.photos.s3.localhost", Host("bucket", "s3", "", "my.photos")),
        ("photos.s3.eu-west-1.localhost", Host("bucket", "s3", "eu-west-1", "photos")),
        ("photos.s3.us-gov-west-1.amazonaws.com", Host("bucket", "s3", "us-gov-west-1", "photos")),
        ("Photos.S3.Amazonaws.com.", Host("bucket", "s3", "", "photos")),
        ("a.s3.dualstack.eu-west-1.amazonaws.com", Host("bucket", "s3", "eu-west-1", "a")),
        ("a.s3-accelerate.amazonaws.com", Host("bucket", "s3", "", "a")),
        ("a.s3-website.eu-west-1.localhost", Host("website", "s3", "eu-west-1", "a")),
        ("a.b.s3-website-us-east-1.amazonaws.com", Host("website", "s3", "us-east-1", "a.b")),
        ("a.s3-website.localhost", Host("website", "s3", "", "a")),
        ("photos.localhost:4566", Host("bucket", "s3", "", "photos")),
        ("my.photos.localhost", Host("bucket", "s3", "", "my.photos")),
        ("sqs.localhost:4566", Host("service", "sqs")),
        ("runtime.lex.localhost", Host("service", "runtime.lex")),
        ("123456789012.localhost:4566", PLAIN),
        (
            "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
            Host("access-point", "s3", "eu-west-1", "ap", "123456789012"),
        ),
        (
            "123456789012.s3-control.eu-west-1.amazonaws.com",
            Host("service", "s3-control", "eu-west-1", "", "123456789012"),
        ),
        ("sqs.eu-west-1.amazonaws.com", Host("service", "sqs", "eu-west-1")),
        ("sqs.eu-west-1.localhost:4566", Host("service", "sqs", "eu-west-1")),
        ("iam.amazonaws.com", Host("service", "iam")),
        ("runtime.lex.eu-west-1.amazonaws.com", Host("service", "runtime.lex", "eu-west-1")),
        (
            "abc123.execute-api.eu-west-1.localhost",
            Host("resource", "execute-api", "eu-west-1", "abc123"),
        ),
        ("u.lambda-url.eu-west-1.on.aws", Host("resource", "lambda-url", "eu-west-1", "u")),
    ],
)
def test_meanings(host: str, meaning: Host) -> None:
    assert parse(host) == meaning


def test_own_domains() -> None:
    assert parse("a.s3.cloud.test", ("cloud.test",)) == Host("bucket", "s3", "", "a")
    assert parse("a.s3.cloud.test") == PLAIN


@given(st.text(max_size=60))
def test_never_fails(host: str) -> None:
    parse(host)
    parse(f"{host}.s3.localhost")
