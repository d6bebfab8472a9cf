"""Streams: made, described, changed, listed, tagged, deleted; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.firehose.support import ARN, Stand, document, refusal


def test_a_stream_becomes_active_by_the_clock(stand: Stand) -> None:
    answer = stand.firehose.create_delivery_stream(
        DeliveryStreamName="clicks", ExtendedS3DestinationConfiguration=stand.destination()
    )
    assert answer["DeliveryStreamARN"] == ARN
    assert stand.described()["DeliveryStreamStatus"] == "CREATING"
    put = {"DeliveryStreamName": "clicks", "Record": {"Data": b"x"}}
    assert refusal(stand.firehose.put_record, **put)[0] == "ResourceNotFoundException"
    assert refusal(stand.firehose.delete_delivery_stream, DeliveryStreamName="clicks")[0] == (
        "ResourceInUseException"
    )
    stand.cloud.advance(10)
    shown = stand.described()
    assert shown["DeliveryStreamStatus"] == "ACTIVE"
    (destination,) = shown["Destinations"]
    assert destination["ExtendedS3DestinationDescription"] == {
        "RoleARN": stand.role,
        "BucketARN": "arn:aws:s3:::lake",
        "Prefix": "",
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "S3BackupMode": "Disabled",
    }
    assert destination["S3DestinationDescription"]["RoleARN"] == stand.role


def test_names_are_used_once(stand: Stand) -> None:
    stand.create()
    assert refusal(stand.create) == (
        "ResourceInUseException",
        "Firehose clicks under accountId 000000000000 already exists",
    )
    missing = "Firehose absent under account 000000000000 not found."
    assert refusal(stand.described, name="absent") == ("ResourceNotFoundException", missing)


def test_a_deleted_stream_goes_with_its_records(stand: Stand) -> None:
    stand.create()
    stand.put("a")
    stand.firehose.delete_delivery_stream(DeliveryStreamName="clicks")
    assert stand.described()["DeliveryStreamStatus"] == "DELETING"
    assert stand.deliver() == {}
    assert refusal(stand.described)[0] == "ResourceNotFoundException"
    stand.create()
    assert stand.deliver() == {}


def test_a_destination_is_changed_by_its_version(stand: Stand) -> None:
    stand.create(Prefix="old/")
    update = stand.firehose.update_destination
    change = {
        "DeliveryStreamName": "clicks",
        "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {"BufferingHints": {"IntervalInSeconds": 60}},
    }
    code, message = refusal(update, CurrentDeliveryStreamVersionId="7", **change)
    assert code == "ConcurrentModificationException"
    assert message.startswith("Cannot update firehose: clicks since the current version id: 1")
    update(CurrentDeliveryStreamVersionId="1", **change)
    shown = stand.described()
    assert shown["VersionId"] == "2"
    destination = shown["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert destination["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 60}
    assert destination["Prefix"] == "old/"
    stand.put("a")
    (key,) = stand.deliver(61)
    assert "clicks-2-" in key


def test_lists_and_tags(stand: Stand) -> None:
    for number in range(12):
        stand.create(f"s{number:02d}")
    found = stand.firehose.list_delivery_streams()
    assert len(found["DeliveryStreamNames"]) == 10
    assert found["HasMoreDeliveryStreams"] is True
    found = stand.firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="s09")
    assert found["DeliveryStreamNames"] == ["s10", "s11"]
    name = {"DeliveryStreamName": "s00"}
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    stand.firehose.tag_delivery_stream(**name, Tags=tags)
    stand.firehose.untag_delivery_stream(**name, TagKeys=["a"])
    found = stand.firehose.list_tags_for_delivery_stream(**name)
    assert (found["Tags"], found["HasMoreTags"]) == (tags[1:], False)


QUERY = {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{a:.a}"}
ENGINE = {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}
EXTRACTION = {
    "Enabled": True,
    "Processors": [{"Type": "MetadataExtraction", "Parameters": [QUERY, ENGINE]}],
}
DYNAMIC = {
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
    "ErrorOutputPrefix": "e/!{firehose:error-output-type}/",
}


@pytest.mark.parametrize(
    "more",
    [
        {"Prefix": "!{timestamp:yyyy}/"},  # no prefix for errors
        {"Prefix": "!{strange:x}/", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        {"Prefix": "!{timestamp:yyyy", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        {"Prefix": "!{firehose:error-output-type}/"},
        {"CustomTimeZone": "Mars/Base"},
        {"S3BackupMode": "Enabled"},
        {"ProcessingConfiguration": EXTRACTION},
        {**DYNAMIC, "Prefix": "x/", "ProcessingConfiguration": EXTRACTION},
        {**DYNAMIC, "Prefix": "!{partitionKeyFromQuery:b}/", "ProcessingConfiguration": EXTRACTION},
        {**DYNAMIC, "Prefix": "!{partitionKeyFromQuery:a}/"},
    ],
)
def test_destinations_that_cannot_be(stand: Stand, more: dict[str, Any]) -> None:
    assert refusal(stand.create, **more)[0] == "InvalidArgumentException"


@pytest.mark.parametrize(
    "more",
    [
        {"CompressionFormat": "Snappy"},
        {"DataFormatConversionConfiguration": {"Enabled": True}},
        {
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "Lambda", "Parameters": []}],
            }
        },
    ],
)
def test_what_is_missing_is_said(stand: Stand, more: dict[str, Any]) -> None:
    assert refusal(stand.create, **more)[0] == "NotImplemented"


def test_other_sources_and_destinations_are_missing(stand: Stand) -> None:
    create = stand.firehose.create_delivery_stream
    code, message = refusal(
        create, DeliveryStreamName="s", DeliveryStreamType="KinesisStreamAsSource"
    )
    assert (code, "KinesisStreamAsSource" in message) == ("NotImplemented", True)
    assert refusal(create, DeliveryStreamName="s")[0] == "InvalidArgumentException"


def test_the_role_must_trust_firehose_and_be_passed(
    stand: Stand, client: Callable[..., Any]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    other = stand.iam.create_role(
        RoleName="other", AssumeRolePolicyDocument=document({**trust, "Action": "sts:AssumeRole"})
    )["Role"]["Arn"]
    destination = {"RoleARN": other, "BucketARN": "arn:aws:s3:::lake"}
    code, message = refusal(
        stand.firehose.create_delivery_stream,
        DeliveryStreamName="s",
        ExtendedS3DestinationConfiguration=destination,
    )
    assert (code, message) == (
        "InvalidArgumentException",
        f"Firehose is unable to assume role {other}. Please check the role provided.",
    )
    stand.iam.create_user(UserName="u")
    allowed = {"Effect": "Allow", "Action": "firehose:*", "Resource": "*"}
    stand.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document(allowed))
    keys = stand.iam.create_access_key(UserName="u")["AccessKey"]
    user = client("firehose", credentials=keys)
    wanted = {
        "DeliveryStreamName": "s",
        "ExtendedS3DestinationConfiguration": stand.destination(),
    }
    code, message = refusal(user.create_delivery_stream, **wanted)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": stand.role,
        "Condition": {"StringEquals": {"iam:PassedToService": "firehose.amazonaws.com"}},
    }
    both = document(allowed, passing)
    stand.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=both)
    user.create_delivery_stream(**wanted)


def test_a_batch_has_a_size(stand: Stand) -> None:
    stand.create()
    given = [{"Data": b"x" * 1_000_000}] * 5
    code, message = refusal(
        stand.firehose.put_record_batch, DeliveryStreamName="clicks", Records=given
    )
    assert (code, message) == ("InvalidArgumentException", "Records size exceeds 4 MB limit")
