"""Events in a log group: who must allow it, that each comes once, and what a refusal does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.services.cloudtrail.support import (
    ACCOUNT,
    ARN,
    BUCKET,
    delivered,
    lookup,
    make_bucket,
    make_trail,
    policy,
    refusal,
)
from tests.services.cloudtrail.test_organization import member as make_account

from mesocosm.call.moments import iso
from mesocosm.services.cloudtrail.control import delivery, feeding
from mesocosm.testing.local import LocalCloud

GROUP = "CloudTrail/logs"
GROUP_ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}:*"
STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/to-logs"
TO_LOGS = {"CloudWatchLogsLogGroupArn": GROUP_ARN, "CloudWatchLogsRoleArn": ROLE}
DENIED = (
    "InvalidCloudWatchLogsLogGroupArnException",
    "Access denied. Check the permissions for your role.",
)
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceArn": ARN}},
    },
}


def allow(iam: Any, *actions: str) -> None:
    """The role's policy, as of the CloudTrail user guide."""
    arn = f"{GROUP_ARN.removesuffix(':*')}:log-stream:{STREAM}*"
    statement = {"Effect": "Allow", "Action": actions, "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName="to-logs", PolicyName="logs", PolicyDocument=text)


def make_role(iam: Any) -> None:
    iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=json.dumps(TRUST))
    allow(iam, "logs:CreateLogStream", "logs:PutLogEvents")


def events(logs: Any, stream: str = STREAM) -> list[dict[str, Any]]:
    """The records in a stream, whose log events have the times of the events."""
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNames=[stream]
    )
    return [json.loads(one["message"]) for page in pages for one in page["events"]]


def users(found: list[dict[str, Any]]) -> list[str]:
    return [
        one["requestParameters"]["userName"] for one in found if one["eventName"] == "CreateUser"
    ]


@pytest.fixture
def iam(client: Callable[..., Any]) -> Any:
    found = client("iam")
    make_role(found)
    return found


@pytest.fixture
def logs(client: Callable[..., Any]) -> Any:
    found = client("logs")
    found.create_log_group(logGroupName=GROUP)
    return found


def test_events_come_to_the_log_group_once_each(
    iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, **TO_LOGS)
    shown = trail.describe_trails()["trailList"][0]
    assert {name: shown[name] for name in TO_LOGS} == TO_LOGS
    iam.create_user(UserName="ana")
    assert events(logs) == []
    cloud.advance(301)
    found = events(logs)
    assert users(found) == ["ana"]
    assert [one for one in found if one["eventName"] == "CreateUser"] == lookup(trail, "CreateUser")
    first = logs.get_log_events(logGroupName=GROUP, logStreamName=STREAM, startFromHead=True)
    one = json.loads(first["events"][0]["message"])
    assert one in lookup(trail)
    iam.create_user(UserName="bob")
    cloud.advance(900)
    found = events(logs)
    assert users(found) == ["ana", "bob"]
    assert len({one["eventID"] for one in found}) == len(found)
    assert {one["eventID"] for one in delivered(s3)} == {one["eventID"] for one in found}
    (assumed,) = [
        one["userIdentity"]["invokedBy"]
        for one in found
        if one["eventName"] == "AssumeRole" and "errorCode" not in one
    ][:1]
    assert assumed == "cloudtrail.amazonaws.com"
    status = trail.get_trail_status(Name="main")
    assert status["LatestCloudWatchLogsDeliveryTime"] > status["StartLoggingTime"]
    assert "LatestCloudWatchLogsDeliveryError" not in status


def test_deliveries_do_not_feed_on_themselves(
    iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    both = json.dumps(TRUST).replace('"StringEquals"', '"StringLike"').replace("/main", "/*")
    iam.update_assume_role_policy(RoleName="to-logs", PolicyDocument=both)
    make_trail(trail, s3, **TO_LOGS)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy().replace("trail/main", "trail/other"))
    trail.create_trail(Name="other", S3BucketName=BUCKET, **TO_LOGS)
    trail.start_logging(Name="other")
    cloud.advance(1200)
    start = iso(cloud.now())
    cloud.advance(6 * 3600)
    end = iso(cloud.now())
    iam.create_user(UserName="ana")
    cloud.advance(301)
    found = events(logs)
    assert users(found) == ["ana", "ana"]
    assert "AssumeRole" in [one["eventName"] for one in found]
    assert [one for one in found if start < one["eventTime"] < end] == []


