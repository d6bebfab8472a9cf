"""What the tests of CloudTrail share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
BUCKET = "the-trail-bucket"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


def refusal(function: Callable[..., Any], **members: Any) -> tuple[str, str]:
    """Code and message of the error that a call answers."""
    with pytest.raises(ClientError) as caught:
        function(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def policy(bucket: str = BUCKET, *, arn: str = ARN, prefix: str = "") -> str:
    """The bucket policy of the CloudTrail user guide."""
    condition = {"StringEquals": {"aws:SourceArn": arn}}
    service = {"Service": "cloudtrail.amazonaws.com"}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AWSCloudTrailAclCheck20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:GetBucketAcl",
                    "Resource": f"arn:aws:s3:::{bucket}",
                    "Condition": condition,
                },
                {
                    "Sid": "AWSCloudTrailWrite20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/*",
                    "Condition": {
                        "StringEquals": {
                            "s3:x-amz-acl": "bucket-owner-full-control",
                            "aws:SourceArn": arn,
                        }
                    },
                },
            ],
        }
    )


def make_bucket(s3: Any, bucket: str = BUCKET, **options: Any) -> None:
    """A bucket that takes the files of the trail `main`."""
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, **options))


def make_trail(trail: Any, s3: Any, name: str = "main", **options: Any) -> None:
    """A trail that logs."""
    make_bucket(s3)
    trail.create_trail(Name=name, S3BucketName=BUCKET, **options)
    trail.start_logging(Name=name)


def logs(s3: Any, bucket: str = BUCKET) -> dict[str, list[dict[str, Any]]]:
    """The log files in a bucket: key to events."""
    found = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith(".json.gz") and "/CloudTrail/" in item["Key"]:
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                found[item["Key"]] = json.loads(gzip.decompress(body))["Records"]
    return found


def delivered(s3: Any, bucket: str = BUCKET) -> list[dict[str, Any]]:
    """All events delivered to a bucket."""
    return [event for events in logs(s3, bucket).values() for event in events]


def lookup(trail: Any, name: str = "", **options: Any) -> list[dict[str, Any]]:
    """The events of a name (or all), newest first, as CloudTrail's records."""
    if name:
        options["LookupAttributes"] = [{"AttributeKey": "EventName", "AttributeValue": name}]
    pages = trail.get_paginator("lookup_events").paginate(**options)
    return [json.loads(one["CloudTrailEvent"]) for page in pages for one in page["Events"]]
