"""Groups of resources, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


def query(*types: str, **tags: str) -> dict[str, str]:
    """Resources of some kinds that have all these tags."""
    filters = [{"Key": key, "Values": [value] if value else []} for key, value in tags.items()]
    text = {"ResourceTypeFilters": types or ("AWS::AllSupported",), "TagFilters": filters}
    return {"Type": "TAG_FILTERS_1_0", "Query": json.dumps(text)}


def arns(answer: Any) -> list[str]:
    return [one["ResourceArn"] for one in answer["ResourceIdentifiers"]]


@pytest.fixture
def groups(client: Client) -> Any:
    return client("resource-groups")


def resources(client: Client) -> None:
    sqs, s3 = client("sqs"), client("s3")
    sqs.create_queue(QueueName="a", tags={"team": "a"})
    sqs.create_queue(QueueName="b", tags={"team": "b"})
    s3.create_bucket(Bucket="photos")
    s3.put_bucket_tagging(Bucket="photos", Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})


def test_a_group_has_what_its_query_finds_now(client: Client, groups: Any) -> None:
    resources(client)
    made = groups.create_group(Name="team-a", ResourceQuery=query(team="a"), Tags={"x": "1"})
    assert made["Group"]["GroupArn"].endswith(":000000000000:group/team-a")
    listed = groups.list_group_resources(Group="team-a")
    assert arns(listed) == ["arn:aws:s3:::photos", QUEUE + "a"]
    assert listed["ResourceIdentifiers"][1]["ResourceType"] == "AWS::SQS::Queue"
    only = [{"Name": "resource-type", "Values": ["AWS::S3::Bucket"]}]
    assert arns(groups.list_group_resources(Group="team-a", Filters=only)) == [
        "arn:aws:s3:::photos"
    ]
    url = client("sqs").get_queue_url(QueueName="b")["QueueUrl"]
    client("sqs").tag_queue(QueueUrl=url, Tags={"team": "a"})
    assert QUEUE + "b" in arns(groups.list_group_resources(Group="team-a"))
    found = groups.search_resources(ResourceQuery=query("AWS::SQS::Queue", team=""))
    assert arns(found) == [QUEUE + "a", QUEUE + "b"]


def test_a_group_is_described_changed_listed_and_deleted(groups: Any) -> None:
    groups.create_group(Name="g", Description="one", ResourceQuery=query("AWS::SQS::Queue"))
    with pytest.raises(ClientError, match="BadRequestException"):
        groups.create_group(Name="g", ResourceQuery=query())
    groups.update_group(Group="g", Description="two", Criticality=3)
    got = groups.get_group(Group="g")["Group"]
    assert (got["Description"], got["Criticality"]) == ("two", 3)
    changed = query("AWS::S3::Bucket", a="b")
    groups.update_group_query(Group="g", ResourceQuery=changed)
    assert groups.get_group_query(Group="g")["GroupQuery"]["ResourceQuery"] == changed
    kind = [{"Name": "resource-type", "Values": ["AWS::S3::Bucket"]}]
    (one,) = groups.list_groups(Filters=kind)["GroupIdentifiers"]
    assert one["GroupName"] == "g"
    strange = [{"Name": "resource-type", "Values": ["AWS::SQS::Queue"]}]
    with pytest.raises(ClientError, match="resource types specified as filters"):
        groups.list_group_resources(Group=one["GroupArn"], Filters=strange)
    groups.delete_group(Group=one["GroupArn"])
    with pytest.raises(ClientError, match="NotFoundException"):
        groups.get_group(Group="g")


def test_a_query_is_checked(groups: Any) -> None:
    for text in ("{", "[]", '{"TagFilters": []}'):
        with pytest.raises(ClientError, match="Query not valid"):
            groups.create_group(Name="g", ResourceQuery={"Type": "TAG_FILTERS_1_0", "Query": text})
    with pytest.raises(ClientError, match="NotImplemented"):
        groups.create_group(
            Name="g", ResourceQuery={"Type": "CLOUDFORMATION_STACK_1_0", "Query": "{}"}
        )


def test_tags_of_groups(client: Client, groups: Any) -> None:
    arn = groups.create_group(Name="g", ResourceQuery=query(), Tags={"a": "1"})["Group"]["GroupArn"]
    groups.tag(Arn=arn, Tags={"b": "2"})
    groups.untag(Arn=arn, Keys=["a"])
    assert groups.get_tags(Arn=arn)["Tags"] == {"b": "2"}
    tagging = client("resourcegroupstaggingapi")
    tagging.tag_resources(ResourceARNList=[arn], Tags={"c": "3"})
    (found,) = tagging.get_resources(ResourceTypeFilters=["resource-groups:group"])[
        "ResourceTagMappingList"
    ]
    assert {tag["Key"] for tag in found["Tags"]} == {"b", "c"}


APPLICATION = [{"Type": "AWS::ResourceGroups::ApplicationGroup"}]


def test_an_application_has_what_was_added_to_it(client: Client, groups: Any) -> None:
    resources(client)
    arn = groups.create_group(Name="shop", Configuration=APPLICATION)["Group"]["GroupArn"]
    done = groups.group_resources(Group="shop", ResourceArns=[QUEUE + "a", QUEUE + "gone"])
    assert done["Succeeded"] == [QUEUE + "a"]
    assert [one["ResourceArn"] for one in done["Failed"]] == [QUEUE + "gone"]
    assert arns(groups.list_group_resources(Group=arn)) == [QUEUE + "a"]
    url = client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    tags = client("sqs").list_queue_tags(QueueUrl=url)["Tags"]
    assert tags["awsApplication"] == arn
    failed = groups.list_grouping_statuses(
        Group="shop", Filters=[{"Name": "status", "Values": ["FAILED"]}]
    )
    assert [one["ResourceArn"] for one in failed["GroupingStatuses"]] == [QUEUE + "gone"]
    groups.ungroup_resources(Group="shop", ResourceArns=[QUEUE + "a"])
    assert arns(groups.list_group_resources(Group="shop")) == []
    groups.create_group(Name="g", ResourceQuery=query())
    with pytest.raises(ClientError, match="not an application group"):
        groups.group_resources(Group="g", ResourceArns=[QUEUE + "a"])


def role(client: Client, actions: list[str]) -> str:
    iam = client("iam")
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "resource-groups.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
    made = iam.create_role(RoleName="sync", AssumeRolePolicyDocument=json.dumps(trust))
    allowed = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"},
    }
    iam.put_role_policy(RoleName="sync", PolicyName="p", PolicyDocument=json.dumps(allowed))
    arn: str = made["Role"]["Arn"]
    return arn


def test_a_task_keeps_an_application_in_step_with_a_tag(
    cloud: LocalCloud, client: Client, groups: Any
) -> None:
    resources(client)
    groups.create_group(Name="shop", Configuration=APPLICATION)
    started = groups.start_tag_sync_task(
        Group="shop",
        TagKey="team",
        TagValue="a",
        RoleArn=role(client, ["sqs:*", "s3:*"]),
    )
    cloud.advance(61)
    assert arns(groups.list_group_resources(Group="shop")) == ["arn:aws:s3:::photos", QUEUE + "a"]
    url = client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    client("sqs").untag_queue(QueueUrl=url, TagKeys=["team"])
    cloud.advance(61)
    assert arns(groups.list_group_resources(Group="shop")) == ["arn:aws:s3:::photos"]
    (task,) = groups.list_tag_sync_tasks()["TagSyncTasks"]
    assert task["Status"] == "ACTIVE"
    groups.cancel_tag_sync_task(TaskArn=started["TaskArn"])
    assert groups.list_tag_sync_tasks()["TagSyncTasks"] == []


def test_a_task_whose_role_may_not_says_so(cloud: LocalCloud, client: Client, groups: Any) -> None:
    resources(client)
    groups.create_group(Name="shop", Configuration=APPLICATION)
    started = groups.start_tag_sync_task(
        Group="shop",
        ResourceQuery=query(team="a"),
        RoleArn=role(client, ["s3:*"]),
    )
    cloud.advance(61)
    task = groups.get_tag_sync_task(TaskArn=started["TaskArn"])
    assert task["Status"] == "ERROR"
    assert "not authorized" in task["ErrorMessage"]


def test_events_about_groups_cannot_be_turned_on_yet(groups: Any) -> None:
    settings = groups.get_account_settings()["AccountSettings"]
    assert settings["GroupLifecycleEventsStatus"] == "INACTIVE"
    with pytest.raises(ClientError, match="NotImplemented"):
        groups.update_account_settings(GroupLifecycleEventsDesiredStatus="ACTIVE")
