"""Encryption, access logs, and the configurations with ids."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest

from mesocosm.services.s3.control import access_log, inventory

HOUR = 3600
DAY = 86_400


def delivery_policy(bucket, service):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
                }
            ],
        }
    )


# -- encryption ---------------------------------------------------------------------------------


def test_a_bucket_is_encrypted_with_s3_keys_by_default(s3, bucket):
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BucketKeyEnabled"] is False
    s3.delete_bucket_encryption(Bucket=bucket)


def test_customer_keys_can_be_blocked(s3, bucket, refused):
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                }
            ]
        },
    )
    with refused("AccessDenied", 403):
        s3.put_object(
            Bucket=bucket,
            Key="a",
            Body=b"1",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey="k" * 32,
        )


# -- access logs --------------------------------------------------------------------------------


@pytest.fixture
def logged(s3, bucket):
    """The bucket, logged into `logs`."""
    s3.create_bucket(Bucket="logs")
    s3.put_bucket_policy(Bucket="logs", Policy=delivery_policy("logs", "logging.s3.amazonaws.com"))
    s3.put_bucket_logging(
        Bucket=bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "p/"}},
    )
    return bucket


def delivered(s3):
    found = s3.list_objects_v2(Bucket="logs").get("Contents", [])
    return [s3.get_object(Bucket="logs", Key=item["Key"])["Body"].read().decode() for item in found]


def test_requests_are_logged_in_the_format_of_s3(cloud, s3, logged, refused, raw):
    s3.put_object(Bucket=logged, Key="a b", Body=b"hello")
    s3.get_object(Bucket=logged, Key="a b")
    raw("GET", f"/{logged}/a%20b", Referer="http://here")
    with refused("NoSuchKey"):
        s3.get_object(Bucket=logged, Key="none")
    assert delivered(s3) == []
    cloud.advance(HOUR)
    (text,) = delivered(s3)
    lines = text.splitlines()
    fields = [next(csv.reader([line], delimiter=" ", escapechar="\\")) for line in lines]
    names = [row[7] for row in fields]
    assert names == [
        "REST.PUT.LOGGING_STATUS",
        "REST.PUT.OBJECT",
        "REST.GET.OBJECT",
        "REST.GET.OBJECT",
        "REST.GET.OBJECT",
    ]
    got = fields[2]
    assert got[1] == logged
    assert got[4] == "127.0.0.1"
    assert got[8] == "a%20b"
    assert got[9] == f"GET /{logged}/a%20b HTTP/1.1"
    assert got[10:14] == ["200", "-", "5", "5"]
    anonymous = fields[3]
    assert anonymous[5] == "-"
    assert anonymous[10:12] == ["403", "AccessDenied"]
    assert anonymous[16] == "http://here"
    assert fields[4][10:12] == ["404", "NoSuchKey"]
    assert {len(row) for row in fields} == {28}


def test_pages_of_a_website_are_logged_as_such(cloud, s3, logged, raw):
    s3.put_bucket_website(
        Bucket=logged, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    s3.delete_public_access_block(Bucket=logged)
    s3.put_bucket_policy(
        Bucket=logged,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{logged}/*",
                    }
                ],
            }
        ),
    )
    s3.put_object(Bucket=logged, Key="index.html", Body=b"hello")
    host = f"{logged}.s3-website.us-east-1.amazonaws.com"
    assert raw("GET", "/", host=host)[2] == b"hello"
    cloud.advance(HOUR)
    (text,) = delivered(s3)
    last = text.splitlines()[-1]
    assert 'WEBSITE.GET.OBJECT index.html "GET / HTTP/1.1" 200 - 5 5' in last
    assert host in last


def test_log_keys_can_be_partitioned(cloud, s3, logged):
    s3.put_bucket_logging(
        Bucket=logged,
        BucketLoggingStatus={
            "LoggingEnabled": {
                "TargetBucket": "logs",
                "TargetPrefix": "p/",
                "TargetObjectKeyFormat": {
                    "PartitionedPrefix": {"PartitionDateSource": "EventTime"}
                },
            }
        },
    )
    cloud.advance(HOUR)
    key = s3.list_objects_v2(Bucket="logs")["Contents"][0]["Key"]
    assert key.startswith(f"p/000000000000/us-east-1/{logged}/20")
    assert "-00-00-00-" in key


def test_lines_wait_while_the_target_refuses_them(cloud, s3, logged):
    s3.delete_bucket_policy(Bucket="logs")
    s3.list_objects_v2(Bucket=logged)
    cloud.advance(HOUR)
    assert delivered(s3) == []
    s3.put_bucket_policy(Bucket="logs", Policy=delivery_policy("logs", "logging.s3.amazonaws.com"))
    cloud.advance(HOUR)
    assert len(delivered(s3)) == 1


def test_log_objects_can_be_granted_to_others(client, cloud, s3, logged, refused):
    other = client("s3", account="222222222222")
    canonical = other.list_buckets()["Owner"]["ID"]
    enabled = {
        "TargetBucket": "logs",
        "TargetPrefix": "",
        "TargetGrants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": canonical}, "Permission": "READ"}
        ],
    }
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.put_bucket_logging(Bucket=logged, BucketLoggingStatus={"LoggingEnabled": enabled})
    s3.put_bucket_ownership_controls(
        Bucket="logs", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_bucket_logging(Bucket=logged, BucketLoggingStatus={"LoggingEnabled": enabled})
    cloud.advance(HOUR)
    (item,) = s3.list_objects_v2(Bucket="logs")["Contents"]
    assert (
        b"REST.PUT.LOGGING_STATUS"
        in other.get_object(Bucket="logs", Key=item["Key"])["Body"].read()
    )


def test_the_target_must_be_there_and_near(client, s3, bucket, refused):
    def put(target):
        s3.put_bucket_logging(
            Bucket=bucket,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}},
        )

    with refused("InvalidTargetBucketForLogging", 400) as refusal:
        put("not-there")
    assert refusal.message == "The target bucket for logging does not exist"
    client("s3", account="222222222222").create_bucket(Bucket="of-others")
    with refused("InvalidTargetBucketForLogging", 400) as refusal:
        put("of-others")
    assert refusal.message == (
        "The owner for the bucket to be logged and the target bucket must be the same."
    )
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


# -- configurations with ids --------------------------------------------------------------------

INVENTORY = {
    "Id": "all",
    "IsEnabled": True,
    "IncludedObjectVersions": "All",
    "Schedule": {"Frequency": "Daily"},
    "OptionalFields": ["Size", "ETag", "StorageClass"],
    "Destination": {
        "S3BucketDestination": {"Bucket": "arn:aws:s3:::logs", "Format": "CSV", "Prefix": "inv"}
    },
}
KINDS = {
    "analytics": {"Id": "all", "StorageClassAnalysis": {}, "Filter": {"Prefix": "a"}},
    "metrics": {"Id": "all", "Filter": {"Tag": {"Key": "k", "Value": "v"}}},
    "intelligent_tiering": {
        "Id": "all",
        "Status": "Enabled",
        "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
    },
    "inventory": INVENTORY,
}


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_are_kept_listed_and_removed(s3, bucket, refused, kind):
    title = "".join(part.title() for part in kind.split("_")) + "Configuration"
    one = {"Bucket": bucket, "Id": "all"}
    get = getattr(s3, f"get_bucket_{kind}_configuration")
    put = getattr(s3, f"put_bucket_{kind}_configuration")
    with refused("NoSuchConfiguration", 404) as refusal:
        get(**one)
    assert refusal.message == "The specified configuration does not exist."
    put(**one, **{title: KINDS[kind]})
    put(Bucket=bucket, Id="b", **{title: KINDS[kind] | {"Id": "b"}})
    assert get(**one)[title] == KINDS[kind]
    answer = getattr(s3, f"list_bucket_{kind}_configurations")(Bucket=bucket)
    assert [item["Id"] for item in answer[f"{title}List"]] == ["all", "b"]
    getattr(s3, f"delete_bucket_{kind}_configuration")(**one)
    with refused("NoSuchConfiguration", 404):
        get(**one)


def test_a_deleted_bucket_takes_its_configurations_with_it(s3, bucket):
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="all", MetricsConfiguration={"Id": "all"})
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    answer = s3.list_bucket_metrics_configurations(Bucket=bucket)
    assert "MetricsConfigurationList" not in answer


@pytest.mark.parametrize("slice_of", [1, 3, 200])
def test_inventories_are_delivered_every_day(cloud, s3, versioned, monkeypatch, slice_of):
    monkeypatch.setattr(inventory, "AT_ONCE", slice_of)
    s3.create_bucket(Bucket="logs")
    s3.put_bucket_policy(Bucket="logs", Policy=delivery_policy("logs", "s3.amazonaws.com"))
    s3.put_object(Bucket=versioned, Key="a,b", Body=b"12345")
    s3.put_object(Bucket=versioned, Key="gone", Body=b"1")
    s3.delete_object(Bucket=versioned, Key="gone")
    s3.put_bucket_inventory_configuration(
        Bucket=versioned, Id="all", InventoryConfiguration=INVENTORY
    )
    cloud.advance(DAY)
    found = [item["Key"] for item in s3.list_objects_v2(Bucket="logs")["Contents"]]
    (place,) = [key for key in found if key.endswith("manifest.json")]
    assert place.startswith("inv/a-bucket/all/20")
    manifest = json.loads(s3.get_object(Bucket="logs", Key=place)["Body"].read())
    assert manifest["fileSchema"] == (
        "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag, StorageClass"
    )
    data = s3.get_object(Bucket="logs", Key=manifest["files"][0]["key"])["Body"].read()
    table = list(csv.reader(io.StringIO(gzip.decompress(data).decode())))
    assert [row[1] for row in table] == ["a%2Cb", "gone", "gone"]
    assert table[0][3:6] == ["true", "false", "5"]
    assert [row[4] for row in table[1:]] == ["true", "false"]


@pytest.mark.filterwarnings("ignore")
def test_the_deprecated_calls_share_the_requests_of_their_successors(client, s3, bucket):
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("sqs").create_queue(QueueName="q", Attributes={"Policy": policy})
    rule = {
        "ID": "a",
        "Prefix": "x",
        "Status": "Enabled",
        "Transition": {"Days": 1, "StorageClass": "GLACIER"},
    }
    s3.put_bucket_lifecycle(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle(Bucket=bucket)["Rules"] == [rule]
    given = {"Id": "i", "Event": "s3:ObjectCreated:*", "Queue": queue}
    s3.put_bucket_notification(
        Bucket=bucket, NotificationConfiguration={"QueueConfiguration": given}
    )
    got = s3.get_bucket_notification(Bucket=bucket)["QueueConfiguration"]
    assert {name: got[name] for name in given} == given


def test_many_lines_are_delivered_in_several_objects(cloud, s3, logged, monkeypatch):
    monkeypatch.setattr(access_log, "AT_ONCE", 4)
    for _ in range(10):
        s3.get_bucket_location(Bucket=logged)
    cloud.advance(HOUR)
    found = s3.list_objects_v2(Bucket="logs")["Contents"]
    bodies = [s3.get_object(Bucket="logs", Key=one["Key"])["Body"].read() for one in found]
    lines = [line for body in bodies for line in body.splitlines()]
    assert sum(b"REST.GET.LOCATION" in line for line in lines) == 10
    assert len(found) > 2
    assert max(len(body.splitlines()) for body in bodies) == 4
    cloud.advance(HOUR)
    assert len(s3.list_objects_v2(Bucket="logs")["Contents"]) == len(found)
