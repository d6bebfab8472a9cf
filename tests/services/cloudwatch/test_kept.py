"""Dashboards, mute rules, saved queries, detectors, tags, metric streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.cloudwatch.kit import caller

from mesocosm.services.cloudwatch.rules import schedule
from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
BODY = json.dumps(
    {
        "widgets": [
            {"type": "text", "x": 0, "y": 0, "width": 3, "properties": {"markdown": "hello"}},
            {"type": "metric", "properties": {"metrics": [["App", "m"]]}},
        ]
    }
)


def test_dashboards_are_the_accounts_whatever_the_region(client: Client) -> None:
    one, other = client("cloudwatch"), client("cloudwatch", region="eu-west-1")
    assert (
        one.put_dashboard(DashboardName="main", DashboardBody=BODY)["DashboardValidationMessages"]
        == []
    )
    found = other.get_dashboard(DashboardName="main")
    assert found["DashboardBody"] == BODY
    assert found["DashboardArn"] == "arn:aws:cloudwatch::000000000000:dashboard/main"
    (entry,) = other.list_dashboards(DashboardNamePrefix="m")["DashboardEntries"]
    assert entry["Size"] == len(BODY)
    other.delete_dashboards(DashboardNames=["main"])
    with pytest.raises(ClientError) as error:
        one.get_dashboard(DashboardName="main")
    answer = error.value.response
    assert answer["Error"]["Code"] == "ResourceNotFound"
    assert answer["Error"]["Message"] == "Dashboard main does not exist"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ("nonsense", "", "The field DashboardBody must be a valid JSON object"),
        ("{}", "", "Should have required property 'widgets'"),
        ('{"widgets":[{"properties":{}}]}', "/widgets/0", "Should have required property 'type'"),
        (
            '{"widgets":[{"type":"text","width":25,"properties":{"markdown":""}}]}',
            "/widgets/0/width",
            "Should be <= 24",
        ),
    ],
)
def test_bodies_that_are_none(client: Client, body: str, path: str, message: str) -> None:
    with pytest.raises(ClientError) as error:
        client("cloudwatch").put_dashboard(DashboardName="d", DashboardBody=body)
    answer = error.value.response
    assert answer["Error"]["Code"] == "InvalidParameterInput"
    assert answer["Error"]["Message"].startswith(
        "The dashboard body is invalid, there are 1 validation errors:"
    )
    assert answer["dashboardValidationMessages"] == [{"DataPath": path, "Message": message}]


def test_a_mute_rule_keeps_an_alarm_quiet(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    metrics.put_composite_alarm(
        AlarmName="a",
        AlarmRule="FALSE",
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:nowhere"],
    )
    start = datetime.fromtimestamp(cloud.now() + 3600, UTC)
    metrics.put_alarm_mute_rule(
        Name="quiet",
        Rule={"Schedule": {"Expression": f"at({start:%Y-%m-%dT%H:%M})", "Duration": "PT2H"}},
        MuteTargets={"AlarmNames": ["a"]},
    )

    def ring() -> int:
        """The actions that were tried when the alarm rang once."""
        for state in ("ALARM", "OK"):
            metrics.set_alarm_state(AlarmName="a", StateValue=state, StateReason="x")
        items = metrics.describe_alarm_history(
            HistoryItemType="Action", AlarmTypes=["CompositeAlarm"]
        )["AlarmHistoryItems"]
        return len(items)

    assert metrics.get_alarm_mute_rule(AlarmMuteRuleName="quiet")["Status"] == "SCHEDULED"
    assert ring() == 1
    of_nobody = metrics.describe_alarm_history(AlarmName="a", AlarmContributorId="c")
    assert of_nobody["AlarmHistoryItems"] == []
    cloud.advance(3660)
    assert metrics.get_alarm_mute_rule(AlarmMuteRuleName="quiet")["Status"] == "ACTIVE"
    assert ring() == 1
    cloud.advance(7200)
    (rule,) = metrics.list_alarm_mute_rules(Statuses=["EXPIRED"])["AlarmMuteRuleSummaries"]
    assert rule["MuteType"] == "ONE_TIME"
    assert ring() == 2
    metrics.delete_alarm_mute_rule(AlarmMuteRuleName="quiet")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        metrics.get_alarm_mute_rule(AlarmMuteRuleName="quiet")


@pytest.mark.parametrize(
    ("expression", "duration", "zone", "moment", "expected"),
    [
        ("cron(0 2 * * *)", "PT4H", None, "2026-11-22T05:59", True),
        ("cron(0 2 * * *)", "PT4H", None, "2026-11-22T06:00", False),
        ("cron(0 2 * * SUN)", "PT1H", None, "2026-11-22T02:30", True),  # a Sunday
        ("cron(0 2 * * MON-FRI)", "PT1H", None, "2026-11-22T02:30", False),
        ("cron(0 23 * * *)", "PT4H", None, "2026-11-22T02:30", True),  # from the day before
        ("cron(0 2 * * *)", "PT1H", "Europe/Berlin", "2026-11-22T01:30", True),
        ("cron(0 0 1 JAN *)", "P2D", None, "2027-01-02T12:00", True),
        ("at(2026-12-24T18:00)", "P3D", None, "2026-12-26T00:00", True),
        ("at(2026-12-24T18:00)", "P3D", None, "2026-12-28T00:00", False),
    ],
)
def test_windows(
    expression: str, duration: str, zone: str | None, moment: str, expected: bool
) -> None:
    at = datetime.fromisoformat(f"{moment}+00:00").timestamp()
    assert schedule.active(schedule.parse(expression, duration, zone), at) is expected


@pytest.mark.parametrize(
    ("expression", "duration", "zone"),
    [
        ("cron(0 25 * * *)", "PT1H", None),
        ("cron(0 2 * *)", "PT1H", None),
        ("at(yesterday)", "PT1H", None),
        ("cron(0 2 * * *)", "P16D", None),
        ("cron(0 2 * * *)", "PT", None),
        ("cron(0 2 * * *)", "PT1H", "Mars/North"),
    ],
)
def test_windows_that_cannot_be_read(expression: str, duration: str, zone: str | None) -> None:
    with pytest.raises(schedule.BadSchedule):
        schedule.parse(expression, duration, zone)


def test_saved_queries(client: Client) -> None:
    metrics = client("cloudwatch")
    made = metrics.put_metric_data_query_definition(Path="a/b", Expression="x", Type="PROMQL")
    with pytest.raises(ClientError, match="ConflictException"):
        metrics.put_metric_data_query_definition(Path="a/b", Expression="y", Type="PROMQL")
    found = metrics.get_metric_data_query_definition(Id=made["Id"])
    assert (found["Path"], found["Expression"]) == ("a/b", "x")
    assert len(metrics.list_metric_data_query_definitions()["Items"]) == 1
    metrics.delete_metric_data_query_definition(Id=made["Id"])
    assert metrics.list_metric_data_query_definitions()["Items"] == []


def test_detectors(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    metric = {"Namespace": "App", "MetricName": "m", "Stat": "Average"}
    first = metrics.put_anomaly_detector(
        SingleMetricAnomalyDetector=metric,
        Configuration={
            "ExcludedTimeRanges": [{"StartTime": cloud.now() - 60, "EndTime": cloud.now()}],
            "MetricTimezone": "Europe/Berlin",
        },
    )["AnomalyDetectorId"]
    assert metrics.put_anomaly_detector(**metric)["AnomalyDetectorId"] == first
    (found,) = metrics.describe_anomaly_detectors(Namespace="App")["AnomalyDetectors"]
    assert found["StateValue"] == "TRAINED_INSUFFICIENT_DATA"
    assert found["SingleMetricAnomalyDetector"]["Stat"] == "Average"
    metrics.put_metric_data(
        Namespace="App",
        MetricData=[
            {"MetricName": "m", "Value": n, "Timestamp": cloud.now() - 600 * n} for n in range(9)
        ],
    )
    (found,) = metrics.describe_anomaly_detectors()["AnomalyDetectors"]
    assert found["StateValue"] == "TRAINED"
    metrics.delete_anomaly_detector(SingleMetricAnomalyDetector=metric)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        metrics.delete_anomaly_detector(**metric)


def test_tags(client: Client) -> None:
    metrics = client("cloudwatch")
    metrics.put_composite_alarm(
        AlarmName="a", AlarmRule="FALSE", Tags=[{"Key": "team", "Value": "x"}]
    )
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"
    metrics.tag_resource(ResourceARN=arn, Tags=[{"Key": "env", "Value": "y"}])
    metrics.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert metrics.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "env", "Value": "y"}]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        metrics.list_tags_for_resource(ResourceARN=arn + "x")


def test_what_is_not_there_says_so(client: Client) -> None:
    metrics = client("cloudwatch")
    for operation, request in (
        ("get_metric_widget_image", {"MetricWidget": "{}"}),
        ("describe_insight_rules", {}),
    ):
        with pytest.raises(ClientError) as error:
            getattr(metrics, operation)(**request)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_policies_name_alarms_and_namespaces(client: Client) -> None:
    allowed = caller(
        client,
        [
            {
                "Effect": "Allow",
                "Action": "cloudwatch:PutMetricData",
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": "Mine"}},
            },
            {
                "Effect": "Allow",
                "Action": ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
                "Resource": "arn:aws:cloudwatch:*:*:alarm:mine-*",
                "Condition": {
                    "ForAllValues:StringLike": {"cloudwatch:AlarmActions": "arn:aws:sns:*:ok"}
                },
            },
        ],
    )
    allowed.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1}])
    with pytest.raises(ClientError) as refused:
        allowed.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1}])
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert refused.value.response["Error"]["Message"].endswith(
        "is not authorized to perform: cloudwatch:PutMetricData because no identity-based policy "
        "allows the cloudwatch:PutMetricData action"
    )
    alarm = {
        "Namespace": "Mine",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    topic = "arn:aws:sns:us-east-1:000000000000:"
    allowed.put_metric_alarm(AlarmName="mine-a", AlarmActions=[topic + "ok"], **alarm)
    with pytest.raises(ClientError, match="AccessDenied"):
        allowed.put_metric_alarm(AlarmName="yours", **alarm)
    with pytest.raises(ClientError, match="AccessDenied"):
        allowed.put_metric_alarm(AlarmName="mine-b", AlarmActions=[topic + "no"], **alarm)
