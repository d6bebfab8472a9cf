"""Object Lock: retention, legal hold, defaults, and who may get around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def locked(s3):
    """A bucket with Object Lock."""
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return "locked"


def soon(days=10):
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


PROTECTED = "Access Denied because object protected by object lock."


def test_a_bucket_without_object_lock_says_so(s3, bucket, refused):
    with refused("ObjectLockConfigurationNotFoundError", 404) as refusal:
        s3.get_object_lock_configuration(Bucket=bucket)
    assert refusal.message == "Object Lock configuration does not exist for this bucket"
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    with refused("InvalidRequest", 400) as refusal:
        s3.get_object_retention(Bucket=bucket, Key="a")
    assert refusal.message == "Bucket is missing Object Lock Configuration"


def test_object_lock_can_be_enabled_later_but_not_undone(s3, versioned, refused):
    s3.put_object_lock_configuration(
        Bucket=versioned, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    got = s3.get_object_lock_configuration(Bucket=versioned)["ObjectLockConfiguration"]
    assert got == {"ObjectLockEnabled": "Enabled"}
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})


def test_the_default_retention_holds_for_new_objects(cloud, s3, locked, refused):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 5}}
    s3.put_object_lock_configuration(
        Bucket=locked,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
    )
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1")["VersionId"]
    kept = s3.get_object_retention(Bucket=locked, Key="a")["Retention"]
    assert kept["Mode"] == "GOVERNANCE"
    with refused("AccessDenied", 403) as refusal:
        s3.delete_object(Bucket=locked, Key="a", VersionId=version)
    assert refusal.message == PROTECTED
    cloud.advance(6 * 86_400)
    s3.delete_object(Bucket=locked, Key="a", VersionId=version)


@pytest.mark.parametrize(
    "default", [{"Mode": "GOVERNANCE"}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, {"Days": 1}]
)
def test_a_default_has_a_mode_and_one_period(s3, locked, refused, default):
    with refused("MalformedXML", 400):
        s3.put_object_lock_configuration(
            Bucket=locked,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": default},
            },
        )


def test_compliance_is_only_ever_extended(s3, locked, refused):
    s3.put_object(
        Bucket=locked,
        Key="a",
        Body=b"1",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=soon(10),
    )
    for retention in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": soon(5)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": soon(20)},
    ):
        with refused("AccessDenied", 403) as refusal:
            s3.put_object_retention(
                Bucket=locked, Key="a", Retention=retention, BypassGovernanceRetention=True
            )
        assert refusal.message == PROTECTED
    until = soon(20)
    s3.put_object_retention(
        Bucket=locked, Key="a", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
    )
    got = s3.head_object(Bucket=locked, Key="a")
    assert got["ObjectLockMode"] == "COMPLIANCE"
    assert got["ObjectLockRetainUntilDate"] == until


def test_governance_gives_way_to_those_who_may_bypass_it(client, s3, locked, refused):
    version = s3.put_object(
        Bucket=locked,
        Key="a",
        Body=b"1",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=soon(),
    )["VersionId"]
    iam = client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u",
        PolicyName="p",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":'
        '["s3:Delete*","s3:Get*","s3:PutObjectRetention"],"Resource":"*"}]}',
    )
    key = iam.create_access_key(UserName="u")["AccessKey"]
    user = client("s3", credentials=key)
    with refused("AccessDenied", 403) as refusal:
        user.delete_object(
            Bucket=locked, Key="a", VersionId=version, BypassGovernanceRetention=True
        )
    assert "s3:BypassGovernanceRetention" in refusal.message
    s3.put_object_retention(Bucket=locked, Key="a", Retention={}, BypassGovernanceRetention=True)
    user.delete_object(Bucket=locked, Key="a", VersionId=version)


def test_a_legal_hold_holds_until_it_is_lifted(s3, locked, refused):
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1")["VersionId"]
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_legal_hold(Bucket=locked, Key="a")
    s3.put_object_legal_hold(Bucket=locked, Key="a", LegalHold={"Status": "ON"})
    with refused("AccessDenied", 403):
        s3.delete_object(Bucket=locked, Key="a", VersionId=version, BypassGovernanceRetention=True)
    s3.delete_object(Bucket=locked, Key="a")  # a delete marker takes nothing away
    s3.put_object_legal_hold(Bucket=locked, Key="a", VersionId=version, LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=locked, Key="a", VersionId=version)


def test_policies_can_limit_how_long_a_retention_is(client, s3, locked, refused):
    iam = client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(
        UserName="u",
        PolicyName="p",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",'
        '"Resource":"*","Condition":{"NumericLessThanIfExists":'
        '{"s3:object-lock-remaining-retention-days":"5"}}}]}',
    )
    user = client("s3", credentials=iam.create_access_key(UserName="u")["AccessKey"])
    lock = {"Bucket": locked, "Key": "a", "Body": b"1", "ObjectLockMode": "GOVERNANCE"}
    with refused("AccessDenied", 403):
        user.put_object(**lock, ObjectLockRetainUntilDate=soon(10))
    user.put_object(**lock, ObjectLockRetainUntilDate=soon(3))
    with refused("AccessDenied", 403):
        user.put_object_retention(
            Bucket=locked,
            Key="a",
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon(20)},
        )
