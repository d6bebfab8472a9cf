"""Buckets: names, owners, Regions, listing, settings."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError

import pytest
from botocore.config import Config

from mesocosm.services.s3.rules.names import check_bucket
from mesocosm.wire.errors import AwsError


@pytest.mark.parametrize(
    "name",
    [
        "Abc", "-abc", "abc-", "a..b", "192.168.5.4", "xn--abc", "sthree-x", "abc-s3alias",
        "abc--ol-s3", "abc_d", "a" * 64,
    ],
)  # fmt: skip
def test_a_name_against_the_rules_is_refused(name):
    with pytest.raises(AwsError) as caught:
        check_bucket(name)
    assert caught.value.code == "InvalidBucketName"


def test_a_new_bucket_has_awss_defaults(s3, bucket, refused):
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
    }
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404) as refusal:
        s3.get_bucket_policy(Bucket=bucket)
    assert refusal.error["BucketName"] == bucket
    head = s3.head_bucket(Bucket=bucket)
    assert head["BucketRegion"] == "us-east-1"


def test_a_bucket_of_mine_is_mine_and_one_of_others_is_taken(s3, bucket, client, refused):
    assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    with refused("BucketAlreadyExists", 409):
        client("s3", account="222222222222").create_bucket(Bucket=bucket)
    iam = client("iam", account="222222222222")
    iam.create_user(UserName="bob")
    bob = iam.create_access_key(UserName="bob")["AccessKey"]
    with refused("AccessDenied", 403):
        client("s3", credentials=bob).create_bucket(Bucket=bucket)
    west = client("s3", region="us-west-2")
    made = {"LocationConstraint": "us-west-2"}
    west.create_bucket(Bucket="b-west", CreateBucketConfiguration=made)
    with refused("BucketAlreadyOwnedByYou", 409) as refusal:
        west.create_bucket(Bucket="b-west", CreateBucketConfiguration=made)
    assert refusal.message == (
        "Your previous request to create the named bucket succeeded and you already own it."
    )


def test_location_constraints(client, refused):
    east, west = client("s3"), client("s3", region="us-west-2")
    with refused("IllegalLocationConstraintException", 400) as refusal:
        west.create_bucket(Bucket="no-constraint")
    assert refusal.message.startswith("The unspecified location constraint is incompatible")
    with refused("IllegalLocationConstraintException", 400):
        west.create_bucket(
            Bucket="other-region", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    with refused("InvalidLocationConstraint", 400):
        east.create_bucket(
            Bucket="us-east-1-named", CreateBucketConfiguration={"LocationConstraint": "us-east-1"}
        )
    east.create_bucket(Bucket="legacy-eu", CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert east.get_bucket_location(Bucket="legacy-eu")["LocationConstraint"] == "eu-west-1"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs):
        return None


def test_a_request_to_the_wrong_region_is_told_where_to_go(client):
    west = client("s3", region="us-west-2")
    east = client("s3", config=Config(signature_version="s3v4"))
    west.create_bucket(
        Bucket="b-west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    url = east.generate_presigned_url("list_objects_v2", Params={"Bucket": "b-west"})
    with pytest.raises(HTTPError) as caught:
        urllib.request.build_opener(_NoRedirect).open(url)
    with caught.value as answer:
        body = answer.read().decode()
        assert answer.code == 301, body
        assert answer.headers["x-amz-bucket-region"] == "us-west-2"
    assert "<Code>PermanentRedirect</Code>" in body
    assert "<Endpoint>b-west.s3.us-west-2.amazonaws.com</Endpoint>" in body
    # boto3 finds the way by itself
    assert east.list_objects_v2(Bucket="b-west")["KeyCount"] == 0
    assert east.head_bucket(Bucket="b-west")["BucketRegion"] == "us-west-2"


def test_only_an_empty_bucket_can_be_deleted(s3, versioned, refused):
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    s3.delete_object(Bucket=versioned, Key="k")
    with refused("BucketNotEmpty", 409) as refusal:
        s3.delete_bucket(Bucket=versioned)
    assert refusal.message == (
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    )
    for kind in ("Versions", "DeleteMarkers"):
        for version in s3.list_object_versions(Bucket=versioned).get(kind, []):
            s3.delete_object(Bucket=versioned, Key="k", VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=versioned)
    with refused("404", 404):
        s3.head_bucket(Bucket=versioned)
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket=versioned)


def test_buckets_are_listed_by_name_with_pages_prefix_and_region(client):
    s3 = client("s3")
    for name in ("c-one", "a-one", "b-one"):
        s3.create_bucket(Bucket=name)
    s3.create_bucket(Bucket="a-two", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client("s3", account="222222222222").create_bucket(Bucket="a-other")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert names == ["a-one", "a-two", "b-one", "c-one"]
    page = s3.list_buckets(MaxBuckets=3)
    assert len(page["Buckets"]) == 3
    rest = s3.list_buckets(MaxBuckets=3, ContinuationToken=page["ContinuationToken"])
    assert [bucket["Name"] for bucket in rest["Buckets"]] == ["c-one"]
    assert "ContinuationToken" not in rest
    found = s3.list_buckets(Prefix="a-", BucketRegion="eu-west-1")["Buckets"]
    assert [(bucket["Name"], bucket["BucketRegion"]) for bucket in found] == [
        ("a-two", "eu-west-1")
    ]


def test_tags_of_a_bucket(s3, bucket, refused):
    tags = [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    with refused("InvalidTag", 400) as refusal:
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tags[0], tags[0]]})
    assert refusal.message == "Cannot provide multiple Tags with the same key"
    with refused("InvalidTag", 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "aws:x", "Value": ""}]})
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)


def test_small_settings(s3, bucket, refused):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.put_bucket_accelerate_configuration(
        Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"}
    )
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    with refused("MalformedXML", 400):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Bogus"})


def test_the_expected_owner_must_be_the_owner(s3, bucket, refused):
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="999999999999")
    s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="000000000000")


def test_an_object_lock_bucket_is_versioned_for_good(s3, refused):
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket="locked")["Status"] == "Enabled"
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration={"Status": "Suspended"})
