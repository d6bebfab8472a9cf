"""The tagging API over several services, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
TRUSTED = "tagpolicies.tag.amazonaws.com"


@pytest.fixture
def tagging(client: Client) -> Any:
    return client("resourcegroupstaggingapi")


def arns(answer: Any) -> list[str]:
    return [one["ResourceARN"] for one in answer["ResourceTagMappingList"]]


def make(client: Client) -> None:
    """A queue, a bucket and a policy with tags, and a queue without."""
    sqs = client("sqs")
    sqs.create_queue(QueueName="orders", tags={"team": "a", "cost": "1"})
    sqs.create_queue(QueueName="plain")
    s3 = client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_bucket_tagging(Bucket="photos", Tagging={"TagSet": [{"Key": "team", "Value": "b"}]})
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"},
    }
    client("iam").create_policy(
        PolicyName="p", PolicyDocument=json.dumps(document), Tags=[{"Key": "team", "Value": "a"}]
    )


QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
BUCKET = "arn:aws:s3:::photos"
POLICY = "arn:aws:iam::000000000000:policy/p"


def test_resources_of_all_services_are_found_by_tags_kinds_and_arns(
    client: Client, tagging: Any
) -> None:
    make(client)
    assert arns(tagging.get_resources()) == [POLICY, BUCKET, QUEUE]
    a = [{"Key": "team", "Values": ["a"]}]
    assert arns(tagging.get_resources(TagFilters=a)) == [POLICY, QUEUE]
    both = [*a, {"Key": "cost"}]
    assert arns(tagging.get_resources(TagFilters=both)) == [QUEUE]
    for kinds, found in (
        (["sqs"], [QUEUE]),
        (["s3:bucket", "iam:policy"], [POLICY, BUCKET]),
        (["iam:role"], []),
    ):
        assert arns(tagging.get_resources(ResourceTypeFilters=kinds)) == found
    assert arns(tagging.get_resources(ResourceARNList=[BUCKET, "arn:aws:s3:::other"])) == [BUCKET]
    assert tagging.get_tag_keys()["TagKeys"] == ["cost", "team"]
    assert tagging.get_tag_values(Key="team")["TagValues"] == ["a", "b"]


def test_resources_are_listed_in_their_region_only(client: Client) -> None:
    make(client)
    abroad = client("resourcegroupstaggingapi", region="eu-west-1")
    assert arns(abroad.get_resources()) == []
    elsewhere = client("resourcegroupstaggingapi", account="222222222222")
    assert arns(elsewhere.get_resources()) == []


def test_pages(client: Client, tagging: Any) -> None:
    make(client)
    pages = tagging.get_paginator("get_resources").paginate(ResourcesPerPage=2)
    assert [arns(page) for page in pages] == [[POLICY, BUCKET], [QUEUE]]
    with pytest.raises(ClientError, match="InvalidParameterException"):
        tagging.get_resources(PaginationToken="nonsense")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        tagging.get_resources(ResourceARNList=[BUCKET], TagFilters=[{"Key": "team"}])
    with pytest.raises(ClientError, match="in steps of 100"):
        tagging.get_resources(TagsPerPage=150)


def test_tags_are_changed_through_each_service(client: Client, tagging: Any) -> None:
    make(client)
    queue, bucket, role = QUEUE, BUCKET, "arn:aws:iam::000000000000:role/r"
    trust = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    done = tagging.tag_resources(ResourceARNList=[queue, bucket, POLICY, role], Tags={"x": "1"})
    assert done["FailedResourcesMap"] == {}
    assert client("iam").list_role_tags(RoleName="r")["Tags"] == [{"Key": "x", "Value": "1"}]
    tags = client("s3").get_bucket_tagging(Bucket="photos")["TagSet"]
    assert sorted(tag["Key"] for tag in tags) == ["team", "x"]
    done = tagging.untag_resources(ResourceARNList=[queue, bucket], TagKeys=["team", "x"])
    assert done["FailedResourcesMap"] == {}
    assert arns(tagging.get_resources()) == [POLICY, QUEUE]


def test_what_cannot_be_tagged_is_said_for_each(client: Client, tagging: Any) -> None:
    make(client)
    gone = "arn:aws:sqs:us-east-1:000000000000:gone"
    group = "arn:aws:iam::000000000000:group/g"
    failed = tagging.tag_resources(ResourceARNList=[QUEUE, gone, group], Tags={"x": "1"})
    codes = {arn: one["ErrorCode"] for arn, one in failed["FailedResourcesMap"].items()}
    assert codes == {gone: "QueueDoesNotExist", group: "InvalidParameterException"}
    with pytest.raises(ClientError, match="not a valid ARN"):
        tagging.tag_resources(ResourceARNList=["orders"], Tags={"x": "1"})


def test_each_service_decides_who_may_tag(client: Client) -> None:
    make(client)
    iam = client("iam")
    iam.create_user(UserName="u")
    allowed = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": ["tag:*", "s3:*"], "Resource": "*"},
    }
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    tagging = client("resourcegroupstaggingapi", credentials=key)
    failed = tagging.tag_resources(ResourceARNList=[QUEUE, BUCKET], Tags={"x": "1"})
    assert list(failed["FailedResourcesMap"]) == [QUEUE]
    assert failed["FailedResourcesMap"][QUEUE]["StatusCode"] == 403


POLICY_TEXT = {
    "tags": {
        "team": {
            "tag_key": {"@@assign": "Team"},
            "tag_value": {"@@assign": ["a", "shop-*"]},
            "report_required_tag_for": {"@@assign": ["sqs:ALL_SUPPORTED"]},
        }
    }
}


def organization(client: Client) -> None:
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")
    organizations.enable_aws_service_access(ServicePrincipal=TRUSTED)
    made = organizations.create_policy(
        Name="t", Description="", Type="TAG_POLICY", Content=json.dumps(POLICY_TEXT)
    )
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=root)


def test_compliance_with_the_tag_policy(client: Client, tagging: Any) -> None:
    organization(client)
    sqs = client("sqs")
    for name, tags in (
        ("right", {"Team": "shop-1"}),
        ("value", {"Team": "z"}),
        ("case", {"team": "a"}),
        ("missing", {"other": "1"}),
    ):
        sqs.create_queue(QueueName=name, tags=tags)
    listed = tagging.get_resources(IncludeComplianceDetails=True, ResourceTypeFilters=["sqs"])
    details = {
        one["ResourceARN"].rpartition(":")[2]: one["ComplianceDetails"]
        for one in listed["ResourceTagMappingList"]
    }
    assert details["right"]["ComplianceStatus"] is True
    assert details["value"]["KeysWithNoncompliantValues"] == ["Team"]
    assert details["case"]["NoncompliantKeys"] == ["team"]
    assert details["case"]["KeysWithNoncompliantValues"] == ["Team"]
    assert details["missing"]["MissingTagKeys"] == ["Team"]
    strays = tagging.get_resources(
        IncludeComplianceDetails=True, ExcludeCompliantResources=True, ResourceTypeFilters=["sqs"]
    )
    assert len(strays["ResourceTagMappingList"]) == 3
    (line,) = tagging.get_compliance_summary(GroupBy=["RESOURCE_TYPE"])["SummaryList"]
    assert line["NonCompliantResources"] == 3
    (needed,) = tagging.list_required_tags()["RequiredTags"]
    assert needed["ResourceType"] == "sqs:ALL_SUPPORTED"
    assert needed["CloudFormationResourceTypes"] == ["AWS::SQS::Queue"]


def test_a_report_is_written_to_a_bucket(cloud: LocalCloud, client: Client, tagging: Any) -> None:
    organization(client)
    assert tagging.describe_report_creation()["Status"] == "NO REPORT"
    client("sqs").create_queue(QueueName="case", tags={"team": "a"})
    s3 = client("s3")
    s3.create_bucket(Bucket="reports")
    tagging.start_report_creation(S3Bucket="reports")
    cloud.advance(2)
    failed = tagging.describe_report_creation()
    assert (failed["Status"], "S3Location" in failed) == ("FAILED", False)
    allowed = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": TRUSTED},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::reports/AwsTagPolicies/*",
        },
    }
    s3.put_bucket_policy(Bucket="reports", Policy=json.dumps(allowed))
    tagging.start_report_creation(S3Bucket="reports")
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        tagging.start_report_creation(S3Bucket="reports")
    cloud.advance(2)
    done = tagging.describe_report_creation()
    assert done["Status"] == "SUCCEEDED"
    (key,) = [one["Key"] for one in s3.list_objects_v2(Bucket="reports")["Contents"]]
    assert done["S3Location"] == f"s3://reports/{key}"
    text = s3.get_object(Bucket="reports", Key=key)["Body"].read().decode()
    assert "NONCOMPLIANT,team,Team" in text


def test_compliance_is_for_the_management_account(tagging: Any) -> None:
    with pytest.raises(ClientError, match="ConstraintViolationException"):
        tagging.get_compliance_summary()
