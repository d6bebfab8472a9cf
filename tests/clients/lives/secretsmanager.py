"""Terraform: secrets with versions, a policy and a replica."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("secretsmanager", provider(cloud.endpoint))
    run.apply(seconds="30")
    client = cloud.client("secretsmanager", account=ACCOUNT)
    abroad = cloud.client("secretsmanager", account=ACCOUNT, region="eu-west-1")
    outputs = run.outputs()
    assert outputs["password"] == "p30"
    assert outputs["arn"].startswith(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:app/db-")

    run.apply(seconds="40")
    assert "p40" in client.get_secret_value(SecretId="app/db")["SecretString"]
    assert "p40" in abroad.get_secret_value(SecretId="app/db")["SecretString"]
    assert client.get_secret_value(SecretId="blob", VersionStage="blue")["SecretBinary"] == b"bytes"

    run.destroy(seconds="40")
    assert client.list_secrets()["SecretList"] == []
    client.close()
    abroad.close()
