"""Terraform: An organization with units, an account, policies and a delegated administrator."""

from __future__ import annotations

import pytest
from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("organizations", provider(cloud.endpoint))
    run.apply(team="a")
    client = cloud.client("organizations", account=ACCOUNT)
    shop = run.outputs()["shop"]
    assert sorted(run.outputs()["below"]) == [f"account-{ACCOUNT}", "shop"]
    member = cloud.client("organizations", account=shop)
    assert member.describe_organization()["Organization"]["MasterAccountId"] == ACCOUNT

    run.apply(team="b")
    assert run.outputs()["shop"] == shop
    (parent,) = client.list_parents(ChildId=shop)["Parents"]
    assert parent["Id"] == run.outputs()["parent"]

    cloud.advance(5 * 86400)  # an account made by an organization cannot leave it for four days
    run.destroy(team="b")
    with pytest.raises(client.exceptions.AWSOrganizationsNotInUseException):
        client.describe_organization()
    member.close()
    client.close()