def test_what_must_be_there_and_allowed(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_bucket(s3)
    iam, logs = client("iam"), client("logs")
    create = {"Name": "main", "S3BucketName": BUCKET}
    assert refusal(trail.create_trail, **create, CloudWatchLogsLogGroupArn=GROUP_ARN) == (
        "InvalidCloudWatchLogsRoleArnException",
        "You must specify a role ARN as well as a log group.",
    )
    assert refusal(trail.create_trail, **create, CloudWatchLogsRoleArn=ROLE)[0] == (
        "InvalidCloudWatchLogsLogGroupArnException"
    )
    trust = (
        "InvalidCloudWatchLogsRoleArnException",
        "Access denied. Check the trust relationships for your role.",
    )
    assert refusal(trail.create_trail, **create, **TO_LOGS) == trust
    make_role(iam)
    unknown = (
        "InvalidCloudWatchLogsLogGroupArnException",
        "CloudTrail cannot validate the specified log group ARN.",
    )
    assert refusal(trail.create_trail, **create, **TO_LOGS) == unknown
    logs.create_log_group(logGroupName=GROUP)
    for arn in (GROUP_ARN.removesuffix(":*"), GROUP_ARN.replace("us-east-1", "eu-west-1")):
        given = {**TO_LOGS, "CloudWatchLogsLogGroupArn": arn}
        assert refusal(trail.create_trail, **create, **given) == unknown
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        allow(iam, action)
        assert refusal(trail.create_trail, **create, **TO_LOGS) == DENIED
    allow(iam, "logs:CreateLogStream", "logs:PutLogEvents")
    trust_other = json.dumps(TRUST).replace("trail/main", "trail/other")
    iam.update_assume_role_policy(RoleName="to-logs", PolicyDocument=trust_other)
    assert refusal(trail.create_trail, **create, **TO_LOGS) == trust
    iam.update_assume_role_policy(RoleName="to-logs", PolicyDocument=json.dumps(TRUST))
    assert trail.create_trail(**create, **TO_LOGS)["CloudWatchLogsRoleArn"] == ROLE
    assert [one["logStreamName"] for one in _streams(logs)] == [STREAM]


def _streams(logs: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    return found


def test_the_role_must_be_the_callers_to_pass(
    client: Callable[..., Any], iam: Any, logs: Any, trail: Any, s3: Any
) -> None:
    make_trail(trail, s3)
    iam.create_user(UserName="ops")
    key = iam.create_access_key(UserName="ops")["AccessKey"]
    statement = {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="ops", PolicyName="p", PolicyDocument=text)
    ops = client("cloudtrail", credentials=key)
    code, message = refusal(ops.update_trail, Name="main", **TO_LOGS)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    passing = text.replace('"cloudtrail:*"', '["cloudtrail:*", "iam:PassRole"]')
    iam.put_user_policy(UserName="ops", PolicyName="p", PolicyDocument=passing)
    ops.update_trail(Name="main", **TO_LOGS)


def test_a_refused_delivery_is_told_and_made_good_and_files_go_on(
    iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, **TO_LOGS)
    allow(iam, "logs:CreateLogStream")
    iam.create_user(UserName="ana")
    cloud.advance(301)
    iam.create_user(UserName="bob")
    cloud.advance(301)
    status = trail.get_trail_status(Name="main")
    assert status["LatestCloudWatchLogsDeliveryError"] == "AccessDeniedException"
    assert "LatestCloudWatchLogsDeliveryTime" not in status
    assert "LatestDeliveryError" not in status
    assert users(delivered(s3)) == ["ana", "bob"]
    assert events(logs) == []
    allow(iam, "logs:CreateLogStream", "logs:PutLogEvents")
    cloud.advance(delivery.RETRY_SECONDS)
    cloud.advance(301)
    found = events(logs)
    assert users(found) == ["ana", "bob"]
    assert len({one["eventID"] for one in found}) == len(found)
    assert "LatestCloudWatchLogsDeliveryError" not in trail.get_trail_status(Name="main")


def test_many_events_come_a_part_at_a_time(
    iam: Any,
    logs: Any,
    trail: Any,
    s3: Any,
    cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeding, "AT_ONCE", 4)
    monkeypatch.setattr(feeding, "SLICE", 3)
    monkeypatch.setattr(feeding, "BATCH_EVENTS", 2)
    make_trail(trail, s3, **TO_LOGS)
    names = [f"u{number:02}" for number in range(11)]
    for name in names:
        iam.create_user(UserName=name)
    cloud.advance(301)
    assert users(events(logs)) == names
    allow(iam, "logs:CreateLogStream")
    more = [f"v{number:02}" for number in range(11)]
    for name in more:
        iam.create_user(UserName=name)
    cloud.advance(301)
    assert users(events(logs)) == names
    allow(iam, "logs:PutLogEvents")
    cloud.advance(delivery.RETRY_SECONDS)
    found = events(logs)
    assert users(found) == names + more
    assert len({one["eventID"] for one in found}) == len(found)


def test_a_stream_that_was_deleted_comes_back(
    iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, **TO_LOGS)
    logs.delete_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    iam.create_user(UserName="ana")
    cloud.advance(301)
    assert users(events(logs)) == ["ana"]


def test_changing_stopping_and_deleting(
    iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    iam.create_user(UserName="before")
    trail.update_trail(Name="main", **TO_LOGS)
    iam.create_user(UserName="one")
    trail.stop_logging(Name="main")
    iam.create_user(UserName="pause")
    trail.start_logging(Name="main")
    assert users(events(logs)) == ["one"]
    iam.create_user(UserName="two")
    cloud.advance(301)
    nothing = {"CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": ""}
    trail.update_trail(Name="main", **nothing)
    assert "CloudWatchLogsRoleArn" not in trail.get_trail(Name="main")["Trail"]
    iam.create_user(UserName="without")
    cloud.advance(301)
    assert users(events(logs)) == ["one", "two"]
    trail.update_trail(Name="main", **TO_LOGS)
    iam.create_user(UserName="last")
    trail.delete_trail(Name="main")
    assert users(events(logs)) == ["one", "two", "last"]
    assert sorted(users(delivered(s3))) == ["before", "last", "one", "two", "without"]


def test_the_log_group_goes_on_after_a_restart_and_a_rewind(tmp_path: Path) -> None:
    first = LocalCloud(directory=tmp_path)
    make_role(first.client("iam"))
    first.client("logs").create_log_group(logGroupName=GROUP)
    make_trail(first.client("cloudtrail"), first.client("s3"), **TO_LOGS)
    first.client("iam").create_user(UserName="before")
    first.advance(301)
    first.client("iam").create_user(UserName="after")
    first.snapshot("here")
    first.advance(301)
    assert users(events(first.client("logs"))) == ["before", "after"]
    first.rewind("here")
    assert users(events(first.client("logs"))) == ["before"]
    first.close()
    second = LocalCloud(directory=tmp_path)
    second.client("iam").create_user(UserName="later")
    second.advance(301)
    assert users(events(second.client("logs"))) == ["before", "after", "later"]
    second.close()


def test_the_accounts_of_an_organization_have_streams_and_wait_by_themselves(
    client: Callable[..., Any], iam: Any, logs: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    organization = client("organizations")
    identity = organization.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    organization.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    member = make_account(organization, cloud, "dev")
    make_trail(trail, s3, IsOrganizationTrail=True, IsMultiRegionTrail=True, **TO_LOGS)
    theirs = client("sqs", account=member, region="eu-west-1")
    theirs.create_queue(QueueName="one")
    cloud.advance(301)
    iam.create_user(UserName="ana")
    cloud.advance(301)
    assert users(events(logs)) == ["ana"]
    assert "LatestCloudWatchLogsDeliveryError" in trail.get_trail_status(Name="main")
    stream = f"{identity}_{member}_CloudTrail_us-east-1"
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{GROUP_ARN.removesuffix(':*')}:log-stream:{identity}_*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName="to-logs", PolicyName="members", PolicyDocument=text)
    theirs.create_queue(QueueName="two")
    cloud.advance(delivery.RETRY_SECONDS + 301)
    found = [one for one in events(logs, stream) if one["eventName"] == "CreateQueue"]
    assert [one["requestParameters"]["queueName"] for one in found] == ["one", "two"]
    assert {one["recipientAccountId"] for one in found} == {member}
    assert "LatestCloudWatchLogsDeliveryError" not in trail.get_trail_status(Name="main")


def test_an_encrypted_log_group_leads_to_no_more_deliveries(
    client: Callable[..., Any], iam: Any, trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    service = {"Service": "logs.us-east-1.amazonaws.com"}
    statements = [
        {"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"}
        for who in (account, service)
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    key = client("kms").create_key(Policy=text)["KeyMetadata"]["Arn"]
    logs = client("logs")
    logs.create_log_group(logGroupName=GROUP, kmsKeyId=key)
    make_trail(trail, s3, **TO_LOGS)
    cloud.advance(1200)
    start = iso(cloud.now())
    cloud.advance(2 * 3600)
    end = iso(cloud.now())
    iam.create_user(UserName="ana")
    cloud.advance(301)
    found = events(logs)
    assert users(found) == ["ana"]
    assert [one["eventName"] for one in found if start < one["eventTime"] < end] == []
