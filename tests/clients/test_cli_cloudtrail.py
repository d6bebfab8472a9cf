"""The unmodified AWS CLI and CloudTrail: `validate-logs` is the judge of log files and digests."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudtrail.support import ARN, BUCKET, lookup, make_trail

from mesocosm.call.moments import iso
from mesocosm.testing.local import LocalCloud

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def aws(cloud: LocalCloud, aws_cli: str) -> Cli:
    """The AWS CLI with its endpoint from the environment, as users set it."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": cloud.endpoint,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [aws_cli, "cloudtrail", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def keys(s3: Any, kind: str) -> list[str]:
    """The keys of log files or digests, oldest first."""
    found = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [one["Key"] for one in found if f"/{kind}/" in one["Key"] and one["Size"]]


@pytest.mark.needs("aws")
def test_validate_logs_accepts_what_was_delivered_and_nothing_else(
    aws: Cli, cloud: LocalCloud
) -> None:
    s3, iam = cloud.client("s3"), cloud.client("iam")
    started = cloud.world.clock.now()
    make_trail(cloud.client("cloudtrail"), s3, EnableLogFileValidation=True)
    for number in range(4):
        iam.create_user(UserName=f"u{number}")
        cloud.advance(3_600)

    def validate() -> subprocess.CompletedProcess[str]:
        return aws(
            "validate-logs",
            "--trail-arn",
            ARN,
            "--start-time",
            iso(started),
            "--end-time",
            iso(cloud.world.clock.now()),
            "--verbose",
        )

    cloud.snapshot("delivered")
    good = validate()
    assert good.returncode == 0, good.stderr
    assert "4/4 digest files valid" in good.stdout
    assert "4/4 log files valid" in good.stdout

    log = keys(s3, "CloudTrail")[1]
    records = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=log)["Body"].read())
    s3.put_object(Bucket=BUCKET, Key=log, Body=gzip.compress(records.replace(b"u1", b"u9")))
    bad = validate()
    assert bad.returncode == 1
    assert "3/4 log files valid, 1/4 log files INVALID" in bad.stdout
    assert "hash value doesn't match" in bad.stderr
    s3.delete_object(Bucket=BUCKET, Key=log)
    assert f"Log file\ts3://{BUCKET}/{log}\tINVALID: not found" in validate().stderr

    cloud.rewind("delivered")
    digest = keys(s3, "CloudTrail-Digest")[1]
    kept = s3.get_object(Bucket=BUCKET, Key=digest)
    content = json.loads(gzip.decompress(kept["Body"].read()))
    content["logFiles"] = []
    s3.put_object(
        Bucket=BUCKET,
        Key=digest,
        Body=gzip.compress(json.dumps(content).encode()),
        Metadata=kept["Metadata"],
    )
    forged = validate()
    assert forged.returncode == 1
    assert "INVALID: signature verification failed" in forged.stderr
    s3.delete_object(Bucket=BUCKET, Key=digest)
    missing = validate()
    assert missing.returncode == 1
    assert f"Digest file\ts3://{BUCKET}/{digest}\tINVALID: not found" in missing.stderr


@pytest.mark.needs("aws")
def test_the_history_by_the_cli(aws: Cli, cloud: LocalCloud) -> None:
    cloud.client("iam").create_user(UserName="ana")
    shown = aws(
        "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=CreateUser"
    )
    (event,) = json.loads(shown.stdout)["Events"]
    assert event["Username"] == "root"
    (same,) = lookup(cloud.client("cloudtrail"), "CreateUser")
    assert json.loads(event["CloudTrailEvent"]) == same
