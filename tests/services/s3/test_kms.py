"""SSE-KMS and DSSE-KMS: objects under a key of KMS are written and read with that key's permission,
and their bytes are really encrypted."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.s3.resources.rows import objects
from mesocosm.services.s3.rules import sse
from mesocosm.testing.local import LocalCloud

ACCOUNT = "000000000000"
TEXT = b"text that nobody finds on the disk"
LARGE = os.urandom(64) * 40_000
MINUTES = 300


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    """S3, with a bucket `box`."""
    made = client("s3")
    made.create_bucket(Bucket="box")
    return made


@pytest.fixture
def key(client: Callable[..., Any]) -> str:
    """The ARN of a key."""
    found: str = client("kms").create_key()["KeyMetadata"]["Arn"]
    return found


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def put(s3: Any, key: str = "", name: str = "k", body: bytes = TEXT, **options: Any) -> Any:
    """Put an object under SSE-KMS."""
    if key:
        options["SSEKMSKeyId"] = key
    options.setdefault("ServerSideEncryption", "aws:kms")
    return s3.put_object(Bucket="box", Key=name, Body=body, **options)


def read(s3: Any, name: str = "k", **options: Any) -> bytes:
    """The bytes of an object."""
    found: bytes = s3.get_object(Bucket="box", Key=name, **options)["Body"].read()
    return found


def kept(cloud: LocalCloud) -> bytes:
    """Everything that is kept of the bytes of objects."""

    def look() -> bytes:
        world = cloud.cloud.world
        found = b""
        for _, _, rows in world.cells(objects):
            for row in rows.values():
                for piece in row.pieces or (row,):
                    found += piece.data + (world.blobs.get(piece.blob) if piece.blob else b"")
        return found

    return cloud.do(look)


def user(client: Callable[..., Any], name: str, *statements: dict[str, Any]) -> Any:
    """The S3 client of a new user with an inline policy."""
    iam = client("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    return client("s3", credentials=iam.create_access_key(UserName=name)["AccessKey"])


def may(*actions: str) -> dict[str, Any]:
    """A statement of an identity policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


@given(
    st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=2),
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=200),
    st.integers(0, 200),
)
def test_a_range_is_read_without_the_bytes_before_it(
    keys: list[bytes], nonce: bytes, data: bytes, start: int
) -> None:
    secret = sse.DataKeys(*keys)
    sealed = secret.crypt(nonce, data)
    assert secret.crypt(nonce, sealed[start:], start) == data[start:]
    assert len(data) < 16 or sealed != data


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
@pytest.mark.parametrize("body", [TEXT, LARGE], ids=["small", "large"])
def test_an_object_is_kept_encrypted(
    s3: Any, key: str, cloud: LocalCloud, body: bytes, algorithm: str
) -> None:
    made = put(s3, key, body=body, ServerSideEncryption=algorithm)
    assert (made["ServerSideEncryption"], made["SSEKMSKeyId"]) == (algorithm, key)
    assert body[:40] not in kept(cloud)
    shown = s3.head_object(Bucket="box", Key="k")
    assert (shown["ServerSideEncryption"], shown["SSEKMSKeyId"]) == (algorithm, key)
    assert read(s3) == body
    assert read(s3, Range="bytes=5-20") == body[5:21]


def test_reading_needs_the_key(client: Callable[..., Any], s3: Any, key: str) -> None:
    put(s3, key)
    writer = user(client, "writer", may("s3:*", "kms:GenerateDataKey"))
    put(writer, key, "w")
    code, message = refusal(writer.get_object, Bucket="box", Key="k")
    assert (code, message) == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/writer is not authorized to perform: kms:Decrypt on "
        f"resource: {key} because no identity-based policy allows the kms:Decrypt action",
    )
    writer.head_object(Bucket="box", Key="k")
    reader = user(client, "reader", may("s3:*", "kms:Decrypt"))
    assert read(reader) == TEXT
    assert "kms:GenerateDataKey" in refusal(put, s3=reader, key=key)[1]


def test_a_disabled_key_closes_its_objects(
    client: Callable[..., Any], s3: Any, key: str, cloud: LocalCloud
) -> None:
    kms = client("kms")
    put(s3, key)
    kms.disable_key(KeyId=key)
    wanted = ("KMS.DisabledException", f"{key} is disabled.")
    assert refusal(s3.get_object, Bucket="box", Key="k") == wanted
    assert refusal(put, s3=s3, key=key) == wanted
    assert refusal(s3.copy_object, Bucket="box", Key="c", CopySource="box/k") == wanted
    kms.enable_key(KeyId=key)
    assert read(s3) == TEXT
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refusal(s3.get_object, Bucket="box", Key="k") == (
        "KMS.KMSInvalidStateException",
        f"{key} is pending deletion.",
    )
    cloud.advance(8 * 86_400)
    assert refusal(s3.get_object, Bucket="box", Key="k")[0] == "AccessDenied"
    assert refusal(put, s3=s3, key=key)[0] == "KMS.NotFoundException"


