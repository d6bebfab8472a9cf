"""Replication of objects under KMS: by rules that say so, with the role's permission for both
keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

ROLE = "arn:aws:iam::000000000000:role/copier"
KMS = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}


def policy(*actions: str, **more: Any) -> str:
    """A policy of one statement."""
    statement = {"Effect": "Allow", "Action": list(actions), **(more or {"Resource": "*"})}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def keys(client: Callable[..., Any]) -> tuple[str, str]:
    """The ARNs of a key here and of one there."""
    regions = ("us-east-1", "eu-west-1")
    here, there = (
        client("kms", region=region).create_key()["KeyMetadata"]["Arn"] for region in regions
    )
    return here, there


@pytest.fixture
def put(client: Callable[..., Any], keys: tuple[str, str]) -> Callable[..., None]:
    """`put(actions, **rule)`: put an object under KMS with a rule that copies it."""
    iam, s3, there = client("iam"), client("s3"), client("s3", region="eu-west-1")
    trust = policy("sts:AssumeRole", Principal={"Service": "s3.amazonaws.com"})
    iam.create_role(RoleName="copier", AssumeRolePolicyDocument=trust)
    s3.create_bucket(Bucket="source")
    place = {"LocationConstraint": "eu-west-1"}
    there.create_bucket(Bucket="target", CreateBucketConfiguration=place)
    for one, name in ((s3, "source"), (there, "target")):
        one.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def run(actions: list[str], **rule: Any) -> None:
        iam.put_role_policy(RoleName="copier", PolicyName="p", PolicyDocument=policy(*actions))
        destination: dict[str, Any] = {"Bucket": "arn:aws:s3:::target"}
        if rule:
            destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": keys[1]}
        given = {
            "ID": "r",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": destination,
            **rule,
        }
        s3.put_bucket_replication(
            Bucket="source", ReplicationConfiguration={"Role": ROLE, "Rules": [given]}
        )
        s3.put_object(
            Bucket="source",
            Key="k",
            Body=b"text",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=keys[0],
        )

    return run


def status(client: Callable[..., Any]) -> str | None:
    """The replication status of the object."""
    found: str | None = client("s3").head_object(Bucket="source", Key="k").get("ReplicationStatus")
    return found


def test_a_replica_is_under_the_key_of_the_rule(
    client: Callable[..., Any], put: Callable[..., None], keys: tuple[str, str], cloud: LocalCloud
) -> None:
    put(["s3:*", "kms:Decrypt", "kms:GenerateDataKey"], **KMS)
    cloud.advance(60)
    assert status(client) == "COMPLETED"
    there = client("s3", region="eu-west-1")
    client("kms").disable_key(KeyId=keys[0])
    found = there.get_object(Bucket="target", Key="k")
    assert found["Body"].read() == b"text"
    assert found["SSEKMSKeyId"] == keys[1]


def test_the_role_needs_both_keys(
    client: Callable[..., Any], put: Callable[..., None], cloud: LocalCloud
) -> None:
    for actions in (["s3:*", "kms:Decrypt"], ["s3:*", "kms:GenerateDataKey"]):
        put(actions, **KMS)
        cloud.advance(60)
        assert status(client) == "FAILED"
    there = client("s3", region="eu-west-1")
    with pytest.raises(ClientError, match="NoSuchKey"):
        there.get_object(Bucket="target", Key="k")


def test_a_rule_that_says_nothing_of_kms_copies_none_of_it(
    client: Callable[..., Any], put: Callable[..., None], cloud: LocalCloud
) -> None:
    put(["s3:*", "kms:*"])
    cloud.advance(60)
    assert status(client) is None
