"""Secrets under keys: what KMS refuses, Secrets Manager cannot read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.secretsmanager.support import TOKENS, refusal

from mesocosm.testing.local import LocalCloud

OTHER = "222222222222"
DENIED = ("AccessDeniedException", "Access to KMS is not allowed")


@pytest.fixture
def kms(client: Callable[..., Any]) -> Any:
    return client("kms")


@pytest.fixture
def key(kms: Any) -> str:
    """The ARN of a customer managed key."""
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


def test_a_disabled_key_makes_reading_fail(secretsmanager: Any, kms: Any, key: str) -> None:
    secretsmanager.create_secret(Name="s", KmsKeyId=key, SecretString="x")
    assert secretsmanager.describe_secret(SecretId="s")["KmsKeyId"] == key
    kms.disable_key(KeyId=key)
    code, message = refusal(secretsmanager.get_secret_value, SecretId="s")
    assert code == "DecryptionFailure"
    assert f"{key} is disabled." in message
    code, _ = refusal(secretsmanager.put_secret_value, SecretId="s", SecretString="y")
    assert code == "EncryptionFailure"
    found = secretsmanager.batch_get_secret_value(SecretIdList=["s"])
    assert found["Errors"][0]["ErrorCode"] == "DecryptionFailure"
    kms.enable_key(KeyId=key)
    assert secretsmanager.get_secret_value(SecretId="s")["SecretString"] == "x"


def test_the_managed_key_is_made_at_its_first_use(secretsmanager: Any, kms: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x", ClientRequestToken=TOKENS[0])
    aliases = {one["AliasName"] for one in kms.list_aliases()["Aliases"]}
    assert "alias/aws/secretsmanager" in aliases
    (version,) = secretsmanager.list_secret_version_ids(SecretId="s")["Versions"]
    assert version["KmsKeyIds"] == ["DefaultEncryptionKey"]


def test_a_reader_needs_the_key(secretsmanager: Any, client: Callable[..., Any], key: str) -> None:
    secretsmanager.create_secret(Name="mine", KmsKeyId=key, SecretString="x")
    secretsmanager.create_secret(Name="default", SecretString="y")
    iam = client("iam")
    iam.create_user(UserName="reader")
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"},
    }
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(document))
    keys = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = client("secretsmanager", credentials=keys)
    assert reader.get_secret_value(SecretId="default")["SecretString"] == "y"
    assert refusal(reader.get_secret_value, SecretId="mine") == DENIED
    assert refusal(reader.create_secret, Name="n", KmsKeyId=key, SecretString="z") == DENIED
    document["Statement"] = [
        document["Statement"],
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key,
            "Condition": {
                "StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
                "StringLike": {"kms:EncryptionContext:SecretARN": "arn:*:secret:mine-*"},
            },
        },
    ]
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(document))
    assert reader.get_secret_value(SecretId="mine")["SecretString"] == "x"


def test_another_key_takes_over_the_labelled_values(
    secretsmanager: Any, kms: Any, key: str
) -> None:
    secretsmanager.create_secret(Name="s", SecretString="1")
    secretsmanager.put_secret_value(SecretId="s", SecretString="2")
    secretsmanager.update_secret(SecretId="s", KmsKeyId=key)
    kms.disable_key(KeyId=key)
    for stage in ("AWSCURRENT", "AWSPREVIOUS"):
        code, _ = refusal(secretsmanager.get_secret_value, SecretId="s", VersionStage=stage)
        assert code == "DecryptionFailure"
    kms.enable_key(KeyId=key)
    secretsmanager.update_secret(SecretId="s", KmsKeyId="alias/aws/secretsmanager")
    kms.disable_key(KeyId=key)
    assert secretsmanager.get_secret_value(SecretId="s")["SecretString"] == "2"
    code, _ = refusal(secretsmanager.update_secret, SecretId="s", KmsKeyId="alias/absent")
    assert code == "EncryptionFailure"


def test_a_replica_is_under_a_key_of_its_region(
    secretsmanager: Any, client: Callable[..., Any], key: str, kms: Any
) -> None:
    abroad = client("secretsmanager", region="eu-west-1")
    theirs = client("kms", region="eu-west-1")
    there = theirs.create_key()["KeyMetadata"]["Arn"]
    secretsmanager.create_secret(Name="s", KmsKeyId=key, SecretString="x")
    region = {"Region": "eu-west-1", "KmsKeyId": there}
    secretsmanager.replicate_secret_to_regions(SecretId="s", AddReplicaRegions=[region])
    kms.disable_key(KeyId=key)
    assert abroad.get_secret_value(SecretId="s")["SecretString"] == "x"
    kms.enable_key(KeyId=key)
    theirs.disable_key(KeyId=there)
    assert refusal(abroad.get_secret_value, SecretId="s")[0] == "DecryptionFailure"
    secretsmanager.put_secret_value(SecretId="s", SecretString="y")
    (status,) = secretsmanager.describe_secret(SecretId="s")["ReplicationStatus"]
    assert status["Status"] == "Failed"
    assert "is disabled" in status["StatusMessage"]


def shared(client: Callable[..., Any], account: str, *accounts: str) -> str:
    """A key of an account that others may use."""
    kms = client("kms", account=account)
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    principals = [f"arn:aws:iam::{one}:root" for one in (account, *accounts)]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": "kms:*",
        "Resource": "*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=text)
    return arn


def test_another_account_needs_policy_and_key(
    secretsmanager: Any, client: Callable[..., Any]
) -> None:
    other = client("secretsmanager", account=OTHER)
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": OTHER},
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
            },
        }
    )
    arn = secretsmanager.create_secret(Name="s", SecretString="x")["ARN"]
    secretsmanager.put_resource_policy(SecretId="s", ResourcePolicy=text)
    assert refusal(other.get_secret_value, SecretId=arn) == (
        "InvalidRequestException",
        "You can't access a secret from a different AWS account if you encrypt the secret with the "
        "default KMS service key.",
    )
    secretsmanager.update_secret(SecretId="s", KmsKeyId=shared(client, "000000000000"))
    assert refusal(other.get_secret_value, SecretId=arn) == DENIED
    secretsmanager.update_secret(SecretId="s", KmsKeyId=shared(client, "000000000000", OTHER))
    assert other.get_secret_value(SecretId=arn)["SecretString"] == "x"


def test_a_replica_in_another_account(
    cloud: LocalCloud, secretsmanager: Any, client: Callable[..., Any]
) -> None:
    other = client("secretsmanager", account=OTHER)
    home = "000000000000"
    arn = secretsmanager.create_secret(
        Name="s", SecretString="x", KmsKeyId=shared(client, home, OTHER)
    )["ARN"]
    key = shared(client, OTHER, home)
    code, _ = refusal(other.create_secret, Name="copy", CrossAccountPrimaryARN=arn)
    assert code == "InvalidParameterException"
    copy = other.create_secret(Name="copy", CrossAccountPrimaryARN=arn, KmsKeyId=key)["ARN"]
    shown = other.describe_secret(SecretId="copy")["CrossAccountPrimary"]
    assert shown == {"PrimarySecretARN": arn, "ReplicationStatus": "Pending"}
    associate = secretsmanager.associate_cross_account_replica
    assert refusal(associate, SecretId="s", CrossAccountReplicaARN=copy)[0] == (
        "InvalidRequestException"  # no organization
    )
    done = associate(SecretId="s", CrossAccountReplicaARN=copy, ReplicaRestriction="NoRestriction")
    assert done["ReplicationStatus"] == "InSync"
    secretsmanager.put_secret_value(SecretId="s", SecretString="y")
    assert other.get_secret_value(SecretId="copy")["SecretString"] == "y"
    assert refusal(other.put_secret_value, SecretId="copy", SecretString="z")[0] == (
        "InvalidRequestException"
    )
    assert refusal(secretsmanager.delete_secret, SecretId="s")[0] == "InvalidRequestException"
    secretsmanager.disassociate_cross_account_replica(SecretId="s", CrossAccountReplicaARN=copy)
    shown = other.describe_secret(SecretId="copy")["CrossAccountPrimary"]
    assert shown["ReplicationStatus"] == "Detached"
    other.stop_replication_to_replica(SecretId="copy")
    other.put_secret_value(SecretId="copy", SecretString="z")
    stranger = client("secretsmanager", account="333333333333")
    assert refusal(
        stranger.associate_cross_account_replica, SecretId="s", CrossAccountReplicaARN=copy
    )[0] in ("AccessDeniedException", "ResourceNotFoundException")
