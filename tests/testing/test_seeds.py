"""A seed: two clouds of one seed that are asked the same give the same ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


def story(cloud: LocalCloud, pause: float) -> list[Any]:
    """Calls of several services, and every id in their answers. `pause`: seconds between some of
    them, in which timers run, and services measure.
    """
    sqs, s3, iam = (cloud.client(name) for name in ("sqs", "s3", "iam"))
    told: list[Any] = []
    brief = {"MessageRetentionPeriod": "60"}
    url = sqs.create_queue(QueueName="brief", Attributes=brief)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="gone when a timer runs")
    for name in ("q", "q.fifo"):
        fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if "." in name else {}
        url = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
        group = {"MessageGroupId": "g"} if fifo else {}
        for body in ("a", "b"):
            answer = sqs.send_message(QueueUrl=url, MessageBody=body, **group)
            told += [answer["MessageId"], answer.get("SequenceNumber")]
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
            told += [message["MessageId"], message["ReceiptHandle"]]
        if pause:
            cloud.advance(pause)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        told.append(s3.put_object(Bucket="bucket", Key="k", Body=body)["VersionId"])
    told.append(s3.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"])
    told.append(s3.delete_object(Bucket="bucket", Key="k")["VersionId"])
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]
    told += [role["RoleId"], iam.create_user(UserName="u")["User"]["UserId"]]
    key = iam.create_access_key(UserName="u")["AccessKey"]
    told += [key["AccessKeyId"], key["SecretAccessKey"]]
    held = cloud.client("sts", credentials=key).get_session_token()
    told += [held["Credentials"]["AccessKeyId"], held["Credentials"]["SessionToken"]]
    told.append(held["ResponseMetadata"]["RequestId"])
    return told


@pytest.fixture
def telling(tmp_path: Path) -> Any:
    """`telling(seed)`: what a new cloud of that seed tells, opened some time later each time."""
    opened: list[LocalCloud] = []

    def tell(seed: int) -> list[Any]:
        cloud = LocalCloud(directory=tmp_path / str(len(opened)), seed=seed)
        opened.append(cloud)
        cloud.advance(1000.5 * len(opened))
        return story(cloud, 400.0 * (len(opened) - 1))

    yield tell
    for cloud in opened:
        cloud.close()


def test_one_seed_gives_the_same_ids(telling: Any) -> None:
    first = telling(7)
    assert telling(7) == first
    assert telling(8)[0] != first[0]
