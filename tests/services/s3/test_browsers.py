"""What no SDK signs: presigned URLs, forms, CORS, virtual hosts, raw XML."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

SIGNED = [Config(), Config(signature_version="s3v4")]


def follow(raw, method, url, body=b""):
    """Send what a presigned URL is for, to the host it was signed for."""
    parts = urlsplit(url)
    return raw(method, f"{parts.path}?{parts.query}", body, host=parts.netloc)


def make_public(s3, bucket):
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")


@pytest.mark.parametrize("config", SIGNED, ids=["version 2", "version 4"])
def test_presigned_urls(client, bucket, raw, config):
    s3 = client("s3", config=config)
    key = "a b/é+x"
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    assert follow(raw, "PUT", url, b"hello")[0] == 200
    url = s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket, "Key": key, "ResponseContentType": "text/x"},
    )
    status, headers, body = follow(raw, "GET", url)
    assert (status, headers["content-type"], body) == (200, "text/x", b"hello")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=-5
    ) if config.signature_version is None else None  # fmt: skip
    if url is not None:
        status, _, body = follow(raw, "GET", url)
        assert (status, b"Request has expired" in body) == (403, True)


def test_headers_in_the_query_of_a_presigned_url(s3, bucket, raw):
    url = s3.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": bucket,
            "Key": "k",
            "Metadata": {"a": "b c"},
            "StorageClass": "GLACIER_IR",
        },
    )
    assert "x-amz-meta-a=b" in url
    assert follow(raw, "PUT", url, b"hello")[0] == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["StorageClass"]) == ({"a": "b c"}, "GLACIER_IR")


def test_a_presigned_url_of_a_real_key_must_be_right(client, bucket, raw):
    iam = client("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(
        UserName="ann",
        PolicyName="all",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
            }
        ),
    )
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    for config in SIGNED:
        s3 = client("s3", credentials=key, config=config)
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        answer = follow(raw, "GET", url)
        assert answer[::2] == (200, b"hello"), answer[2].decode()
        status, _, body = follow(raw, "GET", url.replace("/k?", "/l?"))
        assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
        post = s3.generate_presigned_post(bucket, "form")
        assert send_form(raw, post)[0] == 204
        post["fields"]["policy"] = post["fields"]["policy"][:-8] + "AAAAAAA="
        status, _, body = send_form(raw, post)
        assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)


def send_form(raw, post, data=b"hello", filename="f.txt", **more):
    fields = {**post["fields"], **more}
    boundary = "XXboundaryXX"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: text/plain\r\n\r\n".encode()
        + data
        + f"\r\n--{boundary}--\r\n".encode()
    )
    return raw(
        "POST",
        urlsplit(post["url"]).path,
        b"".join(parts),
        Content_Type=f"multipart/form-data; boundary={boundary}",
    )


@pytest.mark.parametrize("config", SIGNED, ids=["version 2", "version 4"])
def test_an_upload_form(client, bucket, raw, config):
    s3 = client("s3", config=config)
    post = s3.generate_presigned_post(
        bucket,
        "up/${filename}",
        Fields={"success_action_status": "201", "x-amz-meta-a": "b", "Content-Type": "text/x"},
        Conditions=[
            ["content-length-range", 1, 2_000_000],
            {"success_action_status": "201"},
            {"x-amz-meta-a": "b"},
            ["starts-with", "$Content-Type", "text/"],
        ],
    )
    status, headers, body = send_form(raw, post)
    assert status == 201, body
    assert b"<Key>up/f.txt</Key>" in body
    assert headers["location"].endswith(f"/{bucket}/up/f.txt")
    got = s3.get_object(Bucket=bucket, Key="up/f.txt")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (
        b"hello", {"a": "b"}, "text/x",
    )  # fmt: skip
    big = b"\r\n--XX" * 250_000
    assert send_form(raw, post, big)[0] == 201
    assert s3.get_object(Bucket=bucket, Key="up/f.txt")["Body"].read() == big
    status, _, body = send_form(raw, post, b"")
    assert (status, b"<Code>EntityTooSmall</Code>" in body) == (400, True)
    status, _, body = send_form(raw, post, extra="field")
    assert (status, b"Extra input fields: extra" in body) == (403, True)
    status, _, body = send_form(raw, post, **{"Content-Type": "image/x"})
    assert (status, b"Policy Condition failed" in body) == (403, True)
    del post["fields"]["policy"]
    assert send_form(raw, post)[0] in (400, 403)


def test_cross_origin_requests(s3, bucket, raw, refused):
    make_public(s3, bucket)
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)
    ask = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "PUT"}
    status, _, body = raw("OPTIONS", f"/{bucket}/k", **ask)
    assert (status, b"CORS is not enabled for this bucket." in body) == (403, True)
    rules = [
        {
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://*.example.com"],
            "AllowedHeaders": ["x-amz-*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 30,
        }
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    status, headers, _ = raw(
        "OPTIONS", f"/{bucket}/k", **ask, Access_Control_Request_Headers="X-Amz-Date"
    )
    assert status == 200
    assert headers["access-control-allow-origin"] == "https://a.example.com"
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "X-Amz-Date"
    assert headers["access-control-max-age"] == "30"
    status, _, body = raw("OPTIONS", f"/{bucket}/k", **(ask | {"Origin": "https://evil"}))
    assert (status, b"<Code>AccessForbidden</Code>" in body) == (403, True)
    _, headers, _ = raw("GET", f"/{bucket}?location", Origin="https://a.example.com")
    assert headers["access-control-allow-origin"] == "https://a.example.com"
    assert headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in raw("GET", f"/{bucket}")[1]
    with refused("InvalidRequest", 400):
        s3.put_bucket_cors(
            Bucket=bucket,
            CORSConfiguration={
                "CORSRules": [{"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}]
            },
        )
    s3.delete_bucket_cors(Bucket=bucket)


def test_a_bucket_in_the_host_name(s3, bucket, raw):
    make_public(s3, bucket)
    for host in ("a-bucket.s3.localhost:4566", "a-bucket.s3.us-east-1.amazonaws.com"):
        assert raw("PUT", "/a/b", b"hello", host=host)[0] == 200
        assert raw("GET", "/a/b", host=host)[0] == 403
        status, _, body = raw("GET", "/?prefix=a", host=host)
        assert (status, b"<Key>a/b</Key>" in body) == (200, True)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b"]


def test_errors_have_s3s_form(raw, s3, bucket):
    make_public(s3, bucket)
    status, headers, body = raw("GET", f"/{bucket}/a%26b")
    assert status == 404
    assert headers["content-type"] == "application/xml"
    text = body.decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>')
    assert "<Key>a&amp;b</Key>" in text
    assert f"<RequestId>{headers['x-amz-request-id']}</RequestId>" in text
    status, _, body = raw("HEAD", f"/{bucket}/none")
    assert (status, body) == (404, b"")


def test_control_characters_in_keys_survive_without_encoding(raw, s3, bucket):
    make_public(s3, bucket)
    s3.put_object(Bucket=bucket, Key="a\x01b", Body=b"x")
    body = raw("GET", f"/{bucket}")[2]
    assert b"<Key>a&#x1;b</Key>" in body
    assert b"<Key>a%01b</Key>" in raw("GET", f"/{bucket}?encoding-type=url")[2]


def test_a_trailing_checksum_is_verified(raw, s3, bucket):
    make_public(s3, bucket)

    def put(crc):
        body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + crc + b"\r\n\r\n"
        return raw(
            "PUT",
            f"/{bucket}/k",
            body,
            X_Amz_Content_Sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Content_Encoding="aws-chunked,gzip",
            X_Amz_Trailer="x-amz-checksum-crc32",
            X_Amz_Decoded_Content_Length="5",
        )

    assert put(b"NhCmhg==")[0] == 200
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ContentEncoding"]) == ("NhCmhg==", "gzip")
    status, _, body = put(b"AAAAAA==")
    assert (status, b"<Code>BadDigest</Code>" in body) == (400, True)


def test_archived_objects_are_read_after_a_restore(s3, bucket, cloud, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="GLACIER")
    with refused("InvalidObjectState", 403) as refusal:
        s3.get_object(Bucket=bucket, Key="k")
    assert refusal.error["StorageClass"] == "GLACIER"
    ask = {"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}}
    answer = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=ask)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    with refused("RestoreAlreadyInProgress", 409):
        s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=ask)
    cloud.advance(6 * 3600)
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"].startswith('ongoing-request="false"')
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"cold"
    answer = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=ask)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    cloud.advance(4 * 86400)
    with refused("InvalidObjectState", 403):
        s3.get_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="warm", Body=b"x")
    with refused("InvalidObjectState", 403):
        s3.restore_object(Bucket=bucket, Key="warm", RestoreRequest=ask)


def test_headers_hoisted_into_a_query_of_version_4(client, bucket, raw):
    """As the JavaScript SDK presigns: x-amz- headers in the query, signed as part of it."""
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    iam = client("iam")
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    s3 = client("s3", credentials=key)
    url = f"{s3.meta.endpoint_url}/{bucket}/k?x-amz-meta-a=b&x-amz-storage-class=GLACIER_IR"
    request = AWSRequest("PUT", url)
    known = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    S3SigV4QueryAuth(known, "s3", "us-east-1", expires=60).add_auth(request)
    status, _, body = follow(raw, "PUT", request.url, b"hello")
    assert status == 200, body
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["StorageClass"]) == ({"a": "b"}, "GLACIER_IR")
    status, _, body = follow(raw, "PUT", request.url.replace("GLACIER_IR", "STANDARD_IA"), b"x")
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
