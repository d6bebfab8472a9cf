"""Objects: putting, reading, deleting, conditions, ranges, checksums."""

from __future__ import annotations

import base64
import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BIG = bytes(range(256)) * 6000  # 1.5 MB: through a spool file and a stream
MIDDLE = b"0123456789" * 5000  # a blob, answered at once


def test_what_comes_with_an_object_comes_back(s3, bucket):
    s3.put_object(
        Bucket=bucket,
        Key="a/b c+d%2Fé",
        Body=b"hello",
        Metadata={"One": "1", "two": "zwei"},
        ContentType="text/plain",
        ContentEncoding="identity",
        ContentDisposition="inline",
        ContentLanguage="de",
        CacheControl="max-age=5",
        Expires=datetime(2030, 1, 1, tzinfo=UTC),
        StorageClass="STANDARD_IA",
        WebsiteRedirectLocation="/elsewhere",
        Tagging="k=v&l=w%20x",
    )
    got = s3.get_object(Bucket=bucket, Key="a/b c+d%2Fé")
    assert got["Body"].read() == b"hello"
    assert got["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got["Metadata"] == {"one": "1", "two": "zwei"}
    assert got["ContentType"] == "text/plain"
    assert got["ContentEncoding"] == "identity"
    assert got["ContentDisposition"] == "inline"
    assert got["ContentLanguage"] == "de"
    assert got["CacheControl"] == "max-age=5"
    assert got["ExpiresString"] == "Tue, 01 Jan 2030 00:00:00 GMT"
    assert got["StorageClass"] == "STANDARD_IA"
    assert got["WebsiteRedirectLocation"] == "/elsewhere"
    assert got["TagCount"] == 2
    assert got["ServerSideEncryption"] == "AES256"
    assert got["AcceptRanges"] == "bytes"
    assert "VersionId" not in got
    head = s3.head_object(Bucket=bucket, Key="a/b c+d%2Fé")
    assert head["ContentLength"] == 5
    assert head["Metadata"] == got["Metadata"]


@pytest.mark.parametrize("body", [b"", b"x", MIDDLE, BIG], ids=["empty", "1", "50KB", "1.5MB"])
def test_bodies_of_every_size_come_back_whole_and_in_ranges(s3, bucket, body):
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    if len(body) > 1000:
        for start, stop in ((0, 0), (17, 40_000), (len(body) - 3, len(body) + 50)):
            part = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={start}-{stop}")
            assert part["Body"].read() == body[start : stop + 1]
            end = min(stop, len(body) - 1)
            assert part["ContentRange"] == f"bytes {start}-{end}/{len(body)}"
            assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-7")["Body"].read() == body[-7:]


def test_a_range_outside_is_refused_and_several_are_ignored(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    with refused("InvalidRange", 416) as refusal:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=5-")
    assert refusal.message == "The requested range is not satisfiable"
    assert refusal.error["ActualObjectSize"] == "5"
    whole = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-1,3-4")
    assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert whole["Body"].read() == b"hello"


def test_missing_things(s3, bucket, refused, client):
    with refused("NoSuchKey", 404) as refusal:
        s3.get_object(Bucket=bucket, Key="no")
    assert refusal.message == "The specified key does not exist."
    assert refusal.error["Key"] == "no"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="no")
    with refused("NoSuchBucket", 404) as refusal:
        s3.get_object(Bucket="no-such", Key="no")
    assert refusal.error["BucketName"] == "no-such"
    assert s3.delete_object(Bucket=bucket, Key="no")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("AccessDenied", 403):
        client("s3", account="222222222222").get_object(Bucket=bucket, Key="no")


def test_conditional_reads(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    tag = '"5d41402abc4b2a76b9719d911017c592"'
    past = datetime.now(UTC) - timedelta(days=1)
    future = datetime.now(UTC) + timedelta(days=1)
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=tag)["ETag"] == tag
    with refused("PreconditionFailed", 412) as refusal:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    assert refusal.error["Condition"] == "If-Match"
    with refused("304", 304) as refusal:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=tag)
    assert refusal.headers["etag"] == tag
    with refused("304", 304):
        s3.head_object(Bucket=bucket, Key="k", IfModifiedSince=future)
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=past)
    # If-Match decides over If-Unmodified-Since, If-None-Match over If-Modified-Since.
    s3.get_object(Bucket=bucket, Key="k", IfMatch=tag, IfUnmodifiedSince=past)
    s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"o"', IfModifiedSince=future)


def test_conditional_writes(s3, bucket, refused):
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfMatch='"x"')
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with refused("PreconditionFailed", 412) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert refusal.error["Condition"] == "If-None-Match"
    assert refusal.message == "At least one of the pre-conditions you specified did not hold"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first["ETag"])
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfNoneMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def b64(data):
    return base64.b64encode(data).decode()


