"""Replication: what is copied, when, by whom, and what is refused."""

from __future__ import annotations

import json

import pytest

ACCOUNT = "000000000000"
OTHER = "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/copier"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
READ = [
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionTagging",
]
WRITE = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]


def allow(actions, resource="*", **more):
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def role(client):
    """The role S3 copies as; `role(actions)` changes what it may do."""
    iam = client("iam")
    iam.create_role(RoleName="copier", AssumeRolePolicyDocument=TRUST)

    def permit(actions):
        iam.put_role_policy(RoleName="copier", PolicyName="p", PolicyDocument=allow(actions))

    permit(READ + WRITE)
    return permit


@pytest.fixture
def there(client):
    """A client in the Region of the destination."""
    return client("s3", region="eu-west-1")


def make_target(there, name="target"):
    there.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    there.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def rule(target="target", **more):
    return {
        "ID": "r",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    } | more


@pytest.fixture
def replicate(s3, versioned, role, there):
    """`replicate(*rules)` from the versioned bucket."""
    make_target(there)

    def put(*rules):
        s3.put_bucket_replication(
            Bucket=versioned, ReplicationConfiguration={"Role": ROLE, "Rules": list(rules)}
        )

    return put


def status(s3, key, bucket="a-bucket"):
    return s3.head_object(Bucket=bucket, Key=key).get("ReplicationStatus")


def test_versions_are_copied_to_another_region(cloud, s3, versioned, replicate, there, refused):
    s3.put_object(Bucket=versioned, Key="before", Body=b"0")
    replicate(rule())
    put = s3.put_object(
        Bucket=versioned, Key="a", Body=b"hello", Metadata={"m": "1"}, Tagging="k=v"
    )
    assert status(s3, "a") == "PENDING"
    with refused("404", 404):
        there.head_object(Bucket="target", Key="a")
    cloud.advance(5)
    assert status(s3, "a") == "COMPLETED"
    got = there.get_object(Bucket="target", Key="a")
    assert got["Body"].read() == b"hello"
    assert got["ReplicationStatus"] == "REPLICA"
    assert got["VersionId"] == put["VersionId"]
    assert got["Metadata"] == {"m": "1"}
    assert got["LastModified"] == s3.head_object(Bucket=versioned, Key="a")["LastModified"]
    assert there.get_object_tagging(Bucket="target", Key="a")["TagSet"] == [
        {"Key": "k", "Value": "v"}
    ]
    assert status(s3, "before") is None
    assert there.get_object(Bucket="target", Key="a", VersionId=put["VersionId"])


def test_versions_keep_their_order_and_ids_among_others(cloud, s3, versioned, replicate, there):
    own = there.put_object(Bucket="target", Key="a", Body=b"own")["VersionId"]
    replicate(rule())
    ids = [s3.put_object(Bucket=versioned, Key="a", Body=b"%d" % n)["VersionId"] for n in range(3)]
    cloud.advance(5)
    found = there.list_object_versions(Bucket="target")["Versions"]
    assert [item["VersionId"] for item in found] == [*reversed(ids), own]
    for n, version in enumerate(ids):
        got = there.get_object(Bucket="target", Key="a", VersionId=version)
        assert got["Body"].read() == b"%d" % n


def test_delete_markers_are_copied_if_a_rule_says_so(cloud, s3, versioned, replicate, there):
    replicate(
        rule(Filter={"Prefix": "yes/"}, DeleteMarkerReplication={"Status": "Enabled"}),
        rule(ID="n", Priority=2, Filter={"Prefix": "no/"}),
    )
    for key in ("yes/a", "no/a"):
        s3.put_object(Bucket=versioned, Key=key, Body=b"1")
    version = s3.put_object(Bucket=versioned, Key="yes/b", Body=b"1")["VersionId"]
    cloud.advance(5)
    for key in ("yes/a", "no/a"):
        s3.delete_object(Bucket=versioned, Key=key)
    s3.delete_object(Bucket=versioned, Key="yes/b", VersionId=version)
    cloud.advance(5)
    found = [item["Key"] for item in there.list_objects_v2(Bucket="target")["Contents"]]
    assert found == ["no/a", "yes/b"]  # deleting a version by its id is never copied


def test_the_older_form_copies_delete_markers(cloud, s3, versioned, replicate, there):
    replicate(
        {
            "ID": "r",
            "Status": "Enabled",
            "Prefix": "",
            "Destination": {"Bucket": "arn:aws:s3:::target", "StorageClass": "STANDARD_IA"},
        }
    )
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(5)
    assert there.head_object(Bucket="target", Key="a")["StorageClass"] == "STANDARD_IA"
    s3.delete_object(Bucket=versioned, Key="a")
    cloud.advance(5)
    assert "Contents" not in there.list_objects_v2(Bucket="target")


