"""Terraform: trails with both kinds of selectors, with log groups and a topic."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("cloudtrail", provider(cloud.endpoint))
    run.apply(team="a")
    client = cloud.client("cloudtrail", account=ACCOUNT)
    assert client.get_trail_status(Name="all")["IsLogging"] is True
    run.apply(team="b")
    shown = client.get_trail(Name="all")["Trail"]
    assert shown["CloudWatchLogsLogGroupArn"].endswith(":log-group:trail-b:*")
    assert shown["SnsTopicARN"].endswith(":trail-b")
    shown = client.get_trail(Name="data")["Trail"]
    assert "CloudWatchLogsRoleArn" not in shown
    assert "SnsTopicARN" not in shown
    assert client.get_trail_status(Name="all")["IsLogging"] is False
    run.destroy(team="b")
    assert client.list_trails()["Trails"] == []
    client.close()
