"""Terraform: parameters of every type and tier, a service setting, parameters by path."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("ssm", provider(cloud.endpoint))
    run.apply(seconds="30")
    client = cloud.client("ssm", account=ACCOUNT)
    outputs = run.outputs()
    assert sorted(outputs["names"]) == [
        "/app/prod/list",
        "/app/prod/seconds",
        "/app/prod/secret",
    ]
    assert outputs["image"].startswith("ami-")

    run.apply(seconds="40")
    found = client.get_parameter(Name="/app/prod/secret", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Version"]) == ("s40", 2)
    assert client.get_parameter(Name="/app/prod/seconds")["Parameter"]["Value"] == "40"

    run.destroy(seconds="40")
    assert client.describe_parameters()["Parameters"] == []
    client.close()