def test_a_stated_checksum_is_verified_kept_and_returned(s3, bucket, refused):
    right = b64(zlib.crc32(b"hello").to_bytes(4, "big"))
    answer = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumCRC32=right)
    assert answer["ChecksumCRC32"] == right
    assert answer["ChecksumType"] == "FULL_OBJECT"
    with refused("BadDigest", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Body=b"hullo", ChecksumCRC32=right)
    assert refusal.message == "The CRC32 you specified did not match the calculated checksum."
    with refused("InvalidRequest", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumCRC32="bad")
    assert refusal.message == "Value for x-amz-checksum-crc32 header is invalid."
    with refused("InvalidDigest", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentMD5="short")
    assert refusal.message == "The Content-MD5 you specified was invalid."
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentMD5=b64(bytes(16)))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("CRC32C", "mnG7TA=="),
        ("CRC64NVME", "M3eFcAZSQlc="),
        ("SHA1", b64(hashlib.sha1(b"hello").digest())),
        ("SHA256", b64(hashlib.sha256(b"hello").digest())),
    ],
)
def test_every_checksum_algorithm(s3, bucket, algorithm, expected):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == expected
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == [algorithm]
    seen = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert seen["Checksum"] == {f"Checksum{algorithm}": expected, "ChecksumType": "FULL_OBJECT"}
    assert (seen["ObjectSize"], seen["StorageClass"]) == (5, "STANDARD")


def test_without_a_stated_checksum_s3_computes_crc64nvme(client, bucket):
    s3 = client("s3", config=Config(request_checksum_calculation="when_required"))
    answer = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert answer["ChecksumCRC64NVME"] == "M3eFcAZSQlc="


def test_only_values_aws_takes(s3, bucket, refused):
    with refused("InvalidStorageClass", 400):
        s3.put_object(Bucket=bucket, Key="k", StorageClass="CHEAP")
    with refused("MetadataTooLarge", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2048})
    assert refusal.error["MaxSizeAllowed"] == "2048"
    with refused("InvalidArgument", 400):
        s3.put_object(Bucket=bucket, Key="k", Tagging="a=1&a=2")
    with refused("BadRequest", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Tagging="&".join(f"k{i}=v" for i in range(11)))
    assert refusal.message == "Object tags cannot be greater than 10"
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="é" * 513)
    s3.put_object(Bucket=bucket, Key="é" * 512)
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:fsx")
    with refused("InvalidRequest", 400):
        s3.put_object(
            Bucket=bucket, Key="k", ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=datetime(2040, 1, 1, tzinfo=UTC),
        )  # fmt: skip


def test_deleting_many(s3, bucket, refused):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "nothing"}]}
    )
    assert sorted(item["Key"] for item in answer["Deleted"]) == ["a", "nothing"]
    answer = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "b"}, {"Key": "c", "ETag": "other"}], "Quiet": True},
    )
    assert "Deleted" not in answer
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [
        ("c", "PreconditionFailed")
    ]
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}] * 1001})


def test_the_headers_of_an_answer_can_be_overridden(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="text/csv",
        ResponseContentDisposition="attachment; filename=x",
        ResponseExpires=datetime(2031, 1, 1, tzinfo=UTC),
    )
    assert got["ContentType"] == "text/csv"
    assert got["ContentDisposition"] == "attachment; filename=x"
    assert got["ExpiresString"] == "Wed, 01 Jan 2031 00:00:00 GMT"


def test_keys_with_a_customers_key_are_encrypted_and_need_it(s3, bucket, refused, cloud):
    from mesocosm.services.s3.resources.rows import objects

    key = b"0123456789abcdef0123456789abcdef"
    mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    for body in (b"secret words", MIDDLE, BIG):
        made = s3.put_object(Bucket=bucket, Key="k", Body=body, **mine)
        assert made["SSECustomerAlgorithm"] == "AES256"
        assert made["ETag"] != f'"{hashlib.md5(body).hexdigest()}"'
        assert s3.get_object(Bucket=bucket, Key="k", **mine)["Body"].read() == body
        ranged = s3.get_object(Bucket=bucket, Key="k", Range="bytes=5-9", **mine)
        assert ranged["Body"].read() == body[5:10]
        row = cloud.world.rows(objects, "000000000000", "us-east-1")[bucket, "k", 0]
        kept = cloud.world.blobs.get(row.blob) if row.blob else row.data
        assert len(kept) == len(body)
        assert body[:10] not in kept
    with refused("InvalidRequest", 400):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        s3.get_object(
            Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=key[::-1]
        )


KEYS = st.text(
    st.one_of(
        st.sampled_from("/.%+?#&=\\\"'<> é\u00ff\u2028\U0001f600"),
        st.characters(codec="utf-8", exclude_characters="\x00"),
    ),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=st.lists(KEYS, min_size=1, max_size=4, unique=True))
def test_any_utf_8_is_a_key(s3, bucket, keys):
    keys = [key for key in keys if key not in (".", "..")]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in keys:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert listed == sorted(keys, key=lambda key: key.encode())
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("key", ["..", ".", "../../etc/passwd", "a//b", "/a", "a/", "//", "%2F"])
def test_no_key_is_a_path(raw, s3, bucket, key):
    from urllib.parse import quote

    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    path = f"/{bucket}/{quote(key)}"
    status, _, body = raw("PUT", path, b"x")
    assert (status, body) == (200, b"")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_what_is_not_kept_is_refused(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    source = {"CopySource": f"{bucket}/k", "Bucket": bucket, "Key": "l"}
    mfa = {"Status": "Enabled", "MFADelete": "Enabled"}
    for attempt in (
        lambda: s3.put_object(Bucket=bucket, Key="k", ObjectLockEventHold="ON"),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key="k", ObjectLockEventHold="ON"),
        lambda: s3.copy_object(**source, AnnotationDirective="COPY"),
        lambda: s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration=mfa, MFA="serial 123456"
        ),
    ):
        with refused("NotImplemented", 501):
            attempt()
