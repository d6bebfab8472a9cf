"""GetMetricData: metrics, expressions, searches, labels, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.testing.local import LocalCloud

Client = Callable[..., Any]


def stat(
    name: str, stat: str = "Sum", period: int = 60, id: str = "", **rest: Any
) -> dict[str, Any]:
    dimensions = [{"Name": k, "Value": v} for k, v in rest.pop("dimensions", {}).items()]
    return {
        "Id": id or name,
        "MetricStat": {
            "Metric": {"Namespace": "App", "MetricName": name, "Dimensions": dimensions},
            "Period": period,
            "Stat": stat,
        },
        **rest,
    }


def expression(text: str, id: str = "e1", **rest: Any) -> dict[str, Any]:
    return {"Id": id, "Expression": text, **rest}


class Queries:
    """Puts series from an hour's beginning on, a point a minute, and asks for them."""

    def __init__(self, cloud: LocalCloud, client: Client) -> None:
        self.metrics = client("cloudwatch")
        self.start = cloud.now() // 3600 * 3600 - 3600

    def put(self, name: str, values: list[float | None], **dimensions: str) -> None:
        self.metrics.put_metric_data(
            Namespace="App",
            MetricData=[
                {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": self.start + 60 * number,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                }
                for number, value in enumerate(values)
                if value is not None
            ],
        )

    def ask(self, *queries: dict[str, Any], minutes: int = 5, **rest: Any) -> Any:
        return self.metrics.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=self.start,
            EndTime=self.start + minutes * 60,
            **{"ScanBy": "TimestampAscending", **rest},
        )

    def points(self, *queries: dict[str, Any], **rest: Any) -> list[dict[int, float]]:
        """Minute and value of each result."""
        return [
            {
                int(at.timestamp() - self.start) // 60: value
                for at, value in zip(one["Timestamps"], one["Values"], strict=True)
            }
            for one in self.ask(*queries, **rest)["MetricDataResults"]
        ]


@pytest.fixture
def queries(cloud: LocalCloud, client: Client) -> Queries:
    return Queries(cloud, client)


def test_metrics_and_expressions_over_them(queries: Queries) -> None:
    queries.put("errors", [1, 0, 3, None, 5])
    queries.put("calls", [10, 10, 0, 10, 10])
    result = queries.ask(
        stat("errors", ReturnData=False),
        stat("calls", ReturnData=False),
        expression("100 * errors / calls", Label="Errors in percent"),
    )
    (one,) = result["MetricDataResults"]
    assert one["Label"] == "Errors in percent"
    assert one["StatusCode"] == "Complete"
    assert one["Values"] == [10.0, 0.0, 50.0]  # nothing where one is missing, or divided by 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ABS(-m1)", {0: 1, 1: 2, 3: 4}),
        ("m1 ^ 2 - 1", {0: 0, 1: 3, 3: 15}),
        ("m1 > 1 AND m1 < 4", {0: 0, 1: 1, 3: 0}),
        ("IF(m1 >= 2, m1, 0)", {0: 0, 1: 2, 3: 4}),
        ("IF(m1 >= 2, m1)", {1: 2, 3: 4}),
        ("FILL(m1, 0)", {0: 1, 1: 2, 2: 0, 3: 4, 4: 0}),
        ("FILL(m1, REPEAT)", {0: 1, 1: 2, 2: 2, 3: 4, 4: 4}),
        ("FILL(m1, LINEAR)", {0: 1, 1: 2, 2: 3, 3: 4}),
        ("RUNNING_SUM(m1)", {0: 1, 1: 3, 3: 7}),
        ("DIFF(m1)", {1: 1, 3: 2}),
        ("DIFF_TIME(m1)", {1: 60, 3: 120}),
        ("RATE(m1) * 60", {1: 1, 3: 1}),
        ("m1 / PERIOD(m1) * 60", {0: 1, 1: 2, 3: 4}),
        ("m1 - MIN(m1) + MAX(m1) * 0", {0: 0, 1: 1, 3: 3}),
        ("m1 * DATAPOINT_COUNT(m1)", {0: 3, 1: 6, 3: 12}),
        ("MINUTE(m1)", {0: 0, 1: 1, 3: 3}),
        ("SUM([m1, m2])", {0: 11, 1: 2, 3: 4, 4: 50}),
        ("AVG(METRICS())", {0: 5.5, 1: 2, 3: 4, 4: 50}),
        ("MAX(METRICS('m2'))", {0: 10, 4: 50}),
        ("m1 * METRIC_COUNT(METRICS())", {0: 2, 1: 4, 3: 8}),
        ("TIME_SERIES(7)", {0: 7, 1: 7, 2: 7, 3: 7, 4: 7}),
        ("FIRST(SORT([m1, m2], SUM, DESC))", {0: 10, 4: 50}),
        ("LAST(SLICE([m1, m2], 0, 1))", {0: 1, 1: 2, 3: 4}),
        ("CEIL(m1 / 2) + FLOOR(m1 / 2)", {0: 1, 1: 2, 3: 4}),
        ("LOG10(m1 * 0 + 100)", {0: 2, 1: 2, 3: 2}),
    ],
)
def test_functions(queries: Queries, text: str, expected: dict[int, float]) -> None:
    queries.put("m1", [1, 2, None, 4])
    queries.put("m2", [10, None, None, None, 50])
    (found,) = queries.points(
        stat("m1", ReturnData=False), stat("m2", ReturnData=False), expression(text)
    )
    assert found == pytest.approx(expected)


