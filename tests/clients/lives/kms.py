"""Terraform: keys with alias, policy, grant and rotation, a replica abroad, imported material."""

from __future__ import annotations

import base64

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    here = provider(cloud.endpoint)
    run.configure("kms", here + provider(cloud.endpoint, alias="abroad", region="eu-west-1"))
    run.apply(seconds="30")
    client = cloud.client("kms", account=ACCOUNT)
    outputs = run.outputs()
    arn = outputs["arn"]
    assert "BEGIN PUBLIC KEY" in outputs["public"]
    assert client.get_key_rotation_status(KeyId=arn)["RotationPeriodInDays"] == 120
    blob = base64.b64decode(outputs["ciphertext"])
    opened = client.decrypt(CiphertextBlob=blob, EncryptionContext={"app": "x"})
    assert opened["Plaintext"] == b"secret 30"

    run.apply(seconds="40")
    assert "changed40" in client.get_key_policy(KeyId=arn)["Policy"]
    assert client.get_key_rotation_status(KeyId=arn)["RotationPeriodInDays"] == 130
    assert len(client.list_grants(KeyId=arn)["Grants"]) == 1

    run.destroy(seconds="40")
    assert client.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert client.list_aliases()["Aliases"] == []
    client.close()
