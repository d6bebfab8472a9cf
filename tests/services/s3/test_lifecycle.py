"""Lifecycle rules: what is refused, and what they do at midnight by the world's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mesocosm.services.s3.control import lifecycle

DAY = 86_400
LARGE = b"x" * (128 * 1024)


@pytest.fixture
def put(s3, bucket):
    """Put rules, each enabled and with an id."""

    def put(*rules, **options):
        made = [
            {"ID": f"rule {n}", "Status": "Enabled", "Filter": {"Prefix": ""}} | rule
            for n, rule in enumerate(rules)
        ]
        made = [
            {k: v for k, v in rule.items() if k != "Filter" or "Prefix" not in rule}
            for rule in made
        ]
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": made}, **options
        )

    return put


def keys(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def versions(s3, bucket):
    answer = s3.list_object_versions(Bucket=bucket)
    return len(answer.get("Versions", [])), len(answer.get("DeleteMarkers", []))


def test_rules_come_back_as_they_were_put(s3, bucket, refused):
    with refused("NoSuchLifecycleConfiguration", 404) as refusal:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert refusal.message == "The lifecycle configuration does not exist"
    rules = [
        {
            "ID": "one",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "logs/",
                    "Tags": [{"Key": "a", "Value": "b"}],
                    "ObjectSizeGreaterThan": 500,
                }
            },
            "Expiration": {"Days": 365},
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 90, "StorageClass": "GLACIER"},
            ],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 3},
        },
        {
            "ID": "two",
            "Status": "Disabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert got["Rules"] == rules
    assert got["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        ({}, "InvalidRequest", "At least one action needs to be specified in a rule"),
        (
            {"Expiration": {"Days": 0}},
            "InvalidArgument",
            "'Days' for Expiration action must be a positive integer",
        ),
        (
            {"Expiration": {"Date": datetime(2030, 1, 1, 5, tzinfo=UTC)}},
            "InvalidArgument",
            "'Date' must be at midnight GMT",
        ),
        (
            {"Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}]},
            "InvalidArgument",
            "'Days' in Transition action must be greater than or equal to 30 for storageClass "
            "'STANDARD_IA'",
        ),
        ({"Expiration": {"Days": 1}, "Status": "On"}, "MalformedXML", None),
        ({"Transitions": [{"Days": 1, "StorageClass": "COLD"}]}, "MalformedXML", None),
        (
            {"Expiration": {"Days": 5}, "Transitions": [{"Days": 9, "StorageClass": "GLACIER"}]},
            "InvalidArgument",
            "'Days' in the Expiration action for filter '(prefix=)' must be greater than 'Days' "
            "in the Transition action",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(put, refused, rule, code, message):
    with refused(code, 400) as refusal:
        put(rule)
    if message is not None:
        assert refusal.message == message


def test_forms_are_not_mixed(put, refused):
    with refused("InvalidRequest", 400) as refusal:
        put({"Prefix": "a", "Expiration": {"Days": 1}}, {"Expiration": {"Days": 2}})
    assert "Base level prefix cannot be used in Lifecycle V2" in refusal.message


def test_objects_expire_at_the_midnight_after_their_days(cloud, s3, bucket, put):
    s3.put_object(Bucket=bucket, Key="logs/a", Body=b"1")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"1")
    put({"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2}})
    head = s3.head_object(Bucket=bucket, Key="logs/a")
    day = head["LastModified"].replace(hour=0, minute=0, second=0)
    due = day + timedelta(days=3)
    assert head["Expiration"] == (
        f'expiry-date="{due.strftime("%a, %d %b %Y")} 00:00:00 GMT", rule-id="rule%200"'
    )
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="kept")
    assert "Expiration" in s3.put_object(Bucket=bucket, Key="logs/b", Body=b"1")
    cloud.advance(2 * DAY)
    assert keys(s3, bucket) == ["kept", "logs/a", "logs/b"]
    cloud.advance(DAY)
    assert keys(s3, bucket) == ["kept"]


def test_a_large_bucket_is_looked_at_bit_by_bit(cloud, s3, versioned, put, monkeypatch):
    monkeypatch.setattr(lifecycle, "AT_ONCE", 2)
    for number in range(7):
        s3.put_object(Bucket=versioned, Key=f"k{number % 5}", Body=b"x")
    put({"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    cloud.advance(2 * DAY)
    assert keys(s3, versioned) == []
    cloud.advance(3 * DAY)
    assert versions(s3, versioned) == (0, 0)


def test_the_older_form_works_too(cloud, s3, bucket, put):
    s3.put_object(Bucket=bucket, Key="old/a", Body=b"1")
    s3.put_object(Bucket=bucket, Key="new/a", Body=b"1")
    put({"Prefix": "old/", "Expiration": {"Days": 1}})
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert got["Prefix"] == "old/"
    assert "Filter" not in got
    cloud.advance(2 * DAY)
    assert keys(s3, bucket) == ["new/a"]


def test_filters_by_tag_and_size_choose(cloud, s3, bucket, put):
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"1234", Tagging="k=v")
    s3.put_object(Bucket=bucket, Key="other", Body=b"1234", Tagging="k=w")
    s3.put_object(Bucket=bucket, Key="big", Body=b"x" * 100)
    put(
        {"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}},
        {"Filter": {"ObjectSizeGreaterThan": 50}, "Expiration": {"Days": 1}},
    )
    cloud.advance(2 * DAY)
    assert keys(s3, bucket) == ["other"]


def test_in_a_versioned_bucket_a_marker_is_put_on_top(cloud, s3, versioned, put):
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    put({"Expiration": {"Days": 1}})
    cloud.advance(2 * DAY)
    assert versions(s3, versioned) == (1, 1)


def test_older_versions_go_and_then_the_lone_marker(cloud, s3, versioned, put):
    for n in range(4):
        s3.put_object(Bucket=versioned, Key="a", Body=b"%d" % n)
    put({"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}})
    cloud.advance(2 * DAY)
    assert versions(s3, versioned) == (2, 0)
    assert s3.get_object(Bucket=versioned, Key="a")["Body"].read() == b"3"
    s3.delete_object(Bucket=versioned, Key="a")
    put(
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    cloud.advance(3 * DAY)
    assert versions(s3, versioned) == (0, 0)


def test_locked_versions_stay(cloud, s3, put):
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="locked", Key="a", Body=b"1", ObjectLockLegalHoldStatus="ON")
    s3.put_object(Bucket="locked", Key="a", Body=b"2")
    s3.put_bucket_lifecycle_configuration(
        Bucket="locked",
        LifecycleConfiguration={
            "Rules": [
                {
                    "Status": "Enabled",
                    "Filter": {},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                }
            ]
        },
    )
    cloud.advance(3 * DAY)
    assert versions(s3, "locked") == (2, 0)


def test_storage_classes_change_and_small_objects_stay(cloud, s3, bucket, put):
    s3.put_object(Bucket=bucket, Key="large", Body=LARGE)
    s3.put_object(Bucket=bucket, Key="small", Body=b"1")
    put(
        {
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 60, "StorageClass": "GLACIER"},
            ]
        }
    )

    def kind(key):
        return s3.head_object(Bucket=bucket, Key=key).get("StorageClass", "STANDARD")

    before = s3.head_object(Bucket=bucket, Key="large")["LastModified"]
    cloud.advance(31 * DAY)
    assert (kind("large"), kind("small")) == ("STANDARD_IA", "STANDARD")
    assert s3.head_object(Bucket=bucket, Key="large")["LastModified"] == before
    cloud.advance(31 * DAY)
    assert (kind("large"), kind("small")) == ("GLACIER", "STANDARD")


def test_uploads_that_go_on_for_too_long_are_given_up(cloud, s3, bucket, put):
    assert "AbortDate" not in s3.create_multipart_upload(Bucket=bucket, Key="a")
    put({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})
    begun = s3.create_multipart_upload(Bucket=bucket, Key="b")
    assert begun["AbortRuleId"] == "rule 0"
    listed = s3.list_parts(Bucket=bucket, Key="b", UploadId=begun["UploadId"])
    assert listed["AbortDate"] == begun["AbortDate"]
    assert begun["AbortDate"].hour == 0
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 2
    cloud.advance(2 * DAY)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
