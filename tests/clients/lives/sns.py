"""Terraform: topics with policies and subscriptions, standard and FIFO."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("sns", provider(cloud.endpoint))
    run.apply(retries="4")
    client = cloud.client("sns", account=ACCOUNT)
    outputs = run.outputs()
    assert len(client.list_topics()["Topics"]) == 3
    assert len(client.list_subscriptions()["Subscriptions"]) == 2

    run.apply(retries="6")
    attributes = client.get_topic_attributes(TopicArn=outputs["news"])["Attributes"]
    assert attributes["DisplayName"] == "News 6"
    found = client.get_subscription_attributes(SubscriptionArn=outputs["inbox"])["Attributes"]
    assert found["RawMessageDelivery"] == "true"
    assert "shop-6" in found["FilterPolicy"]

    run.destroy(retries="6")
    assert client.list_topics()["Topics"] == []
    client.close()
