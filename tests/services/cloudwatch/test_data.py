"""Data points go in, and come out as statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]
MINUTE = 60.0


def put(metrics: Any, *data: dict[str, Any], namespace: str = "App") -> None:
    metrics.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "m", **one} for one in data]
    )


def statistics(metrics: Any, start: float, end: float, period: int = 60, **rest: Any) -> Any:
    if "ExtendedStatistics" not in rest:
        rest.setdefault("Statistics", ["SampleCount", "Average", "Sum", "Minimum", "Maximum"])
    return metrics.get_metric_statistics(
        **{
            "Namespace": "App",
            "MetricName": "m",
            "StartTime": start,
            "EndTime": end,
            "Period": period,
            **rest,
        }
    )["Datapoints"]


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    answer = error.value.response["Error"]
    return answer["Code"], answer["Message"]


def test_values_of_a_period_are_summed_up(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    put(metrics, {"Value": 1, "Timestamp": now}, {"Value": 4, "Timestamp": now + 59})
    put(metrics, {"Value": 10, "Timestamp": now - 60})
    points = statistics(metrics, now - 60, now + 60)
    assert [
        (p["SampleCount"], p["Average"], p["Sum"], p["Minimum"], p["Maximum"], p["Unit"])
        for p in points
    ] == [(1, 10, 10, 10, 10, "None"), (2, 2.5, 5, 1, 4, "None")]
    assert [p["Timestamp"].timestamp() for p in points] == [now - 60, now]


def test_arrays_of_values_and_statistic_sets(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    put(metrics, {"Values": [1, 2], "Counts": [3, 1], "Timestamp": now})
    put(
        metrics,
        {
            "StatisticValues": {"SampleCount": 4, "Sum": 40, "Minimum": 5, "Maximum": 20},
            "Timestamp": now,
        },
    )
    (point,) = statistics(metrics, now, now + 60)
    assert (point["SampleCount"], point["Sum"]) == (8, 45)
    assert (point["Minimum"], point["Maximum"]) == (1, 20)


def test_dimensions_and_units_are_kept_apart(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    host = [{"Name": "Host", "Value": "a"}]
    put(metrics, {"Value": 1, "Unit": "Seconds"}, {"Value": 2, "Unit": "Bytes"})
    put(metrics, {"Value": 3, "Dimensions": host})
    points = statistics(metrics, now - 60, now + 120)
    assert {(p["Unit"], p["Sum"]) for p in points} == {("Seconds", 1), ("Bytes", 2)}
    assert [p["Sum"] for p in statistics(metrics, now - 60, now + 120, Unit="Bytes")] == [2]
    (point,) = statistics(metrics, now - 60, now + 120, Dimensions=host)
    assert point["Sum"] == 3


def test_percentiles_need_raw_values(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    put(metrics, {"Values": [float(n) for n in range(1, 101)], "Timestamp": now})
    asked = ["p50", "p99", "tm90", "tc(10:20)", "PR(:25)", "IQM", "ts50", "wm(10%:90%)"]
    (point,) = statistics(metrics, now, now + 60, ExtendedStatistics=asked)
    found = point["ExtendedStatistics"]
    assert (found["p50"], found["p99"], found["tm90"]) == (50, 99, 45.5)
    assert (found["tc(10:20)"], found["PR(:25)"], found["ts50"]) == (10, 25, 1275)
    assert math.isclose(found["IQM"], 50.5)
    put(
        metrics,
        {
            "StatisticValues": {"SampleCount": 4, "Sum": 40, "Minimum": 5, "Maximum": 20},
            "Timestamp": now,
        },
    )
    assert statistics(metrics, now, now + 60, ExtendedStatistics=["p50"]) == []


def test_periods_begin_at_the_start_of_the_query(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 3600 * 3600
    put(metrics, *({"Value": 1, "Timestamp": now - 60 * n} for n in range(1, 11)))
    points = statistics(metrics, now - 7 * 60, now, 300)
    assert [(p["Timestamp"].timestamp() - now, p["Sum"]) for p in points] == [(-420, 5), (-120, 2)]


def test_high_resolution_lasts_three_hours(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    put(metrics, *({"Value": n, "Timestamp": now + n, "StorageResolution": 1} for n in range(20)))
    assert len(statistics(metrics, now, now + 20, 1)) == 20
    assert [p["Sum"] for p in statistics(metrics, now, now + 20, 10)] == [45, 145]
    cloud.advance(3 * 3600 + 60)
    assert statistics(metrics, now, now + 60, 10) == []
    assert [p["Sum"] for p in statistics(metrics, now, now + 60)] == [190]


@pytest.mark.parametrize(
    ("days", "seen", "total"),
    [(14, 60, 5), (16, 300, 1), (64, 3600, 1), (456, 0, 0)],
)
def test_points_are_rolled_up_as_they_grow_old(
    cloud: LocalCloud, client: Client, days: int, seen: int, total: int
) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 3600 * 3600
    put(metrics, *({"Value": n, "Timestamp": now + 60 * n} for n in range(5)))
    cloud.advance(days * 86_400)
    for period in (60, 300, 3600):
        points = statistics(metrics, now, now + 3600, period)
        if not seen or period < seen:
            assert points == []
        else:
            assert sum(p["Sum"] for p in points) == 10
            if period == seen:
                assert len(points) == total


@pytest.mark.parametrize(
    ("datum", "code", "message"),
    [
        (
            {"Value": 1, "Values": [1]},
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually "
            "exclusive options and you have specified both.",
        ),
        (
            {"Values": [1, 2], "Counts": [1]},
            "InvalidParameterValue",
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of "
            "the same size.",
        ),
        (
            {"Value": 2.0**361},
            "InvalidParameterValue",
            f"The value {2.0**361} for parameter MetricData.member.1.Value is invalid.",
        ),
        (
            {"Value": 1, "StorageResolution": 30},
            "InvalidParameterValue",
            "The value 30 for parameter MetricData.member.1.StorageResolution is invalid.",
        ),
    ],
)
def test_data_that_is_refused(
    client: Client, datum: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as error:
        put(client("cloudwatch"), datum)
    assert refused(error) == (code, message)


def test_times_two_weeks_back_and_two_hours_ahead(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now()
    put(metrics, {"Value": 1, "Timestamp": now - 13.9 * 86_400})
    put(metrics, {"Value": 1, "Timestamp": now + 7_100})
    for at in (now - 14.1 * 86_400, now + 7_300):
        with pytest.raises(ClientError, match=r"MetricData\.member\.1\.Timestamp must specify"):
            put(metrics, {"Value": 1, "Timestamp": at})


def test_a_thousand_metrics_a_call_and_no_namespaces_of_aws(client: Client) -> None:
    metrics = client("cloudwatch")
    with pytest.raises(ClientError, match="must not have a size greater than 1000"):
        put(metrics, *[{"Value": 1}] * 1_001)
    with pytest.raises(ClientError, match="The value AWS/X for parameter Namespace is invalid"):
        put(metrics, {"Value": 1}, namespace="AWS/X")


def test_too_many_points_at_once(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now()
    with pytest.raises(ClientError) as error:
        statistics(metrics, now - 86_400 - 60, now)
    assert refused(error)[0] == "InvalidParameterCombination"
    assert refused(error)[1].startswith("You have requested up to 1,441 datapoints")


def test_metrics_are_listed_while_they_have_data(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    put(metrics, {"Value": 1}, {"Value": 2, "Dimensions": [{"Name": "Host", "Value": "a"}]})
    put(metrics, {"Value": 1}, namespace="Other")
    listed = metrics.list_metrics()["Metrics"]
    assert len(listed) == 3
    assert len(metrics.list_metrics(Namespace="App")["Metrics"]) == 2
    (one,) = metrics.list_metrics(Dimensions=[{"Name": "Host"}])["Metrics"]
    assert one["Dimensions"] == [{"Name": "Host", "Value": "a"}]
    cloud.advance(4 * 3600)
    assert metrics.list_metrics(RecentlyActive="PT3H")["Metrics"] == []
    assert len(metrics.list_metrics()["Metrics"]) == 3
    cloud.advance(15 * 86_400)
    assert metrics.list_metrics()["Metrics"] == []


def test_metrics_are_listed_five_hundred_a_page(client: Client) -> None:
    metrics = client("cloudwatch")
    put(
        metrics,
        *({"Value": 1, "Dimensions": [{"Name": "n", "Value": str(n)}]} for n in range(600)),
    )
    first = metrics.list_metrics()
    assert len(first["Metrics"]) == 500
    assert len(metrics.list_metrics(NextToken=first["NextToken"])["Metrics"]) == 100
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        metrics.list_metrics(NextToken="made up")


def test_data_with_entities_is_data(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    now = cloud.now() // 60 * 60
    entity = {
        "Entity": {"KeyAttributes": {"Type": "Service", "Name": "shop", "Environment": "e"}},
        "MetricData": [{"MetricName": "m", "Value": 2, "Timestamp": now}],
    }
    metrics.put_metric_data(Namespace="App", EntityMetricData=[entity], StrictEntityValidation=True)
    (point,) = statistics(metrics, now, now + 60)
    assert point["Sum"] == 2
    three = [entity] * 3
    answer = metrics.put_metric_data(
        Namespace="App", EntityMetricData=three, StrictEntityValidation=False
    )
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-failure-message"] == "EntitySizeTooLarge"
    with pytest.raises(ClientError, match="EntityMetricData must not have a size greater than 2"):
        metrics.put_metric_data(
            Namespace="App", EntityMetricData=three, StrictEntityValidation=True
        )
