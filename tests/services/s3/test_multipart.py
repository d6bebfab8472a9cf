"""Multipart uploads, and copies."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.s3.rules import checksums

FIVE = bytes(5 * 1024**2)
PARTS = (FIVE, b"a" * 5 * 1024**2, b"the end")


def upload(s3, bucket, key="k", parts=PARTS, algorithm=None, **more):
    """Upload parts; returns the upload id and what completes it."""
    chosen = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    begun = s3.create_multipart_upload(Bucket=bucket, Key=key, **chosen, **more)
    named = []
    for number, body in enumerate(parts, 1):
        answer = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=begun["UploadId"], PartNumber=number, Body=body,
            **chosen,
        )  # fmt: skip
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        part |= {name: value for name, value in answer.items() if name.startswith("Checksum")}
        named.append(part)
    return begun["UploadId"], {"Parts": named}


def test_parts_become_one_object(s3, bucket):
    upload_id, named = upload(s3, bucket, Metadata={"a": "b"}, ContentType="text/plain")
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload=named
    )
    sums = b"".join(hashlib.md5(part).digest() for part in PARTS)
    assert done["ETag"] == f'"{hashlib.md5(sums).hexdigest()}-3"'
    whole = b"".join(PARTS)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == whole
    assert (got["Metadata"], got["ContentType"]) == ({"a": "b"}, "text/plain")
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={len(FIVE) - 2}-{len(FIVE) + 1}")
    assert across["Body"].read() == b"\0\0aa"
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=3)
    assert second["Body"].read() == b"the end"
    assert second["PartsCount"] == 3
    assert second["ContentRange"] == f"bytes {len(whole) - 7}-{len(whole) - 1}/{len(whole)}"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256", "CRC64NVME"])
def test_checksums_of_the_whole(s3, bucket, algorithm):
    upload_id, named = upload(s3, bucket, algorithm=algorithm)
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload=named
    )
    member = f"Checksum{algorithm}"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == done[member]
    if algorithm == "CRC64NVME":
        assert done["ChecksumType"] == "FULL_OBJECT"
        value = checksums.digest(algorithm, b"".join(PARTS))
        assert done[member] == base64.b64encode(value).decode()
    else:
        assert done["ChecksumType"] == "COMPOSITE"
        assert done[member].endswith("-3")
        seen = s3.get_object_attributes(
            Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"]
        )
        assert [part["Size"] for part in seen["ObjectParts"]["Parts"]] == [
            len(part) for part in PARTS
        ]
        assert seen["ObjectParts"]["TotalPartsCount"] == 3


def test_a_full_object_crc_is_combined_from_the_parts(s3, bucket, refused):
    begun = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )
    named = []
    for number, body in enumerate(PARTS, 1):
        answer = s3.upload_part(
            Bucket=bucket, Key="k", UploadId=begun["UploadId"], PartNumber=number, Body=body,
            ChecksumAlgorithm="CRC32",
        )  # fmt: skip
        named.append({"PartNumber": number, "ETag": answer["ETag"]})
    right = base64.b64encode(zlib.crc32(b"".join(PARTS)).to_bytes(4, "big")).decode()
    call = {"Bucket": bucket, "Key": "k", "UploadId": begun["UploadId"]}
    with refused("BadDigest", 400):
        s3.complete_multipart_upload(
            **call, MultipartUpload={"Parts": named}, ChecksumCRC32="AAAAAA=="
        )
    done = s3.complete_multipart_upload(
        **call, MultipartUpload={"Parts": named}, ChecksumCRC32=right, ChecksumType="FULL_OBJECT"
    )
    assert done["ChecksumCRC32"] == right


@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_combined_crcs_are_those_of_the_whole(parts):
    for algorithm in checksums.POLYNOMIALS:
        sums = [
            (base64.b64encode(checksums.digest(algorithm, part)).decode(), len(part))
            for part in parts
        ]
        whole = base64.b64encode(checksums.digest(algorithm, b"".join(parts))).decode()
        assert checksums.combined(algorithm, sums) == whole


def test_what_cannot_be_completed(s3, bucket, refused):
    upload_id, named = upload(s3, bucket, parts=(b"small", b"end"))
    call = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    with refused("EntityTooSmall", 400) as refusal:
        s3.complete_multipart_upload(**call, MultipartUpload=named)
    assert refusal.error["MinSizeAllowed"] == "5242880"
    with refused("InvalidPartOrder", 400):
        s3.complete_multipart_upload(
            **call, MultipartUpload={"Parts": list(reversed(named["Parts"]))}
        )
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]}
    with refused("InvalidPart", 400) as refusal:
        s3.complete_multipart_upload(**call, MultipartUpload=wrong)
    assert refusal.error["PartNumber"] == "1"
    with refused("MalformedXML", 400):
        s3.complete_multipart_upload(**call, MultipartUpload={"Parts": []})
    with refused("InvalidArgument", 400):
        s3.upload_part(**call, PartNumber=10_001, Body=b"x")
    s3.abort_multipart_upload(**call)
    with refused("NoSuchUpload", 404):
        s3.complete_multipart_upload(**call, MultipartUpload=named)
    with refused("NoSuchUpload", 404):
        s3.upload_part(**call, PartNumber=1, Body=b"x")


def test_uploads_and_parts_are_listed_in_pages(s3, bucket):
    made = [
        (key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])
        for key in ("b", "a", "c/1", "c/2", "a")
    ]
    whole = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [item["Key"] for item in whole] == ["a", "a", "b", "c/1", "c/2"]
    assert {item["UploadId"] for item in whole} == {upload_id for _, upload_id in made}
    found, markers = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=2, Delimiter="/", **markers)
        found += [item["Key"] for item in page.get("Uploads", [])]
        found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            break
        markers = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page["NextUploadIdMarker"],
        }
    assert found == ["a", "a", "b", "c/"]
    upload_id = upload(s3, bucket, "d", parts=(b"1", b"2", b"3"))[0]
    page = s3.list_parts(Bucket=bucket, Key="d", UploadId=upload_id, MaxParts=2)
    assert ([part["PartNumber"] for part in page["Parts"]], page["IsTruncated"]) == ([1, 2], True)
    page = s3.list_parts(
        Bucket=bucket, Key="d", UploadId=upload_id, PartNumberMarker=page["NextPartNumberMarker"]
    )
    assert [part["PartNumber"] for part in page["Parts"]] == [3]


def test_the_transfer_manager_of_boto3(s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"".join(PARTS) + b"x" * 10_000_000)
    s3.upload_file(str(source), bucket, "big")
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')
    s3.download_file(bucket, "big", str(target))
    assert target.read_bytes() == source.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copied")
    assert s3.head_object(Bucket=bucket, Key="copied")["ContentLength"] == source.stat().st_size


def test_a_copy_keeps_or_replaces_what_comes_with_it(s3, bucket, refused):
    s3.put_object(
        Bucket=bucket, Key="a b/é", Body=b"hello", Metadata={"a": "b"}, Tagging="t=1",
        ContentType="text/plain",
    )  # fmt: skip
    source = {"Bucket": bucket, "Key": "a b/é"}
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert answer["CopyObjectResult"]["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["Metadata"], head["ContentType"]) == ({"a": "b"}, "text/plain")
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [
        {"Key": "t", "Value": "1"}
    ]
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE",
        Metadata={"c": "d"}, TaggingDirective="REPLACE", Tagging="u=2", StorageClass="GLACIER_IR",
    )  # fmt: skip
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["Metadata"], head["StorageClass"]) == ({"c": "d"}, "GLACIER_IR")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"hello"
    with refused("InvalidRequest", 400) as refusal:
        s3.copy_object(Bucket=bucket, Key="a b/é", CopySource=source)
    assert refusal.message.startswith("This copy request is illegal because it is trying to copy")
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=source, CopySourceIfMatch="other")
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=bucket, Key="x", CopySource={"Bucket": bucket, "Key": "none"})
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="x", CopySource="nokey")


def test_a_copy_across_accounts_needs_both_sides(s3, bucket, client, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    other = client("s3", account="222222222222")
    other.create_bucket(Bucket="theirs")
    source = {"Bucket": bucket, "Key": "k"}
    with refused("AccessDenied", 403):
        other.copy_object(Bucket="theirs", Key="k", CopySource=source)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": '
        '"222222222222"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a-bucket/*"}]}',
    )
    other.copy_object(Bucket="theirs", Key="k", CopySource=source)
    assert other.get_object(Bucket="theirs", Key="k")["Body"].read() == b"hello"


def test_a_customers_key_in_copies_and_parts(s3, bucket, refused):
    key, other = b"k" * 32, b"o" * 32
    mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    s3.put_object(Bucket=bucket, Key="sealed", Body=b"secret words", **mine)
    source = {"Bucket": bucket, "Key": "sealed"}
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="open", CopySource=source)
    s3.copy_object(
        Bucket=bucket, Key="open", CopySource=source,
        CopySourceSSECustomerAlgorithm="AES256", CopySourceSSECustomerKey=key,
    )  # fmt: skip
    assert s3.get_object(Bucket=bucket, Key="open")["Body"].read() == b"secret words"
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k", **mine)
    call = {"Bucket": bucket, "Key": "k", "UploadId": begun["UploadId"]}
    with refused("AccessDenied", 403):
        s3.upload_part(
            **call, PartNumber=1, Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=other
        )
    parts = []
    for number, body in enumerate(PARTS, 1):
        answer = s3.upload_part(**call, PartNumber=number, Body=body, **mine)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(**call, MultipartUpload={"Parts": parts})
    got = s3.get_object(
        Bucket=bucket, Key="k", Range=f"bytes={len(FIVE) - 3}-{len(FIVE) + 2}", **mine
    )
    assert got["Body"].read() == b"\0\0\0aaa"


def test_parts_can_be_copied(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="source", Body=FIVE + b"tail")
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k")
    call = {"Bucket": bucket, "Key": "k", "UploadId": begun["UploadId"]}
    source = {"Bucket": bucket, "Key": "source"}
    first = s3.upload_part_copy(**call, PartNumber=1, CopySource=source)
    second = s3.upload_part_copy(
        **call,
        PartNumber=2,
        CopySource=source,
        CopySourceRange=f"bytes={len(FIVE)}-{len(FIVE) + 3}",
    )
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(
            **call, PartNumber=3, CopySource=source, CopySourceRange="bytes=0-99999999"
        )
    parts = [
        {"PartNumber": 1, "ETag": first["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]},
    ]
    s3.complete_multipart_upload(**call, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == FIVE + b"tailtail"
