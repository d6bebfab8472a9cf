"""Alarms: they follow their metric by the clock, and each other at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
ON_METRIC = {
    "Namespace": "App",
    "MetricName": "m",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 10,
    "ComparisonOperator": "GreaterThanThreshold",
}


class Alarms:
    """Makes alarms on one metric, puts points, and looks."""

    def __init__(self, cloud: LocalCloud, client: Client) -> None:
        self.cloud = cloud
        self.api = client("cloudwatch")
        # The middle of a minute, so that a point now falls in a minute that ends with an advance.
        cloud.advance(90 - cloud.now() % 60)

    def make(self, name: str = "high", **changes: Any) -> None:
        given = {**ON_METRIC, "AlarmName": name, **changes}
        self.api.put_metric_alarm(**{k: v for k, v in given.items() if v is not None})

    def put(self, value: float, name: str = "m", **rest: Any) -> None:
        self.api.put_metric_data(
            Namespace="App",
            MetricData=[
                {"MetricName": name, "Value": value, "Timestamp": self.cloud.now(), **rest}
            ],
        )

    def minute(self, *values: float) -> None:
        """Points, and a minute."""
        for value in values:
            self.put(value)
        self.cloud.advance(60)

    def alarm(self, name: str = "high") -> Any:
        found = self.api.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return [*found["MetricAlarms"], *found["CompositeAlarms"]][0]

    def state(self, name: str = "high") -> str:
        return str(self.alarm(name)["StateValue"])

    def history(self, kind: str | None = None, **rest: Any) -> list[Any]:
        given = {"HistoryItemType": kind} if kind else {}
        return list(
            self.api.describe_alarm_history(
                ScanBy="TimestampAscending",
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                **given,
                **rest,
            )["AlarmHistoryItems"]
        )

    def changes(self, name: str = "high") -> list[str]:
        return [
            item["HistorySummary"].removeprefix("Alarm updated from ")
            for item in self.history("StateUpdate", AlarmName=name)
        ]


@pytest.fixture
def alarms(cloud: LocalCloud, client: Client) -> Alarms:
    return Alarms(cloud, client)


def test_an_alarm_rings_and_is_over(alarms: Alarms) -> None:
    alarms.make()
    assert alarms.state() == "INSUFFICIENT_DATA"
    assert alarms.alarm()["StateReason"] == "Unchecked: Initial alarm creation"
    alarms.minute(5)
    assert alarms.state() == "OK"
    alarms.minute(50, 70)
    found = alarms.alarm()
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].startswith(
        "Threshold Crossed: 1 out of the last 1 datapoints [60.0 ("
    )
    assert found["StateReason"].endswith(
        ")] was greater than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    data = json.loads(found["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["period"]) == ([60.0], 10.0, 60)
    assert data["evaluatedDatapoints"][0]["sampleCount"] == 2.0
    alarms.minute(5)
    assert alarms.state() == "OK"
    assert alarms.changes() == [
        "INSUFFICIENT_DATA to OK",
        "OK to ALARM",
        "ALARM to OK",
    ]


def test_without_points_an_alarm_knows_nothing_and_does_nothing(
    cloud: LocalCloud, alarms: Alarms
) -> None:
    alarms.make()
    alarms.minute(50)
    cloud.advance(600)
    assert alarms.state() == "INSUFFICIENT_DATA"
    assert alarms.alarm()["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    position = cloud.do(lambda: cloud.world.position)
    cloud.advance(20 * 3600)
    assert cloud.do(lambda: cloud.world.position) <= position + 3  # the clock, the daily roll-up
    alarms.minute(50)  # and wakes with the next point
    assert alarms.state() == "ALARM"


@pytest.mark.parametrize(
    ("treatment", "state", "reason"),
    [
        (
            "breaching",
            "ALARM",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints "
            "were treated as [Breaching].",
        ),
        (
            "notBreaching",
            "OK",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints "
            "were treated as [NonBreaching].",
        ),
        ("ignore", "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"),
        ("missing", "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"),
    ],
)
def test_missing_data(alarms: Alarms, treatment: str, state: str, reason: str) -> None:
    alarms.make(TreatMissingData=treatment, EvaluationPeriods=2)
    alarms.cloud.advance(120)
    found = alarms.alarm()
    assert (found["StateValue"], found["StateReason"]) == (state, reason)


def test_two_out_of_three(alarms: Alarms) -> None:
    alarms.make(EvaluationPeriods=3, DatapointsToAlarm=2)
    seen = []
    for value in (5, 50, 5, 50, 5, 5):
        alarms.minute(value)
        seen.append(alarms.state())
    assert seen == ["OK", "OK", "OK", "ALARM", "OK", "OK"] or seen[3] == "ALARM"
    assert seen[5] == "OK"


def test_an_alarm_on_an_expression(alarms: Alarms) -> None:
    def stat(name: str) -> dict[str, Any]:
        return {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "App", "MetricName": name},
                "Period": 60,
                "Stat": "Sum",
            },
        }

    alarms.api.put_metric_alarm(
        AlarmName="rate",
        Metrics=[stat("errors"), stat("calls"), {"Id": "e", "Expression": "100*errors/calls"}],
        EvaluationPeriods=1,
        Threshold=20,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    alarms.put(1, "errors")
    alarms.put(10, "calls")
    alarms.cloud.advance(60)
    assert alarms.state("rate") == "OK"
    alarms.put(2, "errors")
    alarms.put(10, "calls")
    alarms.cloud.advance(60)
    assert alarms.state("rate") == "ALARM"
    assert [one["Id"] for one in alarms.alarm("rate")["Metrics"]] == ["errors", "calls", "e"]


def test_high_resolution_alarms_look_every_ten_seconds(alarms: Alarms) -> None:
    alarms.make(Period=10)
    alarms.cloud.advance(10 - alarms.cloud.now() % 10)
    alarms.put(50, StorageResolution=1)
    alarms.cloud.advance(12)
    assert alarms.state() == "ALARM"


def test_percentiles_with_few_samples(alarms: Alarms) -> None:
    for name, how in (("strict", "ignore"), ("eager", None)):
        alarms.make(
            name, Statistic=None, ExtendedStatistic="p90", EvaluateLowSampleCountPercentile=how
        )
    alarms.minute(*[50] * 9)
    assert (alarms.state("strict"), alarms.state("eager")) == ("INSUFFICIENT_DATA", "ALARM")


def test_an_alarm_on_what_is_expected(alarms: Alarms) -> None:
    for hour in range(72):
        alarms.api.put_metric_data(
            Namespace="App",
            MetricData=[
                {
                    "MetricName": "m",
                    "Value": 10 + minute % 2,
                    "Timestamp": alarms.cloud.now() - 3600 * hour - minute * 600,
                }
                for minute in range(6)
            ],
        )
    alarms.api.put_metric_alarm(
        AlarmName="odd",
        Metrics=[
            {
                "Id": "m1",
                "MetricStat": {
                    "Metric": {"Namespace": "App", "MetricName": "m"},
                    "Period": 60,
                    "Stat": "Average",
                },
            },
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 3)"},
        ],
        ThresholdMetricId="band",
        EvaluationPeriods=1,
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
    )
    alarms.cloud.advance(60)
    alarms.minute(10)
    assert alarms.state("odd") == "OK"
    alarms.minute(40)
    assert alarms.state("odd") == "ALARM"
    assert "or greater than the upper thresholds" in alarms.alarm("odd")["StateReason"]


def test_setting_a_state_lasts_until_the_next_look(alarms: Alarms) -> None:
    alarms.make()
    alarms.minute(5)
    alarms.api.set_alarm_state(
        AlarmName="high", StateValue="ALARM", StateReason="testing", StateReasonData='{"a":1}'
    )
    found = alarms.alarm()
    assert (found["StateValue"], found["StateReason"]) == ("ALARM", "testing")
    alarms.minute(5)
    assert alarms.state() == "OK"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        alarms.api.set_alarm_state(AlarmName="no", StateValue="OK", StateReason="x")


def test_composite_alarms_follow_at_once(alarms: Alarms) -> None:
    alarms.make("a")
    alarms.make("b", MetricName="other")
    alarms.api.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(a) AND ALARM(b)")
    alarms.api.put_composite_alarm(AlarmName="above", AlarmRule='ALARM("both") OR FALSE')
    assert (alarms.state("both"), alarms.state("above")) == ("OK", "OK")
    for name in ("a", "b"):
        alarms.api.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="x")
    assert (alarms.state("both"), alarms.state("above")) == ("ALARM", "ALARM")
    reason = alarms.alarm("both")["StateReason"]
    assert reason.startswith(
        "arn:aws:cloudwatch:us-east-1:000000000000:alarm:b transitioned to ALARM"
    )
    (trigger,) = json.loads(alarms.alarm("both")["StateReasonData"])["triggeringAlarms"]
    assert trigger["state"]["value"] == "ALARM"
    children = alarms.api.describe_alarms(ChildrenOfAlarmName="both")["MetricAlarms"]
    assert [one["AlarmName"] for one in children] == ["a", "b"]
    (parent,) = alarms.api.describe_alarms(ParentsOfAlarmName="both")["CompositeAlarms"]
    assert parent["AlarmName"] == "above"
    refused = r"Cannot delete a as there are composite alarm\(s\) depending on it\."
    with pytest.raises(ClientError, match=refused):
        alarms.api.delete_alarms(AlarmNames=["a"])
    with pytest.raises(ClientError, match=r"Cannot delete a,b as .* depending on them"):
        alarms.api.delete_alarms(AlarmNames=["a", "b"])
    with pytest.raises(ClientError, match="do not exist"):
        alarms.api.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(nobody)")


def test_a_cycle_of_composite_alarms_ends(alarms: Alarms) -> None:
    alarms.api.put_composite_alarm(AlarmName="a", AlarmRule="FALSE")
    alarms.api.put_composite_alarm(AlarmName="b", AlarmRule="NOT ALARM(a)")
    alarms.api.put_composite_alarm(AlarmName="a", AlarmRule="ALARM(b)")
    assert alarms.state("a") == "ALARM"
    assert alarms.state("b") == "OK"


def test_disabled_actions_and_deletion(alarms: Alarms) -> None:
    alarms.make()
    alarms.api.disable_alarm_actions(AlarmNames=["high"])
    assert alarms.alarm()["ActionsEnabled"] is False
    alarms.api.enable_alarm_actions(AlarmNames=["high"])
    assert alarms.alarm()["ActionsEnabled"] is True
    alarms.api.delete_alarms(AlarmNames=["high", "unknown"])
    assert alarms.api.describe_alarms()["MetricAlarms"] == []
    summaries = [item["HistorySummary"] for item in alarms.history("ConfigurationUpdate")]
    assert summaries[0] == 'Alarm "high" created'
    assert summaries[-1] == 'Alarm "high" deleted'
    alarms.cloud.advance(31 * 86_400)
    assert alarms.history() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Period": 45}, "Period must be 10, 20, 30 or a multiple of 60."),
        (
            {"Period": 600, "EvaluationPeriods": 200},
            r"Metrics cannot be checked across more than a day \(EvaluationPeriods \* Period must "
            r"be <= 86400\).",
        ),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm must be less than or equal"),
        ({"TreatMissingData": "maybe"}, "Invalid value maybe for TreatMissingData"),
        ({"AlarmActions": ["nonsense"]}, "Invalid arn syntax: nonsense"),
        (
            {"AlarmActions": ["arn:aws:sns:eu-west-1:000000000000:t"]},
            "Invalid region eu-west-1 specified. Only us-east-1 is supported.",
        ),
        ({"Statistic": None}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Threshold": None}, "Threshold is required"),
    ],
)
def test_alarms_that_are_refused(alarms: Alarms, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as error:
        alarms.make(**changes)
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_alarms_by_page_state_and_metric(alarms: Alarms) -> None:
    for number in range(5):
        alarms.make(f"alarm{number}", Period=60 * (number + 1))
    first = alarms.api.describe_alarms(MaxRecords=3)
    assert len(first["MetricAlarms"]) == 3
    rest = alarms.api.describe_alarms(MaxRecords=3, NextToken=first["NextToken"])
    assert [one["AlarmName"] for one in rest["MetricAlarms"]] == ["alarm3", "alarm4"]
    assert alarms.api.describe_alarms(StateValue="ALARM")["MetricAlarms"] == []
    (one,) = alarms.api.describe_alarms_for_metric(Namespace="App", MetricName="m", Period=120)[
        "MetricAlarms"
    ]
    assert one["AlarmName"] == "alarm1"


def test_a_warming_alarm_waits(alarms: Alarms) -> None:
    alarms.make(
        WarmUpConfiguration={
            "WarmUpPeriodDurationInMinutes": 5,
            "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True,
        },
        TreatMissingData="breaching",
    )
    alarms.cloud.advance(240)
    assert alarms.state() == "INSUFFICIENT_DATA"
    alarms.cloud.advance(120)
    assert alarms.state() == "ALARM"


def test_an_alarm_of_others_is_not_seen(client: Client, alarms: Alarms) -> None:
    alarms.make()
    assert client("cloudwatch", account="222222222222").describe_alarms()["MetricAlarms"] == []
    assert client("cloudwatch", region="eu-west-1").describe_alarms()["MetricAlarms"] == []


def test_an_alarm_on_many_metrics_at_once(alarms: Alarms) -> None:
    alarms.api.put_metric_alarm(
        AlarmName="all",
        Metrics=[{"Id": "q", "Expression": "SELECT MAX(m) FROM App", "Period": 60}],
        EvaluationPeriods=1,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
    )
    alarms.put(5)
    alarms.put(50, Dimensions=[{"Name": "Host", "Value": "new"}])
    alarms.cloud.advance(60)
    assert alarms.state("all") == "ALARM"
    with pytest.raises(ClientError, match="GROUP BY is not implemented"):
        alarms.api.put_metric_alarm(
            AlarmName="each",
            Metrics=[
                {"Id": "q", "Expression": "SELECT MAX(m) FROM App GROUP BY Host", "Period": 60}
            ],
            EvaluationPeriods=1,
            Threshold=10,
            ComparisonOperator="GreaterThanThreshold",
        )


def test_an_expression_that_fills_rings_without_points(alarms: Alarms) -> None:
    alarms.put(1)
    alarms.api.put_metric_alarm(
        AlarmName="silent",
        Metrics=[
            {
                "Id": "m1",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {"Namespace": "App", "MetricName": "m"},
                    "Period": 60,
                    "Stat": "SampleCount",
                },
            },
            {"Id": "e", "Expression": "FILL(m1, 0)"},
        ],
        EvaluationPeriods=3,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    alarms.cloud.advance(60)
    assert alarms.state("silent") == "OK"
    alarms.cloud.advance(240)
    assert alarms.state("silent") == "ALARM"


def test_a_week_by_the_clock_on_the_wall(alarms: Alarms) -> None:
    alarms.make(
        Period=86_400,
        Statistic="Sum",
        EvaluationWindow={"WallClockWindow": {"Timezone": "+05:30"}},
    )
    midnight = (alarms.cloud.now() + 19_800) // 86_400 * 86_400 + 86_400 - 19_800
    alarms.put(50)
    alarms.cloud.advance(midnight - alarms.cloud.now() - 30)
    assert alarms.state() == "INSUFFICIENT_DATA"  # today is not over
    alarms.cloud.advance(32)
    assert alarms.state() == "ALARM"
    for zone in ("Mars/North", "+05:31"):
        with pytest.raises(ClientError, match="Invalid timezone"):
            alarms.make(Period=86_400, EvaluationWindow={"WallClockWindow": {"Timezone": zone}})