def test_an_array_is_several_results(queries: Queries) -> None:
    queries.put("m1", [1])
    queries.put("m2", [2])
    found = queries.ask(
        stat("m1", ReturnData=False), stat("m2", ReturnData=False), expression("METRICS() * 2")
    )["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in found] == [
        ("e1", "m1", [2.0]),
        ("e1", "m2", [4.0]),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{App,Host} MetricName="requests"', {"a", "b"}),
        ("{App,Host} requests NOT Host=b", {"requests", "failedRequests"}),
        ('{App,Host} Host=("a" OR "c")', {"requests", "failedRequests"}),
        ("{App,Host} failed", {"failedRequests"}),
        ("Namespace=App (failed OR Host=b)", {"failedRequests a", "requests b"}),
        ("{Other} requests", set()),
    ],
)
def test_search(queries: Queries, text: str, expected: set[str]) -> None:
    queries.put("requests", [1], Host="a")
    queries.put("requests", [2], Host="b")
    queries.put("failedRequests", [3], Host="a")
    found = queries.ask(expression(f"SEARCH('{text}', 'Sum', 60)"))["MetricDataResults"]
    assert {one["Label"] for one in found} == expected


def test_dynamic_labels(queries: Queries) -> None:
    queries.put("m1", [1, 5.25, 2], Host="a")
    label = (
        "${PROP('Dim.Host')} ${LABEL}: max ${MAX} at ${MAX_TIME}, avg ${AVG}, ${FIRST_LAST_RANGE}"
    )
    (one,) = queries.ask(
        stat("m1", Label=label, dimensions={"Host": "a"}), LabelOptions={"Timezone": "+0130"}
    )["MetricDataResults"]
    assert one["Label"].startswith("a m1: max 5.25 at 20")
    assert one["Label"].endswith("+0130, avg 2.75, 1 - 2")


def test_pages_and_order(queries: Queries) -> None:
    queries.put("m1", [1, 2, 3])
    queries.put("m2", [4, 5])
    seen: dict[str, list[float]] = {"m1": [], "m2": []}
    token, pages = {}, 0
    while True:
        answer = queries.ask(
            stat("m1"), stat("m2"), MaxDatapoints=2, ScanBy="TimestampDescending", **token
        )
        pages += 1
        for one in answer["MetricDataResults"]:
            seen[one["Id"]] += one["Values"]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert (seen, pages) == ({"m1": [3, 2, 1], "m2": [5, 4]}, 3)
    with pytest.raises(ClientError, match="InvalidNextToken"):
        queries.ask(stat("m1"), NextToken="made up")


