"""Records gathered and delivered: buffering, names, compression, failures, restarts."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.services.firehose.support import ARN, Stand, document, refusal

from mesocosm.services.firehose.resources import records
from mesocosm.testing.local import LocalCloud


def test_records_are_delivered_when_the_interval_is_over(stand: Stand) -> None:
    stand.create()
    stand.firehose.put_record(DeliveryStreamName="clicks", Record={"Data": b"one\n"})
    first = datetime.fromtimestamp(stand.cloud.now(), UTC)
    stand.cloud.advance(200)
    stand.put("two\n", "three\n")
    assert stand.deliver(90) == {}
    ((key, body),) = stand.deliver(15).items()
    assert body == b"one\ntwo\nthree\n"
    pattern = (
        f"{first:%Y/%m/%d/%H}/clicks-1-{first:%Y-%m-%d-%H}"
        r"-\d\d-\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    )
    assert re.fullmatch(pattern, key)
    assert len(stand.deliver()) == 1  # nothing more came
    stand.put("four")
    assert len(stand.deliver()) == 2


def test_a_full_buffer_is_delivered_at_once(stand: Stand) -> None:
    stand.create(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    stand.put("x" * 600_000)
    assert stand.deliver(1) == {}
    stand.put("y" * 600_000)
    (body,) = stand.deliver(1).values()
    assert len(body) == 1_200_000


def test_without_buffering_records_are_delivered_as_they_come(stand: Stand) -> None:
    stand.create(BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 0})
    stand.put("a")
    assert list(stand.deliver(1).values()) == [b"a"]


@pytest.mark.parametrize(
    ("form", "ending"), [("GZIP", ".gz"), ("ZIP", ".zip"), ("UNCOMPRESSED", "")]
)
def test_compression(stand: Stand, form: str, ending: str) -> None:
    stand.create(CompressionFormat=form)
    stand.put("a\n", "b\n")
    ((key, body),) = stand.deliver().items()
    assert key.endswith(ending)
    if form == "GZIP":
        body = gzip.decompress(body)
    elif form == "ZIP":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            (name,) = archive.namelist()
            body = archive.read(name)
    assert body == b"a\nb\n"


def test_prefixes_zones_and_extensions(stand: Stand) -> None:
    stand.create(
        Prefix="d/year=!{timestamp:yyyy}/!{timestamp:MM'th'}/!{firehose:random-string}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        CustomTimeZone="Asia/Tokyo",
        FileExtension=".jsonl",
    )
    stand.put("a")
    (key,) = stand.deliver()
    assert re.fullmatch(r"d/year=\d{4}/\d\dth/[A-Za-z0-9]{11}/clicks-1-.*\.jsonl", key)


def test_a_plain_prefix_is_followed_by_the_hour(stand: Stand) -> None:
    stand.create(Prefix="raw-")
    stand.put("a")
    (key,) = stand.deliver()
    assert re.match(r"raw-\d{4}/\d\d/\d\d/\d\d/clicks-1-", key)


def test_partitions_come_from_the_records(stand: Stand) -> None:
    query = '{who: .customer.id, year: .at | strftime("%Y")}'
    stand.create(
        Prefix="c=!{partitionKeyFromQuery:who}/y=!{partitionKeyFromQuery:year}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [
                {
                    "Type": "MetadataExtraction",
                    "Parameters": [
                        {"ParameterName": "MetadataExtractionQuery", "ParameterValue": query},
                        {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                    ],
                },
                {"Type": "AppendDelimiterToRecord", "Parameters": []},
            ],
        },
    )
    for who, at in (("a", 0), ("b", 1e9), ("a", 5)):
        stand.put(json.dumps({"customer": {"id": who}, "at": at}))
    stand.put("no json", json.dumps({"customer": {}}))
    found = {key.rpartition("/")[0]: body for key, body in stand.deliver(61).items()}
    assert set(found) == {"c=a/y=1970", "c=b/y=2001", "bad/processing-failed"}
    assert [json.loads(line)["at"] for line in found["c=a/y=1970"].splitlines()] == [0, 5]
    failures = [json.loads(line) for line in found["bad/processing-failed"].splitlines()]
    assert {one["errorCode"] for one in failures} == {
        "DynamicPartitioning.MetadataExtractionFailed"
    }
    assert failures[0]["rawData"] == "bm8ganNvbg=="


UNPACKING = {
    "Enabled": True,
    "Processors": [
        {
            "Type": "Decompression",
            "Parameters": [{"ParameterName": "CompressionFormat", "ParameterValue": "GZIP"}],
        },
        {
            "Type": "CloudWatchLogProcessing",
            "Parameters": [{"ParameterName": "DataMessageExtraction", "ParameterValue": "true"}],
        },
    ],
}


def sender(stand: Stand, service: str) -> str:
    """The role in which a service puts records."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    role = stand.iam.create_role(RoleName="sender", AssumeRolePolicyDocument=document(trust))
    allow = {"Effect": "Allow", "Action": "firehose:*", "Resource": "*"}
    stand.iam.put_role_policy(RoleName="sender", PolicyName="p", PolicyDocument=document(allow))
    arn: str = role["Role"]["Arn"]
    return arn


