"""What the tests of Firehose share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

ACCOUNT = "000000000000"
ARN = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/clicks"


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def document(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Stand:
    """A bucket, a role that may write to it, and streams that deliver there."""

    def __init__(self, cloud: LocalCloud, client: Callable[..., Any]) -> None:
        self.cloud = cloud
        self.firehose = client("firehose")
        self.s3 = client("s3")
        self.iam = client("iam")
        self.s3.create_bucket(Bucket="lake")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "firehose.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": ACCOUNT}},
        }
        role = self.iam.create_role(RoleName="writer", AssumeRolePolicyDocument=document(trust))
        self.role: str = role["Role"]["Arn"]
        self.allow("arn:aws:s3:::lake/*")

    def allow(self, resource: str) -> None:
        """Let the role write there."""
        statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource}
        self.iam.put_role_policy(
            RoleName="writer", PolicyName="p", PolicyDocument=document(statement)
        )

    def destination(self, **more: Any) -> dict[str, Any]:
        """An ExtendedS3DestinationConfiguration."""
        return {"RoleARN": self.role, "BucketARN": "arn:aws:s3:::lake", **more}

    def create(self, name: str = "clicks", **more: Any) -> None:
        """A stream, active."""
        self.firehose.create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=self.destination(**more)
        )
        self.cloud.advance(10)

    def put(self, *records: str | bytes, name: str = "clicks") -> None:
        """Put records in one batch."""
        given = [{"Data": one.encode() if isinstance(one, str) else one} for one in records]
        self.firehose.put_record_batch(DeliveryStreamName=name, Records=given)

    def objects(self, bucket: str = "lake", prefix: str = "") -> dict[str, bytes]:
        """Everything in a bucket."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {
            one["Key"]: self.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            for one in listed
        }

    def deliver(self, seconds: float = 301) -> dict[str, bytes]:
        """Let the buffering interval pass; what is in the bucket then."""
        self.cloud.advance(seconds)
        return self.objects()

    def described(self, name: str = "clicks") -> dict[str, Any]:
        """A stream as it is shown."""
        found: dict[str, Any] = self.firehose.describe_delivery_stream(DeliveryStreamName=name)
        shown: dict[str, Any] = found["DeliveryStreamDescription"]
        return shown
