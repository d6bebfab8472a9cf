"""Who may read a parameter: keys, tags, conditions, other accounts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.ssm.support import names, put, refusal, value

from mesocosm.testing.local import LocalCloud

OTHER = "222222222222"
READ = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"]


@pytest.fixture
def user(client: Callable[..., Any]) -> Callable[..., Any]:
    """`user(statement, ...)`: Systems Manager as a new user with these statements sees it."""
    iam = client("iam")

    def make(*statements: dict[str, Any]) -> Any:
        name = f"user{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        return client("ssm", credentials=iam.create_access_key(UserName=name)["AccessKey"])

    return make


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found


@pytest.mark.parametrize("tier", ["Standard", "Advanced"])
def test_a_disabled_key_makes_decrypting_fail(
    ssm: Any, client: Callable[..., Any], tier: str
) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    put(ssm, "p", "secret", "SecureString", KeyId=key, Tier=tier)
    assert value(ssm, "p") == "secret"
    kms.disable_key(KeyId=key)
    code, message = refusal(ssm.get_parameter, Name="p", WithDecryption=True)
    assert code == "InvalidKeyId"
    assert f"{key} is disabled." in message
    kept = ssm.get_parameter(Name="p")["Parameter"]["Value"]
    assert "secret" not in kept
    code, _ = refusal(ssm.put_parameter, Name="p", Value="x", Overwrite=True)
    assert code == "InvalidKeyId"
    (shown,) = ssm.describe_parameters()["Parameters"]
    assert shown["KeyId"] == key


def test_the_key_needs_a_permission_of_its_own(
    ssm: Any, client: Callable[..., Any], user: Callable[..., Any]
) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    put(ssm, "/a/mine", "1", "SecureString", KeyId=key)
    put(ssm, "/a/default", "2", "SecureString")
    reader = user(allow("ssm:*"))
    assert value(reader, "/a/default") == "2"
    code, _ = refusal(reader.get_parameter, Name="/a/mine", WithDecryption=True)
    assert code == "AccessDeniedException"
    reader.get_parameter(Name="/a/mine")
    condition = {"kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:*:*:parameter/a/*"}
    both = user(allow("ssm:*"), allow("kms:Decrypt", key, StringLike=condition))
    assert value(both, "/a/mine") == "1"


def test_paths_tags_and_conditions(ssm: Any, user: Callable[..., Any]) -> None:
    put(ssm, "/a/x", Tags=[{"Key": "team", "Value": "a"}])
    put(ssm, "/a/y")
    put(ssm, "/b/x")
    below = user(allow("ssm:GetParametersByPath", "arn:aws:ssm:*:*:parameter/a"))
    assert names(below.get_parameters_by_path(Path="/a")) == ["/a/x", "/a/y"]
    assert refusal(below.get_parameters_by_path, Path="/b")[0] == "AccessDeniedException"
    tagged = user(allow("ssm:GetParameter", StringEquals={"ssm:resourceTag/team": "a"}))
    tagged.get_parameter(Name="/a/x")
    assert refusal(tagged.get_parameter, Name="/a/y")[0] == "AccessDeniedException"
    some = user(allow("ssm:GetParameters", "arn:aws:ssm:*:*:parameter/a/*"))
    some.get_parameters(Names=["/a/x", "/a/y"])
    assert refusal(some.get_parameters, Names=["/a/x", "/b/x"])[0] == "AccessDeniedException"
    careful = user(allow("ssm:PutParameter", StringEquals={"ssm:Overwrite": "false"}))
    put(careful, "/a/z")
    code, _ = refusal(careful.put_parameter, Name="/a/z", Value="2", Overwrite=True)
    assert code == "AccessDeniedException"
    public = user(allow("ssm:GetParameter", "arn:aws:ssm:*::parameter/aws/service/*"))
    assert value(public, "/aws/service/global-infrastructure/regions/us-east-1") == "us-east-1"


def test_a_parameter_is_shared_with_another_account(ssm: Any, client: Callable[..., Any]) -> None:
    put(ssm, "/shared", "v")
    arn = ssm.get_parameter(Name="/shared")["Parameter"]["ARN"]
    other = client("ssm", account=OTHER)
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": READ, "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    code, _ = refusal(ssm.put_resource_policy, ResourceArn=arn, Policy=text)
    assert code == "ResourcePolicyInvalidParameterException"
    ssm.put_parameter(Name="/shared", Value="v", Tier="Advanced", Overwrite=True)
    done = ssm.put_resource_policy(ResourceArn=arn, Policy=text)
    found = other.get_parameter(Name=arn)["Parameter"]
    assert (found["Value"], found["Name"]) == ("v", arn)
    assert other.get_parameters(Names=[arn])["Parameters"][0]["Value"] == "v"
    assert len(other.get_parameter_history(Name=arn)["Parameters"]) == 2
    assert refusal(other.get_parameter, Name="/shared")[0] == "ParameterNotFound"
    (policy,) = ssm.get_resource_policies(ResourceArn=arn)["Policies"]
    assert (policy["PolicyId"], policy["Policy"]) == (done["PolicyId"], text)
    which = {"ResourceArn": arn, "PolicyId": done["PolicyId"]}
    code, _ = refusal(ssm.delete_resource_policy, **which, PolicyHash="stale")
    assert code == "ResourcePolicyConflictException"
    ssm.delete_resource_policy(**which, PolicyHash=done["PolicyHash"])
    assert refusal(other.get_parameter, Name=arn)[0] == "AccessDeniedException"


def test_no_record_shows_a_value(cloud: LocalCloud, ssm: Any) -> None:
    from mesocosm.call.record import encode

    put(ssm, "p", "very-secret-text", "SecureString")
    value(ssm, "p")
    records = cloud.do(lambda: list(cloud.cloud.calls))
    assert b"very-secret-text" not in encode(records)