def test_log_events_come_unpacked(stand: Stand, client: Callable[..., Any]) -> None:
    """From a log group by its subscription filter into a bucket."""
    stand.create(ProcessingConfiguration=UNPACKING)
    record = {"Data": b"mine"}
    assert refusal(stand.firehose.put_record, DeliveryStreamName="clicks", Record=record) == (
        "InvalidSourceException",
        "Only requests from CloudWatch Logs are supported when CloudWatch Logs decompression is "
        "enabled.",
    )
    logs = client("logs")
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="app",
        filterName="f",
        filterPattern="keep",
        destinationArn=ARN,
        roleArn=sender(stand, "logs.amazonaws.com"),
    )
    now = int(stand.cloud.now() * 1000)
    events = [{"timestamp": now, "message": text} for text in ("keep a", "drop", "keep b")]
    logs.put_log_events(logGroupName="app", logStreamName="s", logEvents=events)
    stand.cloud.advance(60)
    assert list(stand.deliver(400).values()) == [b"keep a\nkeep b\n"]


def test_messages_of_a_topic_are_delivered(stand: Stand, client: Callable[..., Any]) -> None:
    stand.create()
    sns = client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="firehose",
        Endpoint=ARN,
        Attributes={
            "SubscriptionRoleArn": sender(stand, "sns.amazonaws.com"),
            "RawMessageDelivery": "true",
        },
    )
    sns.publish(TopicArn=topic, Message="hello")
    stand.cloud.advance(60)
    assert list(stand.deliver(400).values()) == [b"hello\n"]


def test_metrics_show_what_came_and_what_went(stand: Stand, client: Callable[..., Any]) -> None:
    stand.create()
    stand.put("abc", "de")
    stand.deliver(600)
    cloudwatch = client("cloudwatch")
    found = {}
    for name in ("IncomingRecords", "IncomingBytes", "DeliveryToS3.Records"):
        (point,) = cloudwatch.get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName=name,
            Dimensions=[{"Name": "DeliveryStreamName", "Value": "clicks"}],
            StartTime=stand.cloud.now() - 3600,
            EndTime=stand.cloud.now() + 60,
            Period=7200,
            Statistics=["Sum"],
        )["Datapoints"]
        found[name] = point["Sum"]
    assert found == {"IncomingRecords": 2, "IncomingBytes": 5, "DeliveryToS3.Records": 2}


def test_a_backup_has_the_records_as_they_came(stand: Stand) -> None:
    stand.s3.create_bucket(Bucket="copy")
    stand.allow("arn:aws:s3:::*/*")
    backup = {"RoleARN": stand.role, "BucketARN": "arn:aws:s3:::copy", "Prefix": "raw/"}
    stand.create(
        S3BackupMode="Enabled",
        S3BackupConfiguration=backup,
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}],
        },
    )
    stand.put("a", "b")
    assert list(stand.deliver().values()) == [b"a\nb\n"]
    assert list(stand.objects("copy", "raw/").values()) == [b"ab"]


def test_the_role_must_be_allowed_to_write(stand: Stand) -> None:
    stand.create()
    stand.allow("arn:aws:s3:::other/*")
    stand.put("a")
    assert stand.deliver() == {}
    stand.put("b")
    assert stand.deliver() == {}
    stand.allow("arn:aws:s3:::lake/*")
    bodies = stand.deliver(900).values()
    assert sorted(bodies) == [b"a", b"b"]


