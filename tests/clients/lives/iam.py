"""Terraform: identities of all kinds."""

from __future__ import annotations

from tests.clients import papers
from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("iam", provider(cloud.endpoint))
    papers.write(run.folder)
    run.apply(team="a")
    client = cloud.client("iam", account=ACCOUNT)
    assert [user["UserName"] for user in client.list_users()["Users"]] == ["other", "u"]
    assert run.outputs()["allowed"] is True
    assert run.outputs()["group"] == ["u"]
    assert client.list_account_aliases()["AccountAliases"] == ["mesocosm-a"]

    run.apply(team="b")
    assert client.get_role(RoleName="r")["Role"]["Description"] == "role of b"
    (key,) = client.list_access_keys(UserName="other")["AccessKeyMetadata"]
    assert key["Status"] == "Inactive"

    run.destroy(team="b")
    assert client.list_users()["Users"] == []
    assert client.list_roles()["Roles"] == []
    assert client.list_groups()["Groups"] == []
    assert client.list_policies(Scope="Local")["Policies"] == []
    assert client.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert client.list_saml_providers()["SAMLProviderList"] == []
    client.close()