def test_the_managed_key_serves_who_names_none(client: Callable[..., Any], s3: Any) -> None:
    made = put(s3)
    managed = client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert made["SSEKMSKeyId"] == managed["Arn"]
    assert managed["KeyManager"] == "AWS"
    anyone = user(client, "anyone", may("s3:GetObject"))
    assert read(anyone) == TEXT


def test_a_bucket_encrypts_by_default(s3: Any, key: str, cloud: LocalCloud) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="box", ServerSideEncryptionConfiguration={"Rules": [rule]})
    found = s3.get_bucket_encryption(Bucket="box")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == default
    assert found["BucketKeyEnabled"] is True
    made = s3.put_object(Bucket="box", Key="k", Body=TEXT)
    assert made["SSEKMSKeyId"] == key
    assert made["BucketKeyEnabled"] is True
    assert TEXT not in kept(cloud)
    plain = s3.put_object(Bucket="box", Key="p", Body=TEXT, ServerSideEncryption="AES256")
    assert plain["ServerSideEncryption"] == "AES256"
    s3.delete_bucket_encryption(Bucket="box")
    assert s3.put_object(Bucket="box", Key="q", Body=TEXT)["ServerSideEncryption"] == "AES256"
    assert read(s3) == TEXT


def test_a_bucket_key_saves_calls_for_a_while(
    client: Callable[..., Any], s3: Any, key: str, cloud: LocalCloud
) -> None:
    for name in "abc":
        put(s3, key, name, BucketKeyEnabled=True)
    assert read(s3, "a") == read(s3, "b") == TEXT

    def calls() -> list[str]:
        return [one.operation for one in cloud.cloud.calls if one.service == "kms"]

    assert cloud.do(calls) == ["CreateKey", "GenerateDataKey"]
    client("kms").disable_key(KeyId=key)
    assert read(s3, "a") == TEXT
    cloud.advance(MINUTES)
    assert refusal(s3.get_object, Bucket="box", Key="a")[0] == "KMS.DisabledException"


def test_the_encryption_context_is_the_objects_arn(
    client: Callable[..., Any], s3: Any, key: str, cloud: LocalCloud
) -> None:
    own = base64.b64encode(b'{"team":"x"}').decode()
    put(s3, key, "some/k", SSEKMSEncryptionContext=own)
    put(s3, key, "other", BucketKeyEnabled=True)
    trail = client("cloudtrail")

    def contexts() -> list[Any]:
        found = trail.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
        )["Events"]
        events = [json.loads(one["CloudTrailEvent"]) for one in found]
        assert {one["userIdentity"]["invokedBy"] for one in events} == {"s3.amazonaws.com"}
        return [one["requestParameters"]["encryptionContext"] for one in events]

    expected = [
        {"aws:s3:arn": "arn:aws:s3:::box"},
        {"aws:s3:arn": "arn:aws:s3:::box/some/k", "team": "x"},
    ]
    assert sorted(contexts(), key=str) == sorted(expected, key=str)
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    reader = user(client, "reader", may("s3:*"), {**may("kms:Decrypt"), "Condition": condition})
    assert read(reader, "some/k") == TEXT
    for text in ("nonsense", base64.b64encode(b"[1]").decode()):
        assert refusal(put, s3=s3, key=key, SSEKMSEncryptionContext=text)[0] == "InvalidArgument"


def test_an_upload_in_parts(client: Callable[..., Any], s3: Any, key: str) -> None:
    begun = s3.create_multipart_upload(
        Bucket="box", Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    named = {"Bucket": "box", "Key": "k", "UploadId": begun["UploadId"]}
    bodies = [b"1" * 5 * 1024 * 1024, b"2" * 100]
    writer = user(client, "writer", may("s3:*", "kms:GenerateDataKey"))
    assert "kms:Decrypt" in refusal(writer.upload_part, PartNumber=1, Body=b"x", **named)[1]
    parts = []
    for number, body in enumerate(bodies, 1):
        made = s3.upload_part(PartNumber=number, Body=body, **named)
        assert made["SSEKMSKeyId"] == key
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)
    assert read(s3) == b"".join(bodies)
    assert read(s3, Range=f"bytes={len(bodies[0]) - 2}-{len(bodies[0]) + 1}") == b"1122"


