"""Terraform: alarms on metrics, expressions and bands, a composite alarm, a dashboard, a stream."""

from __future__ import annotations

from tests.clients.lives import ACCOUNT
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud


def life(cloud: LocalCloud, run: TerraformRun) -> None:
    """Applied, changed, destroyed."""
    run.configure("cloudwatch", provider(cloud.endpoint))
    run.apply(threshold="70")
    client = cloud.client("cloudwatch", account=ACCOUNT)
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = client.describe_alarms(AlarmTypes=kinds)
    assert len(found["MetricAlarms"]) == 4
    (both,) = found["CompositeAlarms"]
    assert both["ActionsSuppressorExtensionPeriod"] == 70

    run.apply(threshold="80")
    (high,) = client.describe_alarms(AlarmNames=["high"])["MetricAlarms"]
    assert (high["Threshold"], high["DatapointsToAlarm"]) == (80.0, 2)
    tags = client.list_tags_for_resource(ResourceARN=high["AlarmArn"])["Tags"]
    assert tags == [{"Key": "threshold", "Value": "80"}]
    stream = client.get_metric_stream(Name="out")
    assert stream["StatisticsConfigurations"][0]["AdditionalStatistics"][-1] in ("p99", "tm80")
    assert "At most 80" in client.get_dashboard(DashboardName="main")["DashboardBody"]

    run.destroy(threshold="80")
    found = client.describe_alarms(AlarmTypes=kinds)
    assert (found["MetricAlarms"], found["CompositeAlarms"]) == ([], [])
    assert client.list_metric_streams()["Entries"] == []
    client.close()
