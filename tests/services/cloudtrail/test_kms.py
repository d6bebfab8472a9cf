"""Log files under a KMS key, which must let CloudTrail use it for this trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.services.cloudtrail.support import (
    ACCOUNT,
    ARN,
    BUCKET,
    logs,
    make_trail,
    refusal,
)

from mesocosm.services.cloudtrail.control import delivery
from mesocosm.testing.local import LocalCloud

OWNER = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
FOR_TRAIL = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "kms:GenerateDataKey*",
    "Resource": "*",
    "Condition": {
        "StringEquals": {"aws:SourceArn": ARN},
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:*:trail/*"},
    },
}  # fmt: skip


def test_log_files_are_encrypted_under_the_trails_key(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    make_trail(trail, s3)
    assert refusal(trail.update_trail, Name="main", KmsKeyId=key) == (
        "InsufficientEncryptionPolicyException",
        f"Insufficient permissions to access S3 bucket {BUCKET} or KMS key {key}.",
    )
    assert refusal(trail.update_trail, Name="main", KmsKeyId="alias/none")[0] == (
        "KmsKeyNotFoundException"
    )
    text = json.dumps({"Version": "2012-10-17", "Statement": [OWNER, FOR_TRAIL]})
    kms.put_key_policy(KeyId=key, Policy=text)
    assert trail.update_trail(Name="main", KmsKeyId=key)["KmsKeyId"] == key
    assert trail.get_trail(Name="main")["Trail"]["KmsKeyId"] == key
    client("iam").create_user(UserName="ana")
    cloud.advance(301)
    (name,) = logs(s3)
    assert s3.head_object(Bucket=BUCKET, Key=name)["SSEKMSKeyId"] == key
    events = [one["eventName"] for found in logs(s3).values() for one in found]
    assert "CreateUser" in events
    kms.disable_key(KeyId=key)
    assert refusal(s3.get_object, Bucket=BUCKET, Key=name)[0] == "KMS.DisabledException"
    cloud.advance(301)
    assert "LatestDeliveryError" in trail.get_trail_status(Name="main")
    kms.enable_key(KeyId=key)
    cloud.advance(delivery.RETRY_SECONDS)
    assert "LatestDeliveryError" not in trail.get_trail_status(Name="main")
    assert len(logs(s3)) > 1
