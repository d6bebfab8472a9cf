"""LookupEvents: the history of events of an account and Region."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudtrail.support import lookup, refusal

from mesocosm.services.cloudtrail.resources import history
from mesocosm.testing.local import LocalCloud

OTHER = "111111111111"


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["requestID"] for event in events]


def test_every_call_is_there_once(client: Callable[..., Any], trail: Any) -> None:
    made: dict[str, set[str]] = {"000000000000": set(), OTHER: set()}
    for number in range(30):
        for account, seen in made.items():
            iam = client("iam", account=account)
            sqs = client("sqs", account=account)
            for answer in (
                iam.create_user(UserName=f"u{number}"),
                iam.list_users(),
                sqs.create_queue(QueueName=f"q{number}"),
            ):
                seen.add(answer["ResponseMetadata"]["RequestId"])
    for account, seen in made.items():
        found = ids(lookup(client("cloudtrail", account=account)))
        mine = [one for one in found if one in seen]
        assert len(mine) == len(set(mine)) == len(seen)


def test_newest_first_in_pages_of_fifty(client: Callable[..., Any], trail: Any) -> None:
    iam = client("iam")
    made = [
        iam.create_user(UserName=f"u{number}")["ResponseMetadata"]["RequestId"]
        for number in range(70)
    ]
    attribute = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    first = trail.lookup_events(LookupAttributes=attribute)
    assert [json.loads(one["CloudTrailEvent"])["requestID"] for one in first["Events"]] == made[
        :-51:-1
    ]
    rest = trail.lookup_events(LookupAttributes=attribute, NextToken=first["NextToken"])
    assert [json.loads(one["CloudTrailEvent"])["requestID"] for one in rest["Events"]] == made[
        19::-1
    ]
    assert "NextToken" not in rest
    assert refusal(trail.lookup_events, NextToken=first["NextToken"])[0] == (
        "InvalidNextTokenException"
    )
    assert refusal(trail.lookup_events, NextToken="nonsense")[0] == "InvalidNextTokenException"


def test_an_event_is_shown_as_aws_shows_it(client: Callable[..., Any], trail: Any) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana", Tags=[{"Key": "Team", "Value": "x"}])
    (shown,) = trail.lookup_events(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": "ana"}]
    )["Events"]
    assert shown["EventName"] == "CreateUser"
    assert shown["EventSource"] == "iam.amazonaws.com"
    assert shown["ReadOnly"] == "false"
    assert shown["Username"] == "root"
    assert shown["AccessKeyId"] == "000000000000"
    assert shown["Resources"] == [{"ResourceType": "AWS::IAM::User", "ResourceName": "ana"}]
    event = json.loads(shown["CloudTrailEvent"])
    assert event["eventID"] == shown["EventId"]
    assert event["eventVersion"] == "1.11"
    assert event["userIdentity"] == {
        "type": "Root",
        "principalId": "000000000000",
        "arn": "arn:aws:iam::000000000000:root",
        "accountId": "000000000000",
        "accessKeyId": "000000000000",
    }
    assert event["requestParameters"] == {
        "userName": "ana",
        "tags": [{"key": "Team", "value": "x"}],
    }
    assert event["responseElements"]["user"]["arn"] == "arn:aws:iam::000000000000:user/ana"
    assert event["eventType"] == "AwsApiCall"
    assert event["eventCategory"] == "Management"
    assert event["managementEvent"] is True
    assert event["recipientAccountId"] == "000000000000"
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in event["userAgent"]
    assert "tlsDetails" not in event


def test_each_attribute_finds_its_events(client: Callable[..., Any], trail: Any) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    iam.put_user_policy(UserName="ana", PolicyName="all", PolicyDocument=json.dumps(policy))
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
    client("sqs", credentials=credentials).create_queue(QueueName="orders")
    (event,) = lookup(trail, "CreateQueue")
    for name, value, count in (
        ("EventId", event["eventID"], 1),
        ("EventSource", "sqs.amazonaws.com", 1),
        ("Username", "ana", 1),
        ("AccessKeyId", key["AccessKeyId"], 1),
        ("ResourceName", "orders", 1),
        ("ResourceName", "arn:aws:sqs:us-east-1:000000000000:orders", 1),
        ("ResourceType", "AWS::SQS::Queue", 1),
        ("ReadOnly", "false", 4),
        ("ResourceName", "nothing", 0),
    ):
        attributes = [{"AttributeKey": name, "AttributeValue": value}]
        found = trail.lookup_events(LookupAttributes=attributes)["Events"]
        assert len(found) == count, name
        if count == 1:
            assert found[0]["EventId"] == event["eventID"]
    assert event["userIdentity"]["type"] == "IAMUser"
    assert event["userIdentity"]["userName"] == "ana"


def test_secrets_are_not_shown(client: Callable[..., Any], trail: Any) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana")
    secret = iam.create_access_key(UserName="ana")["AccessKey"]["SecretAccessKey"]
    iam.create_login_profile(UserName="ana", Password="Very-Secret-1")
    text = json.dumps(lookup(trail))
    assert secret not in text
    assert "Very-Secret-1" not in text
    (event,) = lookup(trail, "CreateLoginProfile")
    assert event["requestParameters"]["password"] == "HIDDEN_DUE_TO_SECURITY_REASONS"


def test_refused_calls_are_events_too(client: Callable[..., Any], trail: Any) -> None:
    iam = client("iam")
    refusal(iam.get_user, UserName="nobody")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
    _, message = refusal(client("sqs", credentials=credentials).create_queue, QueueName="q")
    (missing,) = lookup(trail, "GetUser")
    assert missing["errorCode"] == "NoSuchEntityException"
    assert missing["errorMessage"] == "The user with name nobody cannot be found."
    assert missing["readOnly"] is True
    (denied,) = lookup(trail, "CreateQueue")
    assert denied["errorCode"] == "AccessDenied"
    assert denied["errorMessage"] == message
    assert denied["responseElements"] is None


def test_a_cross_account_call_is_an_event_of_both_accounts(
    client: Callable[..., Any], trail: Any
) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}],
    }
    client("iam").create_role(RoleName="guest", AssumeRolePolicyDocument=json.dumps(trust))
    theirs = client("iam", account=OTHER)
    theirs.create_user(UserName="eve")
    key = theirs.create_access_key(UserName="eve")["AccessKey"]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}],
    }
    theirs.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(document))
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
    session = client("sts", credentials=credentials).assume_role(
        RoleArn="arn:aws:iam::000000000000:role/guest", RoleSessionName="visit"
    )["Credentials"]
    (here,) = lookup(trail, "AssumeRole")
    (there,) = lookup(client("cloudtrail", account=OTHER), "AssumeRole")
    assert here["requestID"] == there["requestID"]
    assert here["eventID"] != there["eventID"]
    assert here["sharedEventID"] == there["sharedEventID"]
    assert here["userIdentity"]["type"] == "AWSAccount"
    assert here["userIdentity"]["accountId"] == OTHER
    assert there["userIdentity"]["arn"] == f"arn:aws:iam::{OTHER}:user/eve"
    assert there["responseElements"]["credentials"]["accessKeyId"] == session["AccessKeyId"]
    assert here["recipientAccountId"] == "000000000000"
    client("sts", credentials=session).get_caller_identity()
    (who,) = lookup(trail, "GetCallerIdentity")
    context = who["userIdentity"]["sessionContext"]
    assert who["userIdentity"]["type"] == "AssumedRole"
    assert context["sessionIssuer"]["userName"] == "guest"
    assert context["attributes"]["mfaAuthenticated"] == "false"


def test_data_events_are_not_in_the_history(
    client: Callable[..., Any], trail: Any, s3: Any
) -> None:
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="a", Body=b"x")
    assert lookup(trail, "PutObject") == []
    (event,) = lookup(trail, "CreateBucket")
    assert event["requestParameters"]["bucketName"] == "plain"


def test_events_stay_in_their_region_and_global_ones_in_us_east_1(
    client: Callable[..., Any], trail: Any
) -> None:
    client("sqs", region="eu-west-1").create_queue(QueueName="q")
    client("iam", region="eu-west-1").list_roles()
    there = client("cloudtrail", region="eu-west-1")
    assert [event["eventName"] for event in lookup(there)] == ["CreateQueue"]
    assert lookup(trail, "CreateQueue") == []
    assert len(lookup(trail, "ListRoles")) == 1


def test_history_goes_back_90_days_and_by_time(
    client: Callable[..., Any], trail: Any, cloud: LocalCloud
) -> None:
    iam = client("iam")
    iam.create_user(UserName="old")
    cloud.advance(86400 * 89)
    middle = cloud.world.clock.now() - 60
    iam.create_user(UserName="new")
    assert len(lookup(trail, "CreateUser")) == 2
    assert len(lookup(trail, "CreateUser", StartTime=middle)) == 1
    (old,) = lookup(trail, "CreateUser", EndTime=middle)
    assert old["requestParameters"]["userName"] == "old"
    cloud.advance(86400 * 2)
    (new,) = lookup(trail, "CreateUser")
    assert new["requestParameters"]["userName"] == "new"
    assert refusal(trail.lookup_events, StartTime=middle, EndTime=middle - 10)[0] == (
        "InvalidTimeRangeException"
    )
    assert trail.lookup_events(EventCategory="insight")["Events"] == []


def test_a_rewind_takes_events_back(
    client: Callable[..., Any], trail: Any, cloud: LocalCloud
) -> None:
    client("iam").create_user(UserName="ana")
    cloud.snapshot("with-ana")
    client("iam").create_user(UserName="eve")
    assert len(lookup(trail, "CreateUser")) == 2
    cloud.rewind("with-ana")
    client("iam").create_user(UserName="bob")
    names = [event["requestParameters"]["userName"] for event in lookup(trail, "CreateUser")]
    assert names == ["bob", "ana"]


def test_the_index_is_made_block_by_block_and_follows_new_events(
    client: Callable[..., Any],
    trail: Any,
    cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "BLOCK", 4)
    monkeypatch.setattr(history, "APART", 2)
    made = []
    for number in range(12):
        answer = client("iam").create_user(UserName=f"u{number}")
        made.append(answer["ResponseMetadata"]["RequestId"])
        client("sqs", account=OTHER).list_queues()
        assert ids(lookup(trail, "CreateUser", PaginationConfig={"PageSize": 5})) == made[::-1]
    index = cloud.world.derived(history.History)
    newest = max(index._blocks)
    cloud.do(cloud.world._derived.clear)
    assert len(trail.lookup_events(MaxResults=1)["Events"]) == 1
    fresh = cloud.world.derived(history.History)
    assert newest - 2 <= min(fresh._blocks)  # what is old has not been read


def test_a_caller_without_permission_sees_nothing(client: Callable[..., Any]) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
    code, message = refusal(client("cloudtrail", credentials=credentials).lookup_events)
    assert code == "AccessDeniedException"
    assert message.startswith(
        "User: arn:aws:iam::000000000000:user/ana is not authorized to perform: "
        "cloudtrail:LookupEvents"
    )
