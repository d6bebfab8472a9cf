"""The unmodified AWS CLI and S3: `aws s3` and `aws s3api`."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clients.papers import document

from mesocosm.testing.local import LocalCloud

Aws = Callable[..., Any]

pytestmark = pytest.mark.needs("aws")


def test_files_go_up_and_down(cloud: LocalCloud, aws: Aws, tmp_path: Path) -> None:
    assert aws("s3", "mb", "s3://files") == "make_bucket: files"
    site = tmp_path / "site"
    (site / "deep").mkdir(parents=True)
    (site / "index.html").write_text("<h1>hello</h1>")
    (site / "deep" / "näme +%.txt").write_text("deep")
    for path in (site / "index.html", site / "deep" / "näme +%.txt"):
        # S3 keeps whole seconds: what is written and uploaded within one looks newer than its copy.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    said = aws("s3", "sync", "site", "s3://files/www", "--no-progress")
    assert sorted(line.split(" to ")[1] for line in said.splitlines()) == [
        "s3://files/www/deep/näme +%.txt",
        "s3://files/www/index.html",
    ]
    assert aws("s3", "sync", "site", "s3://files/www", "--no-progress") == ""  # nothing to do
    (site / "deep" / "näme +%.txt").unlink()
    said = aws("s3", "sync", "site", "s3://files/www", "--delete", "--no-progress")
    assert said == "delete: s3://files/www/deep/näme +%.txt"

    assert "PRE www/" in aws("s3", "ls", "s3://files")
    assert aws("s3", "ls", "s3://files/www/").endswith("14 index.html")
    head = cloud.client("s3", account="111111111111")
    assert head.head_object(Bucket="files", Key="www/index.html")["ContentType"] == "text/html"
    head.close()
    assert aws("s3", "cp", "s3://files/www/index.html", "-") == "<h1>hello</h1>"
    said = aws("s3", "mv", "s3://files/www/index.html", "s3://files/moved", "--no-progress")
    assert said == "move: s3://files/www/index.html to s3://files/moved"

    assert "BucketNotEmpty" in aws("s3", "rb", "s3://files")
    assert "(404)" in aws("s3", "cp", "s3://files/none", "-")
    refused = aws("s3api", "get-object-acl", "--bucket", "files", "--key", "none")
    assert "(NoSuchKey)" in refused
    assert "The specified key does not exist." in refused
    assert aws("s3", "rm", "s3://files", "--recursive", "--exclude", "moved") == ""
    said = aws("s3", "rb", "s3://files", "--force")
    assert said.splitlines() == ["delete: s3://files/moved", "remove_bucket: files"]
    assert "(NoSuchBucket)" in aws("s3", "ls", "s3://files")


def test_a_large_file_goes_in_parts(cloud: LocalCloud, aws: Aws, tmp_path: Path) -> None:
    aws("s3", "mb", "s3://large", "--region", "eu-west-1")
    content = bytes(range(251)) * 83_600  # 20 MB, 8 MB a part, never the same at a part's start
    (tmp_path / "large").write_bytes(content)
    aws("s3", "cp", "large", "s3://large/", "--no-progress", "--region", "eu-west-1")
    s3 = cloud.client("s3", account="111111111111", region="eu-west-1")
    assert s3.head_object(Bucket="large", Key="large")["ETag"].endswith('-3"')
    assert s3.list_multipart_uploads(Bucket="large").get("Uploads", []) == []
    s3.close()
    said = aws("s3", "cp", "s3://large/large", "back", "--no-progress", "--region", "eu-west-1")
    assert said == "download: s3://large/large to ./back"
    assert (tmp_path / "back").read_bytes() == content


def test_a_presigned_url(cloud: LocalCloud, aws: Aws) -> None:
    iam = cloud.client("iam", account="111111111111")
    iam.create_user(UserName="ana")
    may = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    iam.put_user_policy(UserName="ana", PolicyName="may", PolicyDocument=may)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    iam.close()
    ana = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    aws("s3api", "create-bucket", "--bucket", "shared")
    aws("s3api", "put-object", "--bucket", "shared", "--key", "a b")
    url = aws("s3", "presign", "s3://shared/a b", "--expires-in", "60", **ana)
    with urllib.request.urlopen(url) as answer:
        assert (answer.status, answer.read()) == (200, b"")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace("a%20b", "a%20c"))
    assert refused.value.code == 403
    refused.value.close()


def test_buckets_by_their_api(aws: Aws) -> None:
    place = '{"LocationConstraint": "eu-west-1"}'
    made = aws(
        *("s3api", "create-bucket", "--bucket", "far", "--region", "eu-west-1"),
        *("--create-bucket-configuration", place),
    )
    assert made["Location"].startswith("http")
    assert aws("s3api", "get-bucket-location", "--bucket", "far")["LocationConstraint"] == (
        "eu-west-1"
    )
    aws(
        *("s3api", "put-bucket-versioning", "--bucket", "far"),
        *("--versioning-configuration", "Status=Enabled"),
    )
    assert aws("s3api", "get-bucket-versioning", "--bucket", "far") == {"Status": "Enabled"}
    aws("s3api", "put-bucket-tagging", "--bucket", "far", "--tagging", "TagSet=[{Key=a,Value=b}]")
    found = aws("s3api", "list-buckets", "--query", "Buckets[].Name")
    assert found == ["far"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::far",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("s3api", "put-bucket-policy", "--bucket", "far", "--policy", policy)
    assert aws("s3api", "list-objects-v2", "--bucket", "far", account="222222222222") in (
        "",
        {
            "RequestCharged": None,
            "Prefix": "",
        },
    )
    refused = aws("s3api", "get-bucket-policy", "--bucket", "far", account="222222222222")
    assert "(MethodNotAllowed)" in refused or "(AccessDenied)" in refused
    refused = aws("s3api", "list-objects-v2", "--bucket", "far", account="333333333333")
    assert "(AccessDenied)" in refused
