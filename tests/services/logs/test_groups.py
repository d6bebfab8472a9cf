"""Log groups and streams."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, messages, now, say, stream

from mesocosm.testing.local import LocalCloud


def error(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    found = refused.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_group_is_made_shown_and_deleted(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    say(cloud, logs, "hello")
    [group] = logs.describe_log_groups()["logGroups"]
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    assert group == {
        "logGroupName": "g",
        "creationTime": group["creationTime"],
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": group["storedBytes"],
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
    }
    assert group["storedBytes"] > 5
    assert error(logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    logs.delete_log_group(logGroupName="g")
    assert logs.describe_log_groups()["logGroups"] == []
    assert error(logs.delete_log_group, logGroupName="g")[0] == "ResourceNotFoundException"
    stream(client)
    assert messages(logs) == []


def test_names_are_checked(client: Make) -> None:
    logs = client("logs")
    code, message = error(logs.create_log_group, logGroupName="a b")
    assert code == "InvalidParameterException"
    assert "failed to satisfy constraint" in message
    assert "AWS/" in error(logs.create_log_group, logGroupName="aws/x")[1]
    logs.create_log_group(logGroupName="g")
    code, _ = error(logs.create_log_stream, logGroupName="g", logStreamName="a:b")
    assert code == "InvalidParameterException"


def test_groups_are_listed_by_prefix_pattern_and_page(client: Make) -> None:
    logs = client("logs")
    for name in ("/a/1", "/a/2", "/b/1"):
        logs.create_log_group(logGroupName=name, tags={"n": name[-1]})

    def names(**more: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_groups").paginate(**more)
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    assert names(PaginationConfig={"PageSize": 2}) == ["/a/1", "/a/2", "/b/1"]
    assert names(logGroupNamePrefix="/a/") == ["/a/1", "/a/2"]
    assert names(logGroupNamePattern="1") == ["/a/1", "/b/1"]
    both = {"logGroupNamePrefix": "/a", "logGroupNamePattern": "1"}
    assert error(logs.describe_log_groups, **both)[0] == "InvalidParameterException"
    assert error(logs.describe_log_groups, nextToken="x")[1] == (
        "The specified nextToken is invalid."
    )
    listed = logs.list_log_groups(logGroupNamePattern="^/a/|b/1")["logGroups"]
    assert [group["logGroupName"] for group in listed] == ["/a/1", "/a/2", "/b/1"]


def test_streams_are_listed_by_name_and_by_last_event(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client, name="b")
    for name in ("a", "c", "c2"):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
    say(cloud, logs, "x", name="c")
    cloud.advance(5)
    say(cloud, logs, "x", name="a")

    def names(**more: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="g", PaginationConfig={"PageSize": 3}, **more
        )
        return [row["logStreamName"] for page in pages for row in page["logStreams"]]

    assert names() == ["a", "b", "c", "c2"]
    assert names(descending=True) == ["c2", "c", "b", "a"]
    assert names(logStreamNamePrefix="c") == ["c", "c2"]
    assert names(orderBy="LastEventTime", descending=True) == ["a", "c", "c2", "b"]
    bad = {"logGroupName": "g", "orderBy": "LastEventTime", "logStreamNamePrefix": "c"}
    assert error(logs.describe_log_streams, **bad)[1] == (
        "Cannot order by LastEventTime with a logStreamNamePrefix."
    )
    assert error(logs.create_log_stream, logGroupName="g", logStreamName="a") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    logs.delete_log_stream(logGroupName="g", logStreamName="a")
    assert names() == ["b", "c", "c2"]
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    assert len(logs.describe_log_streams(logGroupIdentifier=arn)["logStreams"]) == 3


def test_retention_is_one_of_a_few_periods(client: Make) -> None:
    logs = stream(client)
    code, message = error(logs.put_retention_policy, logGroupName="g", retentionInDays=2)
    assert code == "InvalidParameterException"
    assert "Member must satisfy enum value set: [1, 3, 5, 7" in message
    logs.put_retention_policy(logGroupName="g", retentionInDays=3653)
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_a_protected_group_is_not_deleted(client: Make) -> None:
    logs = stream(client)
    logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=True)
    assert error(logs.delete_log_group, logGroupName="g")[0] == "ValidationException"
    logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="g")


def test_classes_leave_things_out(cloud: LocalCloud, client: Make) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="ia", logGroupClass="INFREQUENT_ACCESS")
    logs.create_log_stream(logGroupName="ia", logStreamName="s")
    say(cloud, logs, "x", group="ia")
    assert "INFREQUENT_ACCESS" in error(logs.filter_log_events, logGroupName="ia")[1]
    made = {
        "logGroupName": "ia",
        "filterName": "f",
        "filterPattern": "",
        "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
    }
    assert error(logs.put_metric_filter, **made)[0] == "InvalidOperationException"
    logs.create_log_group(logGroupName="d", logGroupClass="DELIVERY")
    shown = {g["logGroupName"]: g for g in logs.describe_log_groups()["logGroups"]}
    assert shown["d"]["retentionInDays"] == 2
    assert shown["ia"]["logGroupClass"] == "INFREQUENT_ACCESS"


def test_tags_by_both_interfaces(client: Make) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.tag_log_group(logGroupName="g", tags={"c": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "b": "2", "c": "3"}
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    logs.untag_log_group(logGroupName="g", tags=["b"])
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"c": "3"}
    reserved = {"aws:a": "1"}
    assert (
        error(logs.tag_resource, resourceArn=arn, tags=reserved)[0] == "InvalidParameterException"
    )
    assert "reserved" in error(logs.create_log_group, logGroupName="h", tags=reserved)[1]
    many = {f"k{number}": "v" for number in range(50)}
    assert error(logs.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"
    found = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["logs"])
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == [arn]


def test_policies_decide_by_stream_and_by_tag(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    client("logs").tag_log_group(logGroupName="g", tags={"team": "a"})
    iam = client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u",
        PolicyName="p",
        PolicyDocument="""{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "logs:PutLogEvents",
             "Resource": "arn:aws:logs:*:*:log-group:g:log-stream:s"},
            {"Effect": "Allow", "Action": "logs:FilterLogEvents",
             "Resource": "arn:aws:logs:*:*:log-group:g:*",
             "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}]}""",
    )
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    user = cloud.client("logs", credentials=keys)
    say(cloud, user, "mine")
    assert messages(user) == ["mine"]
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    request = {
        "logGroupName": "g",
        "logStreamName": "t",
        "logEvents": [{"timestamp": now(cloud), "message": "m"}],
    }
    code, message = error(user.put_log_events, **request)
    assert code == "AccessDeniedException"
    assert "logs:PutLogEvents on resource: arn:aws:logs:us-east-1" in message
    assert message.count("log-group:g:log-stream:t") == 1
    logs.tag_log_group(logGroupName="g", tags={"team": "b"})
    assert error(user.filter_log_events, logGroupName="g")[0] == "AccessDeniedException"
    user.close()


def test_a_group_of_another_account_is_read_by_its_arn(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    other = client("logs", account="111111111111")
    say(cloud, logs, "mine")
    assert error(other.filter_log_events, logGroupIdentifier=arn)[0] == "AccessDeniedException"
    assert [e["message"] for e in logs.filter_log_events(logGroupIdentifier=arn)["events"]] == [
        "mine"
    ]


def test_saved_queries(client: Make) -> None:
    logs = client("logs")
    made = logs.put_query_definition(name="q/1", queryString="fields @message")
    [found] = logs.describe_query_definitions(queryDefinitionNamePrefix="q/")["queryDefinitions"]
    assert found["queryDefinitionId"] == made["queryDefinitionId"]
    assert logs.delete_query_definition(queryDefinitionId=made["queryDefinitionId"])["success"]
    assert logs.describe_query_definitions()["queryDefinitions"] == []


def test_what_is_left_out_says_so(client: Make) -> None:
    logs = stream(client)
    with pytest.raises(ClientError) as refused:
        logs.start_query(logGroupName="g", startTime=0, endTime=1, queryString="fields @message")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
