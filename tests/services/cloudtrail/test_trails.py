"""Trails: what may be made, changed, seen and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.cloudtrail.support import (
    ACCOUNT,
    ARN,
    BUCKET,
    make_bucket,
    make_trail,
    policy,
    refusal,
)


def test_a_trail_is_made_as_it_was_asked_for(trail: Any, s3: Any) -> None:
    make_bucket(s3)
    made = trail.create_trail(Name="main", S3BucketName=BUCKET, EnableLogFileValidation=True)
    made.pop("ResponseMetadata")
    assert made == {
        "Name": "main",
        "S3BucketName": BUCKET,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "TrailARN": ARN,
        "LogFileValidationEnabled": True,
        "IsOrganizationTrail": False,
    }
    shown = trail.get_trail(Name="main")["Trail"]
    assert shown == {
        **made,
        "HomeRegion": "us-east-1",
        "HasCustomEventSelectors": False,
        "HasInsightSelectors": False,
    }
    assert trail.describe_trails()["trailList"] == [shown]
    assert trail.list_trails()["Trails"] == [
        {"TrailARN": ARN, "Name": "main", "HomeRegion": "us-east-1"}
    ]
    assert trail.get_trail_status(Name=ARN)["IsLogging"] is False
    assert refusal(trail.create_trail, Name="main", S3BucketName=BUCKET) == (
        "TrailAlreadyExistsException",
        f"Trail main already exists for customer: {ACCOUNT}",
    )
    trail.delete_trail(Name="main")
    assert refusal(trail.get_trail, Name="main") == (
        "TrailNotFoundException",
        f"Unknown trail: {ARN} for the user: {ACCOUNT}",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "ab",
            "Trail name too short. Minimum allowed length: 3 characters. "
            "Specified name length: 2 characters.",
        ),
        ("-abc", "Trail name must starts with a letter or number."),
        ("abc-", "Trail name must ends with a letter or number."),
        (
            "a b c",
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
            "periods (.), hyphens (-), and underscores (_).",
        ),
    ],
)
def test_names_that_a_trail_cannot_have(trail: Any, name: str, message: str) -> None:
    assert refusal(trail.create_trail, Name=name, S3BucketName=BUCKET) == (
        "InvalidTrailNameException",
        message,
    )


def test_the_bucket_must_be_there_and_let_cloudtrail_in(trail: Any, s3: Any) -> None:
    assert refusal(trail.create_trail, Name="main", S3BucketName=BUCKET) == (
        "S3BucketDoesNotExistException",
        f"S3 bucket {BUCKET} does not exist!",
    )
    s3.create_bucket(Bucket=BUCKET)
    denied = (
        "InsufficientS3BucketPolicyException",
        f"Incorrect S3 bucket policy is detected for bucket: {BUCKET}",
    )
    assert refusal(trail.create_trail, Name="main", S3BucketName=BUCKET) == denied
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(arn=ARN.replace("main", "other")))
    assert refusal(trail.create_trail, Name="main", S3BucketName=BUCKET) == denied
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(prefix="logs/"))
    assert refusal(trail.create_trail, Name="main", S3BucketName=BUCKET) == denied
    trail.create_trail(Name="main", S3BucketName=BUCKET, S3KeyPrefix="logs")
    assert refusal(trail.update_trail, Name="main", S3KeyPrefix="elsewhere") == denied
    assert trail.get_trail(Name="main")["Trail"]["S3KeyPrefix"] == "logs"


def test_a_multi_region_trail_has_shadows(client: Callable[..., Any], trail: Any, s3: Any) -> None:
    make_bucket(s3)
    trail.create_trail(Name="main", S3BucketName=BUCKET, IsMultiRegionTrail=True)
    there = client("cloudtrail", region="eu-west-1")
    assert [one["TrailARN"] for one in there.describe_trails()["trailList"]] == [ARN]
    assert there.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert there.get_trail(Name="main")["Trail"]["HomeRegion"] == "us-east-1"
    assert refusal(there.start_logging, Name=ARN)[0] == "InvalidHomeRegionException"
    trail.update_trail(Name="main", IsMultiRegionTrail=False)
    assert there.describe_trails()["trailList"] == []
    assert refusal(
        trail.update_trail,
        Name="main",
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=False,
    ) == (
        "InvalidParameterCombinationException",
        "Multi-Region trail must include global service events.",
    )


def test_five_trails_in_a_region(trail: Any, s3: Any) -> None:
    for number in range(5):
        name = f"trail{number}"
        make_bucket(s3, f"bucket-{number}", arn=ARN.replace("main", name))
        trail.create_trail(Name=name, S3BucketName=f"bucket-{number}")
    assert refusal(trail.create_trail, Name="main", S3BucketName="bucket-0") == (
        "MaximumNumberOfTrailsExceededException",
        f"User: {ACCOUNT} already has 5 trails in us-east-1.",
    )


def test_tags(trail: Any, s3: Any) -> None:
    make_bucket(s3)
    trail.create_trail(Name="main", S3BucketName=BUCKET, TagsList=[{"Key": "a", "Value": "1"}])
    trail.add_tags(ResourceId=ARN, TagsList=[{"Key": "b", "Value": "2"}, {"Key": "c"}])
    trail.remove_tags(ResourceId=ARN, TagsList=[{"Key": "a"}])
    assert trail.list_tags(ResourceIdList=[ARN])["ResourceTagList"] == [
        {
            "ResourceId": ARN,
            "TagsList": [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}],
        }
    ]
    assert refusal(trail.add_tags, ResourceId=ARN + "x", TagsList=[{"Key": "b"}])[0] == (
        "ResourceNotFoundException"
    )
    assert refusal(trail.add_tags, ResourceId="main", TagsList=[{"Key": "b"}])[0] == (
        "CloudTrailARNInvalidException"
    )


def test_selectors(trail: Any, s3: Any) -> None:
    make_bucket(s3)
    trail.create_trail(Name="main", S3BucketName=BUCKET)
    default = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    assert trail.get_event_selectors(TrailName="main")["EventSelectors"] == [default]
    basic = {
        "ReadWriteType": "WriteOnly",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data/"]}],
        "ExcludeManagementEventSources": ["kms.amazonaws.com"],
    }
    trail.put_event_selectors(TrailName="main", EventSelectors=[basic])
    assert trail.get_event_selectors(TrailName="main")["EventSelectors"] == [basic]
    assert trail.get_trail(Name="main")["Trail"]["HasCustomEventSelectors"] is True
    advanced = {
        "Name": "queues",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::SQS::Queue"]},
            {"Field": "eventName", "NotStartsWith": ["Delete"]},
        ],
    }
    trail.put_event_selectors(TrailName="main", AdvancedEventSelectors=[advanced])
    shown = trail.get_event_selectors(TrailName="main")
    assert shown["AdvancedEventSelectors"] == [advanced]
    assert "EventSelectors" not in shown


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"EventSelectors": [{"ReadWriteType": "read-only"}]},
        {"EventSelectors": [{}] * 6},
        {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Bucket", "Values": ["a"]}]}]},
        {
            "EventSelectors": [
                {"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::*/*"]}]}
            ]
        },
        {
            "AdvancedEventSelectors": [
                {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}
            ]
        },
        {
            "AdvancedEventSelectors": [
                {"FieldSelectors": [{"Field": "readOnly", "Equals": ["true"]}]}
            ]
        },
        {
            "AdvancedEventSelectors": [
                {
                    "FieldSelectors": [
                        {"Field": "eventCategory", "Equals": ["Management"]},
                        {"Field": "resources.ARN", "StartsWith": ["arn:"]},
                    ]
                }
            ]
        },
    ],
)
def test_selectors_that_a_trail_cannot_have(trail: Any, s3: Any, given: dict[str, Any]) -> None:
    make_bucket(s3)
    trail.create_trail(Name="main", S3BucketName=BUCKET)
    code, _ = refusal(trail.put_event_selectors, TrailName="main", **given)
    assert code == "InvalidEventSelectorsException"


def test_what_is_left_out_says_so(trail: Any, s3: Any) -> None:
    make_trail(trail, s3)
    network = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["NetworkActivity"]}]}]
    for function, members in (
        (trail.put_insight_selectors, {"TrailName": "main", "InsightSelectors": []}),
        (trail.create_event_data_store, {"Name": "lake"}),
        (trail.put_event_selectors, {"TrailName": "main", "AdvancedEventSelectors": network}),
    ):
        assert refusal(function, **members)[0] == "NotImplemented"
    assert refusal(trail.get_insight_selectors, TrailName="main")[0] == (
        "InsightNotEnabledException"
    )


def test_sdks_made_from_smithy_models_name_the_service_shortly(trail: Any) -> None:
    def shorten(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amz-Target"] = "CloudTrail_20131101.ListTrails"

    trail.meta.events.register("before-call.cloudtrail.ListTrails", shorten)
    assert trail.list_trails()["Trails"] == []
