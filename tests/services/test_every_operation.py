"""Every implemented operation of every service, with input made from its model: whoever calls, and
whatever is asked, the answer is AWS's (a result, or a refusal), never a failure of the server.

The inputs mix what exists in the cloud with values that are merely well formed and with odd ones.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel, ServiceModel, Shape
from tests.simulate.kit import Machine
from tests.wire.generate import Generator
from tests.wire.test_every_operation import model

from mesocosm.services import catalogue

SEEDS = 4
ACCOUNT = "111111111111"
ROOT = {"AccessKeyId": ACCOUNT, "SecretAccessKey": "any"}
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
}
ODD: tuple[Any, ...] = (
    "", " ", "*", "arn:", "arn:aws:s3:::", "arn:aws:iam::111111111111:role/" + "x" * 200, "../..",
    "%00", "a" * 3000, "ünïcödé ☃ 𝄞", "null", "-1", "{}", "[]", '{"Statement": 1}', "<a/>", "0",
    "arn:aws:sqs:us-east-1:111111111111:ready", "99999999999999999999", "2026-13-45T99:00:00Z",
    "\t",
)  # fmt: skip
NUMBERS = (-1, 0, 1, 2**31, 2**53)

Pool = dict[str, list[Any]]


class Asking(Generator):
    """Input of one operation: members by name from the pool, else as the model says, else odd."""

    def __init__(self, seed: str, pool: Pool, full: bool, odd: float) -> None:
        super().__init__(seed, full, text_only=True)
        self.pool = pool
        self.odd = odd

    def structure(self, shape: Shape, path: tuple[str, ...] = ()) -> dict[str, Any]:
        """A structure whose members are mostly what exists."""
        found = super().structure(shape, path)
        for name in found:
            member = shape.members[name]
            known = self.pool.get(name)
            if known and member.type_name == "string" and not member.enum:
                found[name] = self.random.choice(known)
            elif known and member.type_name == "list":
                found[name] = [self.random.choice(known)]
            if self.random.random() < self.odd:
                found[name] = self._odd(member, found[name])
        return found

    def _odd(self, shape: Shape, value: Any) -> Any:
        if shape.type_name == "string":
            return self.random.choice(ODD)
        if shape.type_name in ("integer", "long"):
            return self.random.choice(NUMBERS)
        if shape.type_name == "list":
            return self.random.choice(([], value * 30))
        if shape.type_name == "map":
            return {}
        return value


def furnish(machine: Machine) -> tuple[Pool, dict[str, Any]]:
    """A cloud with something of everything: what is there, and the keys of a user without any."""
    iam, s3 = machine.client("iam", ROOT), machine.client("s3", ROOT)
    sqs, sts = machine.client("sqs", ROOT), machine.client("sts", ROOT)
    iam.create_user(UserName="nobody")
    keys = iam.create_access_key(UserName="nobody")["AccessKey"]
    iam.create_group(GroupName="group")
    iam.add_user_to_group(GroupName="group", UserName="nobody")
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = iam.create_policy(PolicyName="policy", PolicyDocument=json.dumps(DOCUMENT))["Policy"]
    iam.create_instance_profile(InstanceProfileName="profile")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    s3.create_bucket(Bucket="ready-bucket")
    s3.put_bucket_versioning(Bucket="ready-bucket", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ready-bucket", Key="key", Body=b"body")["VersionId"]
    upload = s3.create_multipart_upload(Bucket="ready-bucket", Key="key")["UploadId"]
    url = sqs.create_queue(QueueName="ready")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="body")
    received = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    sqs.send_message(QueueUrl=url, MessageBody="body")
    arn = sts.get_caller_identity()["Arn"]
    pool: Pool = {
        "UserName": ["nobody", "nobody", "new"],
        "GroupName": ["group", "new"],
        "RoleName": ["role", "role", "new"],
        "PolicyName": ["policy", "inline", "new"],
        "PolicyArn": [policy["Arn"], "arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "PermissionsBoundary": [policy["Arn"]],
        "PolicyDocument": [json.dumps(DOCUMENT)],
        "AssumeRolePolicyDocument": [json.dumps(TRUST)],
        "VersionId": [version, "v1", "null"],
        "InstanceProfileName": ["profile", "new"],
        "SerialNumber": [device["SerialNumber"]],
        "AccessKeyId": [keys["AccessKeyId"]],
        "PolicySourceArn": [f"arn:aws:iam::{ACCOUNT}:user/nobody"],
        "Arn": [f"arn:aws:iam::{ACCOUNT}:user/nobody", policy["Arn"]],
        "ActionNames": ["s3:GetObject", "iam:ListUsers"],
        "ServiceNamespaces": ["s3", "iam"],
        "RoleArn": [f"arn:aws:iam::{ACCOUNT}:role/role"],
        "RoleSessionName": ["session"],
        "Bucket": ["ready-bucket", "ready-bucket", "ready-bucket", "no-such-bucket"],
        "Key": ["key", "other/ü key"],
        "UploadId": [upload],
        "CopySource": ["ready-bucket/key"],
        "QueueUrl": [url],
        "QueueName": ["ready", "other"],
        "ReceiptHandle": [received],
        "SourceArn": ["arn:aws:sqs:us-east-1:111111111111:ready"],
        "AttributeNames": ["All"],
        "Policy": [json.dumps(DOCUMENT)],
        "Id": ["alpha", "beta"],
        "TagKeys": ["alpha"],
        "AccountId": [ACCOUNT],
        "ResourceArn": [f"arn:aws:s3:::{name}" for name in ("ready-bucket", "no-such-bucket")],
        "caller": [arn],
    }
    organize(machine, pool)
    record(machine, pool)
    return pool, keys


def organize(machine: Machine, pool: Pool) -> None:
    """An organization with a unit and a policy."""
    organizations = machine.client("organizations", ROOT)
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="unit")
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = organizations.create_policy(
        Name="guard", Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(DOCUMENT)
    )
    unit_id = unit["OrganizationalUnit"]["Id"]
    pool |= {
        "RootId": [root],
        "ParentId": [root, unit_id],
        "ChildId": [unit_id, ACCOUNT],
        "OrganizationalUnitId": [unit_id],
        "TargetId": [root, unit_id, ACCOUNT],
        "PolicyId": [policy["Policy"]["PolicySummary"]["Id"]],
        "Content": [json.dumps(DOCUMENT)],
        "ResourceId": [root, unit_id],
        "ServicePrincipal": ["cloudtrail.amazonaws.com"],
        "SourceParentId": [root],
        "DestinationParentId": [unit_id],
    }


def record(machine: Machine, pool: Pool) -> None:
    """A trail."""
    trails = "cloudtrail.amazonaws.com"
    statement = {"Effect": "Allow", "Principal": {"Service": trails}, "Action": "s3:*"}
    arns = ["arn:aws:s3:::ready-bucket", "arn:aws:s3:::ready-bucket/*"]
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arns}]}
    machine.client("s3", ROOT).put_bucket_policy(Bucket="ready-bucket", Policy=json.dumps(policy))
    trail = machine.client("cloudtrail", ROOT).create_trail(
        Name="trail", S3BucketName="ready-bucket"
    )
    pool |= {
        "Name": ["trail", "unit", "other"],
        "TrailName": ["trail"],
        "TrailARN": [trail["TrailARN"]],
        "S3BucketName": ["ready-bucket"],
        "ResourceIdList": [trail["TrailARN"]],
        "trailNameList": ["trail"],
    }


class Ready:
    """A furnished cloud to which every call comes anew."""

    def __init__(self, directory: Path) -> None:
        self.machine = Machine(directory, 1, time.time)
        self.pool, self.keys = furnish(self.machine)
        self.reached: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.machine.run(lambda: self.machine.world.snapshot("ready"))

    def again(self) -> None:
        self.machine.run(lambda: self.machine.world.rewind("ready"))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    found = Ready(tmp_path_factory.mktemp("every") / "data")
    yield found
    found.machine.close()


@cache
def api(service: str) -> ServiceModel:
    return model(service)


def implemented(service: str) -> list[OperationModel]:
    found = catalogue().service(service)
    assert found is not None
    return [api(service).operation_model(name) for name in sorted(found.operations)]


def ask(ready: Ready, operation: OperationModel, seed: int, keys: dict[str, Any]) -> str:
    """One call; the failure of the server that it met, or nothing."""
    service = operation.service_model.service_name
    shape = operation.input_shape
    odd = (0.0, 0.0, 0.1, 0.3)[seed % 4]
    asking = Asking(f"{operation.name} {seed}", ready.pool, bool(seed % 2), odd)
    parameters = asking.structure(shape) if shape is not None else {}
    client = ready.machine.client(service, keys)
    try:
        client._make_api_call(operation.name, parameters)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 and error.response["Error"]["Code"] != "NotImplemented":
            return f"{service}:{operation.name} {error} with {str(parameters)[:1500]}"
        ready.reached[service, operation.name].add(error.response["Error"]["Code"])
    except (BotoCoreError, ValueError, TypeError, AttributeError, KeyError, RuntimeError):
        pass  # the client would not send it
    else:
        ready.reached[service, operation.name].add("ok")
    return ""


@pytest.mark.parametrize(
    "service", [name for name in catalogue().names if catalogue().service(name)]
)
def test_no_input_makes_the_server_fail(ready: Ready, service: str) -> None:
    failures = []
    for operation in implemented(service):
        failures += [
            ask(ready, operation, seed, keys)
            for seed in range(SEEDS)
            for keys in (ROOT, ready.keys)
        ]
        ready.again()
    found = [failure for failure in failures if failure]
    assert not found, f"{len(found)} failures:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        (
            "iam",
            "UploadSSHPublicKey",
            {"UserName": "nobody", "SSHPublicKeyBody": "an algorithm"},
            "InvalidPublicKey",
        ),
        (
            "s3",
            "GetObjectAttributes",
            {"Bucket": "ready-bucket", "Key": "key", "ObjectAttributes": []},
            "InvalidArgument",
        ),
    ],
)
def test_what_once_failed(
    ready: Ready, service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    client = ready.machine.client(service, ROOT)
    with pytest.raises(ClientError) as refused:
        client._make_api_call(operation, parameters)
    assert refused.value.response["Error"]["Code"] == code
