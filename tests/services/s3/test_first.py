from __future__ import annotations


def test_a_bucket_and_an_object(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="first-bucket")
    answer = s3.put_object(Bucket="first-bucket", Key="a/b", Body=b"hello", Metadata={"X": "y"})
    assert answer["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    got = s3.get_object(Bucket="first-bucket", Key="a/b")
    assert got["Body"].read() == b"hello"
    print(got)
    print(s3.head_object(Bucket="first-bucket", Key="a/b", ChecksumMode="ENABLED"))
    print(s3.list_objects_v2(Bucket="first-bucket"))
    print(s3.list_objects_v2(Bucket="first-bucket", Delimiter="/"))
    print(s3.list_object_versions(Bucket="first-bucket"))
    got = s3.get_object(Bucket="first-bucket", Key="a/b", Range="bytes=1-2")
    assert got["Body"].read() == b"el"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    s3.delete_object(Bucket="first-bucket", Key="a/b")
    s3.delete_bucket(Bucket="first-bucket")
