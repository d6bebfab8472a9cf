"""The unmodified AWS CLI and Firehose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud

pytestmark = pytest.mark.needs("aws")

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "firehose.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


def test_a_record_arrives_in_a_bucket_by_the_cli(
    cloud: LocalCloud, aws: Callable[..., Any]
) -> None:
    role = aws(
        "iam", "create-role", "--role-name", "w", "--assume-role-policy-document", json.dumps(TRUST)
    )["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allow})
    name = ("--role-name", "w", "--policy-name", "p")
    aws("iam", "put-role-policy", *name, "--policy-document", document)
    aws("s3api", "create-bucket", "--bucket", "lake")
    destination = f"RoleARN={role},BucketARN=arn:aws:s3:::lake,CompressionFormat=GZIP"
    stream = ("--delivery-stream-name", "clicks")
    configuration = ("--extended-s3-destination-configuration", destination)
    made = aws("firehose", "create-delivery-stream", *stream, *configuration)
    assert made["DeliveryStreamARN"].endswith(":deliverystream/clicks")
    cloud.advance(10)
    record = ("--record", '{"Data":"aGVsbG8K"}')
    assert aws("firehose", "put-record", *stream, *record)["Encrypted"] is False
    cloud.advance(301)
    (found,) = aws("s3api", "list-objects-v2", "--bucket", "lake")["Contents"]
    assert found["Key"].endswith(".gz")
    error = aws("firehose", "put-record", "--delivery-stream-name", "absent", *record)
    assert "(ResourceNotFoundException)" in error