@pytest.mark.parametrize(
    ("missing", "tags"),
    [
        ("s3:GetObjectVersionForReplication", ""),
        ("s3:ReplicateObject", ""),
        ("s3:ReplicateTags", "k=v"),
        ("s3:GetObjectVersionTagging", "k=v"),
    ],
)
def test_the_role_needs_its_permissions(
    cloud, s3, versioned, replicate, role, there, refused, missing, tags
):
    replicate(rule())
    role([action for action in READ + WRITE if action != missing])
    s3.put_object(Bucket=versioned, Key="a", Body=b"1", Tagging=tags)
    cloud.advance(5)
    assert status(s3, "a") == "FAILED"
    with refused("404", 404):
        there.head_object(Bucket="target", Key="a")


def test_the_role_must_trust_s3(client, cloud, s3, versioned, replicate):
    replicate(rule())
    client("iam").update_assume_role_policy(
        RoleName="copier", PolicyDocument=TRUST.replace("s3.", "ec2.")
    )
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(5)
    assert status(s3, "a") == "FAILED"


def test_another_account_must_let_the_role_in(client, cloud, s3, versioned, role):
    other = client("s3", account=OTHER)
    other.create_bucket(Bucket="target")
    other.put_bucket_versioning(Bucket="target", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(
        Bucket=versioned,
        ReplicationConfiguration={
            "Role": ROLE,
            "Rules": [
                rule(
                    Destination={
                        "Bucket": "arn:aws:s3:::target",
                        "Account": OTHER,
                        "AccessControlTranslation": {"Owner": "Destination"},
                    }
                )
            ],
        },
    )
    role([*READ, *WRITE, "s3:ObjectOwnerOverrideToBucketOwner"])
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(5)
    assert status(s3, "a") == "FAILED"
    actions = [*WRITE, "s3:ObjectOwnerOverrideToBucketOwner"]
    other.put_bucket_policy(
        Bucket="target",
        Policy=allow(actions, "arn:aws:s3:::target/*", Principal={"AWS": ROLE}),
    )
    s3.put_object(Bucket=versioned, Key="b", Body=b"1")
    cloud.advance(5)
    assert status(s3, "b") == "COMPLETED"
    assert other.get_object(Bucket="target", Key="b")["Body"].read() == b"1"


def test_two_buckets_can_copy_to_each_other_without_end(cloud, s3, versioned, replicate, there):
    both = {"ReplicaModifications": {"Status": "Enabled"}}
    replicate(rule(SourceSelectionCriteria=both))
    there.put_bucket_replication(
        Bucket="target",
        ReplicationConfiguration={
            "Role": ROLE,
            "Rules": [rule(versioned, SourceSelectionCriteria=both)],
        },
    )
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    there.put_object(Bucket="target", Key="b", Body=b"2")
    cloud.advance(30)
    assert (status(s3, "a"), status(s3, "b")) == ("COMPLETED", "REPLICA")
    assert len(s3.list_object_versions(Bucket=versioned)["Versions"]) == 2
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    there.put_object_tagging(Bucket="target", Key="a", Tagging=tags)  # of a replica
    cloud.advance(30)
    assert s3.get_object_tagging(Bucket=versioned, Key="a")["TagSet"] == tags["TagSet"]
    assert status(there, "a", "target") == "REPLICA"


def test_changed_tags_are_copied_and_larger_objects_take_longer(
    cloud, s3, versioned, replicate, there
):
    replicate(rule())
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(5)
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    s3.put_object_tagging(Bucket=versioned, Key="a", Tagging=tags)
    assert status(s3, "a") == "PENDING"
    cloud.advance(5)
    assert status(s3, "a") == "COMPLETED"
    assert there.get_object_tagging(Bucket="target", Key="a")["TagSet"] == tags["TagSet"]


def test_failures_are_told_and_counted(client, cloud, s3, versioned, replicate, role):
    from mesocosm.services.s3.resources import pending

    sqs = client("sqs")
    queue = sqs.create_queue(
        QueueName="q",
        Attributes={"Policy": allow("sqs:SendMessage", Principal={"Service": "s3.amazonaws.com"})},
    )["QueueUrl"]
    s3.put_bucket_notification_configuration(
        Bucket=versioned,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "Events": ["s3:Replication:*"]}
            ]
        },
    )
    minutes = {"Minutes": 15}
    replicate(
        rule(
            Destination={
                "Bucket": "arn:aws:s3:::target",
                "Metrics": {"Status": "Enabled", "EventThreshold": minutes},
                "ReplicationTime": {"Status": "Enabled", "Time": minutes},
            }
        )
    )
    role(READ)

    def metrics():
        kept = cloud.world.rows(pending.replication_metrics, ACCOUNT, "us-east-1")
        return kept["a-bucket", "target", "r"]

    s3.put_object(Bucket=versioned, Key="a", Body=b"12345")
    assert (metrics().operations_pending, metrics().bytes_pending) == (1, 5)
    cloud.advance(5)
    assert (metrics().operations_pending, metrics().failed) == (0, 1)
    assert metrics().latency >= 2
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in found]
    (record,) = [body["Records"][0] for body in bodies if "Records" in body]
    assert record["eventName"] == "Replication:OperationFailedReplication"
    assert record["replicationEventData"]["failureReason"] == "DstPutObjectNotPermitted"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Priority": None}, "Priority must be specified for this version of Cross Region"),
        ({"DeleteMarkerReplication": None}, "DeleteMarkerReplication must be specified for"),
        ({"Destination": {"Bucket": "arn:aws:s3:::none"}}, "Destination bucket must exist."),
        (
            {"Destination": {"Bucket": "arn:aws:s3:::plain"}},
            "Destination bucket must have versioning enabled.",
        ),
        (
            {
                "Filter": {"Tag": {"Key": "k", "Value": "v"}},
                "DeleteMarkerReplication": {"Status": "Enabled"},
            },
            "Delete marker replication is not supported if any Tag filter is specified.",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(s3, replicate, refused, change, message):
    s3.create_bucket(Bucket="plain")
    given = {k: v for k, v in (rule() | change).items() if v is not None}
    with refused("InvalidRequest", 400) as refusal:
        replicate(given)
    assert refusal.message.startswith(message)


def test_the_source_needs_versioning(s3, bucket, role, there, refused):
    make_target(there)
    with refused("InvalidRequest", 400) as refusal:
        s3.put_bucket_replication(
            Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": [rule()]}
        )
    assert refusal.message == (
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    )
    with refused("ReplicationConfigurationNotFoundError", 404):
        s3.get_bucket_replication(Bucket=bucket)


def test_versioning_stays_while_versions_are_copied(s3, versioned, replicate, refused):
    replicate(rule())
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    got = s3.get_bucket_replication(Bucket=versioned)["ReplicationConfiguration"]
    assert got == {"Role": ROLE, "Rules": [rule()]}
    s3.delete_bucket_replication(Bucket=versioned)
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})


