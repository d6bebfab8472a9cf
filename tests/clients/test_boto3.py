"""boto3 and botocore in the ways applications use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import WaiterError
from tests.clients.papers import assumable, document

from mesocosm.testing.local import LocalCloud

ACCOUNT = "111111111111"
OTHER = "222222222222"
MB = 1024 * 1024


@pytest.fixture
def environment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The endpoint in the environment and no keys; the folder of its configuration files."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def identity(session: boto3.Session) -> str:
    """The ARN of whom a session's credentials belong to."""
    sts = session.client("sts")
    arn: str = sts.get_caller_identity()["Arn"]
    sts.close()
    return arn


def test_waiters_and_paginators(client: Callable[..., Any]) -> None:
    s3, iam = client("s3", account=ACCOUNT), client("iam", account=ACCOUNT)
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        s3.get_waiter("bucket_exists").wait(Bucket="none-of-these", WaiterConfig={"MaxAttempts": 1})
    s3.create_bucket(Bucket="waited-for")
    s3.get_waiter("bucket_exists").wait(Bucket="waited-for")
    for number in range(25):
        s3.put_object(Bucket="waited-for", Key=f"{number:02}", Body=b"x")
    s3.get_waiter("object_exists").wait(Bucket="waited-for", Key="07")
    s3.get_waiter("object_not_exists").wait(Bucket="waited-for", Key="99")
    for name in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(name).paginate(
            Bucket="waited-for", PaginationConfig={"PageSize": 10}
        )
        sizes = [len(page["Contents"]) for page in pages]
        assert sizes == [10, 10, 5]

    for number in range(7):
        iam.create_user(UserName=f"u{number}")
    iam.get_waiter("user_exists").wait(UserName="u3")
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["Users"]) for page in pages] == [3, 3, 1]
    first = iam.get_paginator("list_users").paginate(PaginationConfig={"MaxItems": 2})
    assert len(first.build_full_result()["Users"]) == 2
    admins = iam.get_paginator("list_policies").paginate(Scope="AWS")
    names = [policy["PolicyName"] for page in admins for policy in page["Policies"]]
    assert len(names) == len(set(names)) > 500


def test_the_resource_api_with_parts(cloud: LocalCloud, tmp_path: Path) -> None:
    resource = boto3.resource(
        "s3",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="any",
    )
    bucket = resource.create_bucket(Bucket="files")
    bucket.wait_until_exists()
    content = bytes(range(256)) * 4096 * 12  # 12 MB
    (tmp_path / "in").write_bytes(content)
    config = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    more = {"ContentType": "text/x", "Metadata": {"a": "b"}}
    bucket.upload_file(str(tmp_path / "in"), "big", Config=config, ExtraArgs=more)
    stored = resource.Object("files", "big")
    assert stored.e_tag.endswith('-3"')
    assert (stored.content_length, stored.content_type) == (len(content), "text/x")
    assert stored.metadata == {"a": "b"}
    bucket.download_file("big", str(tmp_path / "out"), Config=config)
    assert (tmp_path / "out").read_bytes() == content
    copied = resource.Object("files", "copy")
    copied.copy({"Bucket": "files", "Key": "big"}, Config=config)
    assert copied.get(Range="bytes=5242879-5242880")["Body"].read() == content[5242879:5242881]
    assert sorted(one.key for one in bucket.objects.all()) == ["big", "copy"]
    deleted = bucket.objects.all().delete()
    assert len(deleted[0]["Deleted"]) == 2
    bucket.delete()
    bucket.wait_until_not_exists()
    resource.meta.client.close()


def test_other_resources(cloud: LocalCloud) -> None:
    options: Any = {
        "endpoint_url": cloud.endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": ACCOUNT,
        "aws_secret_access_key": "any",
    }
    sqs, iam = boto3.resource("sqs", **options), boto3.resource("iam", **options)
    queue = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0"})
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(3)])
    (first, *_) = queue.receive_messages(MaxNumberOfMessages=3)
    first.delete()
    assert sqs.get_queue_by_name(QueueName="q").attributes["VisibilityTimeout"] == "0"

    user = iam.create_user(UserName="ana")
    user.add_group(GroupName=iam.create_group(GroupName="eng").name)
    assert [group.name for group in user.groups.all()] == ["eng"]
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=document(trusted))
    role.Policy("p").put(
        PolicyDocument=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    )
    policy = iam.RolePolicy("r", "p")
    assert policy.policy_document["Statement"][0]["Action"] == "s3:*"
    sqs.meta.client.close()
    iam.meta.client.close()


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_retry_modes(client: Callable[..., Any], mode: str) -> None:
    config = Config(retries={"mode": mode, "max_attempts": 3})
    sqs = client("sqs", account=ACCOUNT, config=config)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "x", MessageBody="x")


def test_the_endpoint_from_the_environment(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    assert identity(boto3.Session()) == f"arn:aws:iam::{ACCOUNT}:root"
    plain = botocore.session.get_session().create_client("sqs")
    assert "QueueUrls" not in plain.list_queues()
    plain.close()


def test_a_profile_that_assumes_a_role(cloud: LocalCloud, environment: Path) -> None:
    key, role = assumable(cloud, ACCOUNT, OTHER)
    (environment / "credentials").write_text(
        f"[base]\naws_access_key_id = {key['AccessKeyId']}\n"
        f"aws_secret_access_key = {key['SecretAccessKey']}\n"
    )
    (environment / "config").write_text(
        f"[profile away]\nrole_arn = {role}\nsource_profile = base\nexternal_id = shop\n"
        "role_session_name = here\nduration_seconds = 900\n"
        f"[profile wrong]\nrole_arn = {role}\nsource_profile = base\n"
    )
    away = identity(boto3.Session(profile_name="away"))
    assert away == f"arn:aws:sts::{OTHER}:assumed-role/deploy/here"
    assert identity(boto3.Session(profile_name="base")) == f"arn:aws:iam::{ACCOUNT}:user/deployer"
    with pytest.raises(Exception, match=r"AccessDenied.*not authorized to perform: sts:AssumeRole"):
        identity(boto3.Session(profile_name="wrong"))


def test_credentials_from_a_process(cloud: LocalCloud, environment: Path) -> None:
    key, _ = assumable(cloud, ACCOUNT, OTHER)
    program = environment / "keys.py"
    program.write_text(f"print({json.dumps({'Version': 1, **key})!r})")
    (environment / "config").write_text(
        f"[profile process]\ncredential_process = {sys.executable} {program}\n"
    )
    arn = identity(boto3.Session(profile_name="process"))
    assert arn == f"arn:aws:iam::{ACCOUNT}:user/deployer"


def test_a_role_by_a_web_identity_refuses_a_token_of_nobody(
    cloud: LocalCloud, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, role = assumable(cloud, ACCOUNT, OTHER)
    (environment / "token").write_text("not.a.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(environment / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", role)
    with pytest.raises(Exception, match="InvalidIdentityToken"):
        identity(boto3.Session())
