"""Replicas in other Regions and in another account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.secretsmanager.support import refusal

REPLICA = (
    "InvalidRequestException",
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
)


@pytest.fixture
def abroad(client: Callable[..., Any]) -> Any:
    """Secrets Manager in Ireland."""
    return client("secretsmanager", region="eu-west-1")


def test_a_secret_is_replicated_and_its_replica_promoted(secretsmanager: Any, abroad: Any) -> None:
    """The story of an evacuation: written here, read there, made independent there."""
    arn = secretsmanager.create_secret(
        Name="db", SecretString="one", Tags=[{"Key": "team", "Value": "a"}]
    )["ARN"]
    done = secretsmanager.replicate_secret_to_regions(
        SecretId="db", AddReplicaRegions=[{"Region": "eu-west-1"}]
    )
    assert done["ReplicationStatus"] == [
        {"Region": "eu-west-1", "KmsKeyId": "alias/aws/secretsmanager", "Status": "InSync"}
    ]
    found = abroad.get_secret_value(SecretId="db")
    assert found["SecretString"] == "one"
    assert found["ARN"] == arn.replace("us-east-1", "eu-west-1")

    secretsmanager.put_secret_value(SecretId="db", SecretString="two")
    secretsmanager.tag_resource(SecretId="db", Tags=[{"Key": "team", "Value": "b"}])
    assert abroad.get_secret_value(SecretId="db")["SecretString"] == "two"
    previous = abroad.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "one"
    shown = abroad.describe_secret(SecretId="db")
    assert shown["PrimaryRegion"] == "us-east-1"
    assert shown["Tags"] == [{"Key": "team", "Value": "b"}]
    assert refusal(abroad.put_secret_value, SecretId="db", SecretString="x") == REPLICA
    assert refusal(abroad.delete_secret, SecretId="db") == REPLICA
    assert refusal(secretsmanager.delete_secret, SecretId="db") == (
        "InvalidRequestException",
        "You can't delete secret db that still has replica regions [eu-west-1]",
    )

    abroad.stop_replication_to_replica(SecretId="db")
    assert "ReplicationStatus" not in secretsmanager.describe_secret(SecretId="db")
    assert "PrimaryRegion" not in abroad.describe_secret(SecretId="db")
    abroad.put_secret_value(SecretId="db", SecretString="three")
    secretsmanager.put_secret_value(SecretId="db", SecretString="four")
    assert abroad.get_secret_value(SecretId="db")["SecretString"] == "three"
    secretsmanager.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    assert abroad.get_secret_value(SecretId="db")["SecretString"] == "three"


def test_a_name_that_is_taken_there(secretsmanager: Any, abroad: Any) -> None:
    abroad.create_secret(Name="db", SecretString="theirs")
    secretsmanager.create_secret(Name="db", SecretString="ours")
    region = [{"Region": "eu-west-1"}]
    done = secretsmanager.replicate_secret_to_regions(SecretId="db", AddReplicaRegions=region)
    (status,) = done["ReplicationStatus"]
    assert status["Status"] == "Failed"
    assert status["StatusMessage"] == (
        "Replication failed: Secret name db already exists in region eu-west-1."
    )
    assert abroad.get_secret_value(SecretId="db")["SecretString"] == "theirs"
    done = secretsmanager.replicate_secret_to_regions(
        SecretId="db", AddReplicaRegions=region, ForceOverwriteReplicaSecret=True
    )
    assert done["ReplicationStatus"][0]["Status"] == "InSync"
    assert abroad.get_secret_value(SecretId="db")["SecretString"] == "ours"


def test_replicas_from_the_beginning_and_taken_away(secretsmanager: Any, abroad: Any) -> None:
    regions = [{"Region": "eu-west-1"}, {"Region": "eu-west-2"}]
    made = secretsmanager.create_secret(Name="s", SecretString="x", AddReplicaRegions=regions)
    assert [one["Region"] for one in made["ReplicationStatus"]] == ["eu-west-1", "eu-west-2"]
    left = secretsmanager.remove_regions_from_replication(
        SecretId="s", RemoveReplicaRegions=["eu-west-1"]
    )
    assert [one["Region"] for one in left["ReplicationStatus"]] == ["eu-west-2"]
    assert refusal(abroad.describe_secret, SecretId="s")[0] == "ResourceNotFoundException"
    for region in ("eu-west-2", "us-east-1", "mars-1"):
        code, _ = refusal(
            secretsmanager.replicate_secret_to_regions,
            SecretId="s",
            AddReplicaRegions=[{"Region": region}],
        )
        assert code == "InvalidParameterException"
    assert refusal(secretsmanager.stop_replication_to_replica, SecretId="s")[0] == (
        "InvalidRequestException"
    )
