"""Terraform: contacts and Regions of the account; resources of another one by a role there."""

from __future__ import annotations

import pytest
from tests.clients import papers
from tests.clients.lives import ACCOUNT, OTHER
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    with_key, role = papers.assumable(cloud, ACCOUNT, OTHER)
    through = "\n".join(
        (
            "  assume_role {",
            f'    role_arn     = "{role}"',
            '    external_id  = "shop"',
            '    session_name = "tf"',
            "  }",
        )
    )
    there = provider(
        cloud.endpoint, alias="there", region="eu-west-1", credentials=with_key, more=through
    )
    run.configure("account", provider(cloud.endpoint), there)
    cloud.do(cloud.world.clock.rate, 10)  # turning a Region on takes a minute
    run.apply(team="a")
    outputs = run.outputs()
    assert outputs["here"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert outputs["there"] == f"arn:aws:sts::{OTHER}:assumed-role/deploy/tf"
    assert outputs["queue"] == f"arn:aws:sqs:eu-west-1:{OTHER}:made-there"
    assert outputs["zones"][0] == "us-east-1a"
    client = cloud.client("account", account=ACCOUNT)
    assert client.get_contact_information()["ContactInformation"]["FullName"] == "Ana a"

    run.apply(team="b")
    assert client.get_contact_information()["ContactInformation"]["FullName"] == "Ana b"

    run.destroy(team="b")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_alternate_contact(AlternateContactType="BILLING")
    client.close()
