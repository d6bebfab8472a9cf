"""Metric filters: what they count, and under which names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, say, stream

from mesocosm.call.authority import Observed
from mesocosm.testing.local import LocalCloud


@pytest.fixture
def observed(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> list[Observed]:
    """What is given to whoever keeps metrics."""
    found: list[Observed] = []
    monkeypatch.setattr(cloud.cloud.provider("metrics"), "publish", found.extend)
    return found


def put(logs: Any, pattern: str, value: str, name: str = "f", **more: Any) -> None:
    made = {"metricName": "M", "metricNamespace": "N", "metricValue": value, **more}
    logs.put_metric_filter(
        logGroupName="g", filterName=name, filterPattern=pattern, metricTransformations=[made]
    )


def values(observed: list[Observed], namespace: str = "N") -> list[tuple[Any, dict[float, int]]]:
    return [(o.dimensions, o.values) for o in observed if o.metric.namespace == namespace]


def test_matching_events_are_counted(
    cloud: LocalCloud, client: Make, observed: list[Observed]
) -> None:
    logs = stream(client)
    put(logs, "ERROR", "1", unit="Count")
    say(cloud, logs, "ERROR a", "fine", "ERROR b")
    say(cloud, logs, "ERROR c")
    cloud.advance(60)
    assert values(observed) == [((), {1.0: 3})]
    [one] = [o for o in observed if o.metric.namespace == "N"]
    assert (one.metric.name, one.metric.unit, one.account) == ("M", "Count", "000000000000")


def test_values_and_dimensions_come_from_the_event(
    cloud: LocalCloud, client: Make, observed: list[Observed]
) -> None:
    logs = stream(client)
    put(logs, "{ $.ms = * }", "$.ms", dimensions={"Path": "$.path"})
    put(logs, "[ip, status, size]", "$size", name="g", metricName="S")
    for ms, path in ((10, "/a"), (20, "/b"), (30, "/a")):
        say(cloud, logs, json.dumps({"ms": ms, "path": path}))
    say(cloud, logs, json.dumps({"ms": 5}), json.dumps({"path": "/a"}), "1.1.1.1 200 77")
    cloud.advance(60)
    assert values(observed) == [
        ((("Path", "/a"),), {10.0: 1, 30.0: 1}),
        ((("Path", "/b"),), {20.0: 1}),
        ((), {77.0: 1}),
    ]


def test_the_default_value_is_for_minutes_with_events_of_which_none_matches(
    cloud: LocalCloud, client: Make, observed: list[Observed]
) -> None:
    logs = stream(client)
    put(logs, "ERROR", "1", defaultValue=0.0)
    cloud.advance(60 - cloud.now() % 60)
    say(cloud, logs, "fine")
    say(cloud, logs, "fine, too")
    cloud.advance(60)
    assert values(observed) == [((), {0.0: 1})]
    say(cloud, logs, "fine")
    say(cloud, logs, "ERROR")
    say(cloud, logs, "fine")
    cloud.advance(60)
    assert values(observed) == [((), {0.0: 1}), ((), {1.0: 1})]
    cloud.advance(300)
    assert len(values(observed)) == 2


def test_what_comes_in_is_counted_by_group(
    cloud: LocalCloud, client: Make, observed: list[Observed]
) -> None:
    logs = stream(client)
    say(cloud, logs, "abcd", "efgh")
    cloud.advance(60)
    found = {o.metric.name: o.values for o in observed if o.dimensions}
    assert found == {"IncomingLogEvents": {2.0: 1}, "IncomingBytes": {60.0: 1}}


def test_filters_are_described_replaced_and_deleted(client: Make) -> None:
    logs = stream(client)
    put(logs, "[a, b]", "1", dimensions={"a": "$b"})
    put(logs, "WARN", "1")
    put(logs, "x", "2", name="h", metricName="O")
    found = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert [(f["filterName"], f["filterPattern"]) for f in found] == [("f", "WARN"), ("h", "x")]
    by_metric = logs.describe_metric_filters(metricName="O", metricNamespace="N")
    assert [f["filterName"] for f in by_metric["metricFilters"]] == ["h"]
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 2
    logs.delete_metric_filter(logGroupName="g", filterName="f")
    with pytest.raises(ClientError, match="The specified metric filter does not exist"):
        logs.delete_metric_filter(logGroupName="g", filterName="f")


@pytest.mark.parametrize(
    ("pattern", "value", "more", "message"),
    [
        ("a-b", "1", {}, r"Invalid character\(s\) in term 'a-b'"),
        ("{ $.a", "1", {}, "Invalid filter pattern"),
        ("a", "x", {}, "Invalid metric transformation"),
        ("a", "1", {"dimensions": {"a": "$.a"}, "defaultValue": 0}, "mutually exclusive"),
        ("a", "1", {"dimensions": dict.fromkeys("abcd", "$.a")}, "at most 3 dimensions"),
        ("a", "1", {"dimensions": {"a": "$.a"}}, "only filters of JSON and space-delimited"),
    ],
)
def test_what_is_wrong_is_refused(
    client: Make, pattern: str, value: str, more: dict[str, Any], message: str
) -> None:
    logs = stream(client)
    with pytest.raises(ClientError, match=message):
        put(logs, pattern, value, **more)


def test_at_most_five_filters_have_regular_expressions(client: Make) -> None:
    logs = stream(client)
    for number in range(5):
        put(logs, f"%a{number}%", "1", name=f"r{number}")
    put(logs, "%b%", "1", name="r4")
    with pytest.raises(ClientError) as refused:
        put(logs, "%c%", "1", name="r5")
    assert refused.value.response["Error"] == {
        "Code": "LimitExceededException",
        "Message": "Resource limit exceeded.",
    }


def test_a_pattern_is_tried(client: Make) -> None:
    logs = client("logs")
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET / HTTP/1.0" 404 1534'
    found = logs.test_metric_filter(
        filterPattern="[..., status=4*, size]", logEventMessages=["x", line]
    )["matches"]
    assert found == [
        {
            "eventNumber": 2,
            "eventMessage": line,
            "extractedValues": {
                "$1": "127.0.0.1",
                "$2": "-",
                "$3": "frank",
                "$4": "10/Oct/2000:13:25:15 -0700",
                "$5": "GET / HTTP/1.0",
                "$status": "404",
                "$size": "1534",
            },
        }
    ]
