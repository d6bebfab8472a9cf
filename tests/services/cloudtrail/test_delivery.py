"""Log files: what trails deliver, where to, and that it is once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.services.cloudtrail.support import (
    ACCOUNT,
    ARN,
    BUCKET,
    delivered,
    logs,
    lookup,
    make_bucket,
    make_trail,
    policy,
)

from mesocosm.services.cloudtrail.control import delivery
from mesocosm.testing.local import LocalCloud

OTHER = "111111111111"


def names(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["eventName"] for event in events)


def users(events: list[dict[str, Any]]) -> list[str]:
    return sorted(
        event["requestParameters"]["userName"]
        for event in events
        if event["eventName"] == "CreateUser"
    )


def test_events_come_after_five_minutes_in_aws_layout(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    client("iam").create_user(UserName="ana")
    client("iam", account=OTHER).create_user(UserName="stranger")
    client("sqs", region="eu-west-1").create_queue(QueueName="elsewhere")
    assert delivered(s3) == []
    cloud.advance(301)
    found = logs(s3)
    (key,) = found
    assert re.fullmatch(
        rf"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/\d{{4}}/\d\d/\d\d/"
        rf"{ACCOUNT}_CloudTrail_us-east-1_\d{{8}}T\d{{4}}Z_[A-Za-z0-9]{{16}}\.json\.gz",
        key,
    )
    events = found[key]
    assert users(events) == ["ana"]
    assert "CreateQueue" not in names(events)
    (looked_up,) = lookup(trail, "CreateUser")
    assert looked_up in events
    status = trail.get_trail_status(Name="main")
    assert status["IsLogging"] is True
    assert status["LatestDeliveryTime"] > status["StartLoggingTime"]
    assert "LatestDeliveryError" not in status


def test_nothing_is_delivered_twice_or_lost(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    for number in range(5):
        client("iam").create_user(UserName=f"u{number}")
        cloud.advance(150)
    cloud.advance(600)
    events = delivered(s3)
    assert users(events) == [f"u{number}" for number in range(5)]
    assert len({event["eventID"] for event in events}) == len(events)
    count = len(logs(s3))
    cloud.advance(3600)
    assert len(logs(s3)) == count  # listing objects is a data event: there is nothing to tell
    cloud.advance(3600)
    assert names(delivered(s3))[:1] == ["CreateUser"]


def test_delivery_goes_on_after_a_restart_and_a_rewind(tmp_path: Path) -> None:
    first = LocalCloud(directory=tmp_path)
    make_trail(first.client("cloudtrail"), first.client("s3"))
    first.client("iam").create_user(UserName="before")
    first.advance(301)
    first.client("iam").create_user(UserName="after")
    first.snapshot("here")
    first.advance(301)
    assert users(delivered(first.client("s3"))) == ["after", "before"]
    first.rewind("here")
    assert users(delivered(first.client("s3"))) == ["before"]
    first.close()
    second = LocalCloud(directory=tmp_path)
    second.client("iam").create_user(UserName="later")
    second.advance(301)
    assert users(delivered(second.client("s3"))) == ["after", "before", "later"]
    second.close()


def test_a_multi_region_trail_delivers_each_region_by_itself(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, IsMultiRegionTrail=True)
    client("sqs", region="eu-west-1").create_queue(QueueName="there")
    client("sqs").create_queue(QueueName="here")
    cloud.advance(301)
    by_region = {key.split("/")[3]: events for key, events in logs(s3).items()}
    assert set(by_region) == {"us-east-1", "eu-west-1"}
    assert names(by_region["eu-west-1"]) == ["CreateQueue"]


def test_stopping_delivers_what_was_and_nothing_more(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    client("iam").create_user(UserName="before")
    cloud.advance(10)
    trail.stop_logging(Name="main")
    cloud.advance(10)
    client("iam").create_user(UserName="after")
    cloud.advance(900)
    assert users(delivered(s3)) == ["before"]
    assert "StopLogging" in names(delivered(s3))
    trail.start_logging(Name="main")
    client("iam").create_user(UserName="again")
    cloud.advance(301)
    assert users(delivered(s3)) == ["again", "before"]


def test_a_denied_delivery_is_told_and_made_good(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    s3.delete_bucket_policy(Bucket=BUCKET)
    client("iam").create_user(UserName="ana")
    cloud.advance(301)
    status = trail.get_trail_status(Name="main")
    assert status["LatestDeliveryError"] == "AccessDenied"
    assert "LatestDeliveryTime" not in status
    client("iam").create_user(UserName="bob")
    cloud.advance(3600)
    assert delivered(s3) == []
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy())
    cloud.advance(1200)
    assert users(delivered(s3)) == ["ana", "bob"]
    assert "LatestDeliveryError" not in trail.get_trail_status(Name="main")


def test_data_events_as_selected(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    for bucket in ("data", "other-data"):
        s3.create_bucket(Bucket=bucket)
    trail.put_event_selectors(
        TrailName="main",
        EventSelectors=[
            {
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data/in"]}],
            }
        ],
    )
    s3.put_object(Bucket="data", Key="in/a", Body=b"x")
    s3.put_object(Bucket="data", Key="out/a", Body=b"x")
    s3.put_object(Bucket="other-data", Key="in/a", Body=b"x")
    cloud.advance(301)
    (event,) = [one for one in delivered(s3) if one["eventCategory"] == "Data"]
    assert event["eventName"] == "PutObject"
    assert event["managementEvent"] is False
    assert event["requestParameters"]["bucketName"] == "data"
    assert event["requestParameters"]["key"] == "in/a"
    assert event["resources"] == [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::data/in/a"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::data"},
    ]


def test_advanced_selectors(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3)
    sqs = client("sqs")
    orders = sqs.create_queue(QueueName="orders")["QueueUrl"]
    bills = sqs.create_queue(QueueName="bills")["QueueUrl"]
    trail.put_event_selectors(
        TrailName="main",
        AdvancedEventSelectors=[
            {
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Data"]},
                    {"Field": "resources.type", "Equals": ["AWS::SQS::Queue"]},
                    {"Field": "resources.ARN", "EndsWith": [":orders"]},
                    {"Field": "eventName", "NotEquals": ["DeleteMessage"]},
                ]
            },
            {
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Management"]},
                    {"Field": "readOnly", "Equals": ["false"]},
                    {"Field": "eventSource", "NotEquals": ["sqs.amazonaws.com"]},
                ]
            },
        ],
    )
    for url in (orders, bills):
        sqs.send_message(QueueUrl=url, MessageBody="x")
        handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    client("iam").list_users()
    client("iam").create_user(UserName="ana")
    sqs.create_queue(QueueName="more")
    cloud.advance(301)
    found = names(delivered(s3))
    assert found == sorted([*found[:0], *found])
    assert found.count("SendMessage") == found.count("ReceiveMessage") == 1
    assert "DeleteMessage" not in found
    assert "ListUsers" not in found
    assert "CreateQueue" not in found
    assert "CreateUser" in found


def test_anonymous_reads_are_the_owners_data_events(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    from botocore import UNSIGNED
    from botocore.config import Config

    make_trail(trail, s3)
    trail.put_event_selectors(
        TrailName="main",
        EventSelectors=[
            {"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::open/"]}]}
        ],
    )
    s3.create_bucket(Bucket="open")
    s3.put_object(Bucket="open", Key="a", Body=b"x")
    s3.delete_public_access_block(Bucket="open")
    s3.put_bucket_policy(
        Bucket="open",
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"s3:GetObject","Resource":"arn:aws:s3:::open/*"}]}',
    )
    nobody = client("s3", config=Config(signature_version=UNSIGNED))
    nobody.get_object(Bucket="open", Key="a")
    cloud.advance(301)
    (event,) = [one for one in delivered(s3) if one["eventName"] == "GetObject"]
    assert event["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": "",
        "accountId": "anonymous",
    }
    assert event["recipientAccountId"] == ACCOUNT


def test_deliveries_are_events_only_where_selected_and_wanted(
    trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_bucket(s3)
    trail.create_trail(Name="main", S3BucketName=BUCKET, RecursiveLogging=False)
    trail.start_logging(Name="main")
    trail.put_event_selectors(
        TrailName="main",
        EventSelectors=[{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}],
    )
    cloud.advance(7200)
    assert len(logs(s3)) == 1
    trail.update_trail(Name="main", RecursiveLogging=True)
    cloud.advance(900)
    puts = [event for event in delivered(s3) if event["eventName"] == "PutObject"]
    assert puts[0]["userIdentity"] == {
        "type": "AWSService",
        "invokedBy": "cloudtrail.amazonaws.com",
    }
    assert puts[0]["sourceIPAddress"] == "cloudtrail.amazonaws.com"


def test_a_prefix_and_a_bucket_of_another_account(
    client: Callable[..., Any], trail: Any, cloud: LocalCloud
) -> None:
    theirs = client("s3", account=OTHER)
    theirs.create_bucket(Bucket=BUCKET)
    theirs.put_bucket_policy(Bucket=BUCKET, Policy=policy(prefix="logs/", arn=ARN))
    trail.create_trail(Name="main", S3BucketName=BUCKET, S3KeyPrefix="logs")
    trail.start_logging(Name="main")
    client("iam").create_user(UserName="ana")
    cloud.advance(301)
    (key,) = logs(theirs)
    assert key.startswith(f"logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/")


def test_many_events_come_a_slice_at_a_time(
    client: Callable[..., Any],
    trail: Any,
    s3: Any,
    cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "SLICE", 2)
    make_trail(trail, s3)
    iam = client("iam")
    for number in range(15):
        iam.create_user(UserName=f"u{number:02}")
    cloud.advance(301)
    (events,) = logs(s3).values()
    assert users(events) == [f"u{number:02}" for number in range(15)]
    iam.create_user(UserName="later")
    cloud.advance(301)
    assert len(logs(s3)) == 2
    assert users([one for held in logs(s3).values() for one in held])[0] == "later"
    for number in range(9):
        iam.create_user(UserName=f"last{number}")
    trail.delete_trail(Name="main")
    assert len(logs(s3)) == 3
    assert len(users([one for held in logs(s3).values() for one in held])) == 15 + 1 + 9
