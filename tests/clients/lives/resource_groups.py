"""Terraform: a group found by tags, and the tagging API as a data source."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("resource_groups", provider(cloud.endpoint))
    run.apply(team="a")
    client = cloud.client("resource-groups", account=ACCOUNT)
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:tagged"
    assert run.outputs()["queues"] == [queue]
    found = client.list_group_resources(Group="team")["ResourceIdentifiers"]
    assert [one["ResourceArn"] for one in found] == [queue]

    run.apply(team="b")
    found = client.list_group_resources(Group="team")["ResourceIdentifiers"]
    assert [one["ResourceArn"] for one in found] == ["arn:aws:s3:::tagged-bucket"]

    run.destroy(team="b")
    assert client.list_groups()["GroupIdentifiers"] == []
    client.close()