def test_a_copy_is_encrypted_anew(client: Callable[..., Any], s3: Any, key: str) -> None:
    other = client("kms").create_key()["KeyMetadata"]["Arn"]
    put(s3, key)
    made = s3.copy_object(
        Bucket="box", Key="c", CopySource="box/k", ServerSideEncryption="aws:kms", SSEKMSKeyId=other
    )
    assert made["SSEKMSKeyId"] == other
    s3.copy_object(Bucket="box", Key="plain", CopySource="box/k")
    client("kms").disable_key(KeyId=key)
    assert read(s3, "c") == read(s3, "plain") == TEXT
    assert s3.head_object(Bucket="box", Key="plain")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("start", ["plain", "kms", "bucket key", "parts"])
def test_an_object_is_put_under_another_key_in_place(
    client: Callable[..., Any], s3: Any, key: str, cloud: LocalCloud, start: str
) -> None:
    old = client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    if start == "plain":
        s3.put_object(Bucket="box", Key="k", Body=TEXT)
    elif start == "parts":
        begun = s3.create_multipart_upload(Bucket="box", Key="k")
        named = {"Bucket": "box", "Key": "k", "UploadId": begun["UploadId"]}
        etag = s3.upload_part(PartNumber=1, Body=TEXT, **named)["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        s3.complete_multipart_upload(MultipartUpload=parts, **named)
    else:
        put(s3, old, BucketKeyEnabled=start == "bucket key")
    before = s3.head_object(Bucket="box", Key="k")
    wanted = {"SSEKMS": {"KMSKeyArn": key, "BucketKeyEnabled": False}}
    s3.update_object_encryption(Bucket="box", Key="k", ObjectEncryption=wanted)
    after = s3.head_object(Bucket="box", Key="k")
    for name in ("ETag", "VersionId", "LastModified", "ContentLength"):
        assert after[name] == before[name]
    assert after["SSEKMSKeyId"] == key
    assert TEXT not in kept(cloud)
    client("kms").disable_key(KeyId=old)
    assert read(s3) == TEXT
    client("kms").disable_key(KeyId=key)
    assert refusal(s3.get_object, Bucket="box", Key="k")[0] == "KMS.DisabledException"


def test_what_is_refused(client: Callable[..., Any], s3: Any, key: str) -> None:
    assert refusal(s3.put_object, Bucket="box", Key="k", SSEKMSKeyId=key)[0] == "InvalidArgument"
    both = refusal(
        s3.put_object, Bucket="box", Key="k", SSEKMSKeyId=key, ServerSideEncryption="AES256"
    )
    assert both[0] == "InvalidArgument"
    unknown = refusal(put, s3=s3, key="nonsense")
    assert unknown == ("KMS.NotFoundException", "Invalid keyId 'nonsense'")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": key}}
    assert refusal(
        s3.put_bucket_encryption,
        Bucket="box",
        ServerSideEncryptionConfiguration={"Rules": [rule]},
    )[0] == ("InvalidArgument")
    pair = client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    code, _ = refusal(put, s3=s3, key=pair["KeyMetadata"]["Arn"])
    assert code == "KMS.InvalidKeyUsageException"


def test_an_inventory_is_delivered_under_a_key(
    client: Callable[..., Any], s3: Any, key: str, cloud: LocalCloud
) -> None:
    source, account = "arn:aws:s3:::box", f"arn:aws:iam::{ACCOUNT}:root"
    for_s3 = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}},
    }
    owner = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner, for_s3]})
    client("kms").put_key_policy(KeyId=key, Policy=policy)
    s3.create_bucket(Bucket="logs")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="logs", Policy=policy)
    put(s3, key, BucketKeyEnabled=True)
    destination = {
        "Bucket": "arn:aws:s3:::logs",
        "Format": "CSV",
        "Encryption": {"SSEKMS": {"KeyId": key}},
    }
    document = {
        "Id": "all",
        "IsEnabled": True,
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Daily"},
        "OptionalFields": ["EncryptionStatus", "BucketKeyStatus"],
        "Destination": {"S3BucketDestination": destination},
    }
    s3.put_bucket_inventory_configuration(Bucket="box", Id="all", InventoryConfiguration=document)
    cloud.advance(86_400)
    found = [one["Key"] for one in s3.list_objects_v2(Bucket="logs")["Contents"]]
    (data,) = [name for name in found if name.endswith(".csv.gz")]
    got = s3.get_object(Bucket="logs", Key=data)
    assert got["SSEKMSKeyId"] == key
    assert gzip.decompress(got["Body"].read()).decode().strip() == ('"box","k","SSE-KMS","ENABLED"')