def test_copies_are_calls_of_the_role(cloud, s3, versioned, replicate):
    replicate(rule())
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(5)
    made = cloud.cloud.calls.newest
    assert (made.operation, made.region) == ("PutObject", "eu-west-1")
    assert made.principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/copier/s3-replication"
    why = cloud.do(cloud.cloud.explain, made.request_id)
    assert "s3:ReplicateObject" in json.dumps(why)


def test_handing_the_role_over_takes_pass_role(client, versioned, replicate, refused):
    iam = client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=allow("s3:*"))
    user = client("s3", credentials=iam.create_access_key(UserName="u")["AccessKey"])
    with refused("AccessDenied", 403) as refusal:
        user.put_bucket_replication(
            Bucket=versioned, ReplicationConfiguration={"Role": ROLE, "Rules": [rule()]}
        )
    assert "iam:PassRole" in refusal.message


def test_every_destination_gets_its_copy(cloud, s3, versioned, replicate, there):
    make_target(there, "second")
    replicate(rule(), rule("second", ID="s", Priority=2), rule(ID="low", Priority=0))
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.advance(1)
    assert status(s3, "a") == "PENDING"
    cloud.advance(5)
    assert status(s3, "a") == "COMPLETED"
    for target in ("target", "second"):
        assert len(there.list_object_versions(Bucket=target)["Versions"]) == 1
    there.delete_bucket_policy(Bucket="second")
    there.put_bucket_versioning(Bucket="second", VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=versioned, Key="b", Body=b"1")
    cloud.advance(5)
    assert status(s3, "b") == "FAILED"
    assert status(there, "b", "target") == "REPLICA"


def test_locks_are_copied_with_what_they_protect(cloud, s3, role, there, refused):
    role([*READ, *WRITE, "s3:GetObjectRetention", "s3:GetObjectLegalHold"])
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    make_target(there, "plain")
    there.create_bucket(
        Bucket="safe",
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )

    def put(target):
        s3.put_bucket_replication(
            Bucket="locked", ReplicationConfiguration={"Role": ROLE, "Rules": [rule(target)]}
        )

    with refused("InvalidRequest", 400):
        put("plain")
    put("safe")
    version = s3.put_object(Bucket="locked", Key="a", Body=b"1", ObjectLockLegalHoldStatus="ON")[
        "VersionId"
    ]
    cloud.advance(5)
    with refused("AccessDenied", 403):
        there.delete_object(Bucket="safe", Key="a", VersionId=version)
    s3.put_object_legal_hold(Bucket="locked", Key="a", LegalHold={"Status": "OFF"})
    cloud.advance(5)
    there.delete_object(Bucket="safe", Key="a", VersionId=version)


def test_what_was_pending_is_copied_after_a_rewind(cloud, s3, versioned, replicate, there):
    replicate(rule())
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    cloud.snapshot("pending")
    cloud.advance(5)
    assert status(s3, "a") == "COMPLETED"
    cloud.rewind("pending")
    assert status(s3, "a") == "PENDING"
    cloud.advance(5)
    assert status(s3, "a") == "COMPLETED"
    assert there.get_object(Bucket="target", Key="a")["Body"].read() == b"1"