@pytest.mark.parametrize(
    ("queries_given", "message"),
    [
        ([expression("m1 +", id="e1")], "Error in expression 'e1'"),
        ([expression("m1 + m2")], "The following ids were not found: m1, m2"),
        ([expression("e1 + 1")], "Circular reference"),
        ([expression("1 + 1")], "must be a time series"),
        ([expression("WHAT(1)")], "Unsupported function: WHAT"),
        ([stat("m1", id="M1")], "pattern"),
        ([stat("m1"), stat("m1")], "not unique"),
        ([stat("m1", period=61)], "Period is invalid"),
        ([stat("m1", stat="p101")], "Stat is not supported"),
        ([{"Id": "m1"}], "must be specified"),
    ],
)
def test_queries_that_are_refused(
    queries: Queries, queries_given: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as error:
        queries.ask(*queries_given)
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_what_is_expected_of_a_metric(cloud: LocalCloud, client: Client) -> None:
    metrics = client("cloudwatch")
    hour = cloud.now() // 3600 * 3600
    for day in range(10):  # by day 100 at noon, 10 otherwise, a little up and down
        metrics.put_metric_data(
            Namespace="App",
            MetricData=[
                {
                    "MetricName": "m",
                    "Timestamp": hour - day * 86_400 - n * 3600 - minute,
                    "Value": (100 if n == 12 else 10) + minute % 3,
                }
                for n in range(24)
                for minute in (600, 1201, 1802)
            ],
        )
    answer = metrics.get_metric_data(
        MetricDataQueries=[
            stat("m", "Average", 3600, id="m1"),
            expression("ANOMALY_DETECTION_BAND(m1, 2)", id="band"),
        ],
        StartTime=hour,
        EndTime=hour + 86_400,
        ScanBy="TimestampAscending",
    )
    _, upper, lower = answer["MetricDataResults"]
    assert len(upper["Values"]) == 24
    noon = max(range(24), key=lambda n: upper["Values"][n])
    assert lower["Values"][noon] > 90
    assert max(value for n, value in enumerate(upper["Values"]) if n != noon) < 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT SUM(requests) FROM App", {"requests": [6.0, 4.0]}),
        ("SELECT AVG(requests) FROM SCHEMA(App, Host)", {"requests": [1.5, 4.0]}),
        ("SELECT MAX(requests) FROM App WHERE Host = 'b'", {"requests": [2.0]}),
        (
            "SELECT COUNT(requests) FROM App WHERE Host != 'b' AND Zone = 'z'",
            {"requests": [1.0]},
        ),
        (
            'SELECT SUM(requests) FROM "App" GROUP BY Host ORDER BY MAX() DESC LIMIT 1',
            {"a": [1.0, 4.0]},
        ),
        ("select min(requests) from Other", {"requests": []}),
    ],
)
def test_metrics_insights(queries: Queries, text: str, expected: dict[str, list[float]]) -> None:
    queries.put("requests", [1, 4], Host="a")
    queries.put("requests", [2], Host="b")
    queries.put("requests", [3], Host="c", Zone="z")
    found = queries.ask(expression(text, Period=60))["MetricDataResults"]
    label = "e1" if "requests" in expected else "a"
    assert [(one["Label"], one["Values"]) for one in found] == [
        (label, values) for values in expected.values()
    ]


@pytest.mark.parametrize(
    "text", ["SELECT", "SELECT SUM(a)", "SELECT WHAT(a) FROM b", "SELECT SUM(a) FROM b LIMIT 0"]
)
def test_queries_of_metrics_insights_that_are_none(queries: Queries, text: str) -> None:
    with pytest.raises(ClientError, match="Error in expression 'e1'"):
        queries.ask(expression(text, Period=60))