def test_after_a_day_delivery_is_given_up(stand: Stand) -> None:
    stand.create()
    stand.allow("arn:aws:s3:::other/*")
    stand.put("a")
    stand.cloud.advance(26 * 3600)
    stand.allow("arn:aws:s3:::lake/*")
    assert stand.deliver(3600) == {}
    left = stand.cloud.do(
        lambda: stand.cloud.world.segments(records, "000000000000", "us-east-1").rows
    )
    assert not left


def test_a_failure_is_told_in_the_logs(stand: Stand, client: Callable[..., Any]) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/firehose")
    logs.create_log_stream(logGroupName="/firehose", logStreamName="s3")
    options = {"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "s3"}
    stand.create(CloudWatchLoggingOptions=options)
    put = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    stand.iam.put_role_policy(RoleName="writer", PolicyName="p", PolicyDocument=document(put))
    stand.put("a")
    stand.deliver(310)
    events = logs.get_log_events(logGroupName="/firehose", logStreamName="s3")["events"]
    told = json.loads(events[0]["message"])
    assert told["deliveryStreamARN"] == ARN
    assert told["errorCode"] == "S3.AccessDenied"


def test_what_is_gathered_comes_back_with_a_rewind(stand: Stand) -> None:
    stand.create()
    stand.put("a")
    stand.cloud.snapshot("before")
    stand.put("b")
    assert list(stand.deliver().values()) == [b"ab"]
    stand.cloud.rewind("before")
    assert stand.objects() == {}
    assert list(stand.deliver().values()) == [b"a"]


def test_a_customers_key_protects_what_is_gathered(
    stand: Stand, client: Callable[..., Any]
) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    stand.create()
    start = stand.firehose.start_delivery_stream_encryption
    wanted = {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key}
    start(DeliveryStreamName="clicks", DeliveryStreamEncryptionConfigurationInput=wanted)
    assert stand.described()["DeliveryStreamEncryptionConfiguration"]["Status"] == "ENABLING"
    stand.cloud.advance(5)
    shown = stand.described()["DeliveryStreamEncryptionConfiguration"]
    assert shown == {"Status": "ENABLED", **wanted}
    put = stand.firehose.put_record
    done = put(DeliveryStreamName="clicks", Record={"Data": b"very-secret"})
    assert done["Encrypted"] is True
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    assert list(stand.deliver().values()) == [b"very-secret"]
    kms.disable_key(KeyId=key)
    stand.cloud.advance(301)  # a data key serves five minutes
    code, _ = refusal(put, DeliveryStreamName="clicks", Record={"Data": b"x"})
    assert code == "InvalidKMSResourceException"
    kms.enable_key(KeyId=key)
    stand.firehose.stop_delivery_stream_encryption(DeliveryStreamName="clicks")
    stand.cloud.advance(5)
    assert stand.described()["DeliveryStreamEncryptionConfiguration"]["Status"] == "DISABLED"
    assert put(DeliveryStreamName="clicks", Record={"Data": b"x"})["Encrypted"] is False
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_a_key_is_needed_until_all_is_delivered(stand: Stand, client: Callable[..., Any]) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    stand.firehose.create_delivery_stream(
        DeliveryStreamName="clicks",
        ExtendedS3DestinationConfiguration=stand.destination(),
        DeliveryStreamEncryptionConfigurationInput={
            "KeyType": "CUSTOMER_MANAGED_CMK",
            "KeyARN": key,
        },
    )
    stand.cloud.advance(10)
    stand.put("a")
    stand.firehose.stop_delivery_stream_encryption(DeliveryStreamName="clicks")
    stand.cloud.advance(10)
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    assert list(stand.deliver().values()) == [b"a"]
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_no_record_shows_what_was_put(cloud: LocalCloud, stand: Stand) -> None:
    from mesocosm.call.record import encode

    stand.create()
    stand.put("very-secret-text")
    stand.deliver()
    records = cloud.do(lambda: list(cloud.cloud.calls))
    assert b"very-secret-text" not in encode(records)
