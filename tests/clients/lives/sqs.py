"""Terraform: queues in two Regions, with dead letters and policies."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    abroad = provider(cloud.endpoint, alias="abroad", region="eu-west-1")
    run.configure("sqs", provider(cloud.endpoint), abroad)
    run.apply(seconds="30")
    client = cloud.client("sqs", account=ACCOUNT)
    outputs = run.outputs()
    assert outputs["abroad"] == f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"
    assert len(client.list_queues()["QueueUrls"]) == 6

    run.apply(seconds="40")
    found = client.get_queue_attributes(QueueUrl=outputs["orders"], AttributeNames=["All"])
    assert found["Attributes"]["VisibilityTimeout"] == "40"
    assert client.list_queue_tags(QueueUrl=outputs["orders"])["Tags"] == {"seconds": "40"}

    run.destroy(seconds="40")
    assert "QueueUrls" not in client.list_queues()
    client.close()
