"""Events: put, got forward and backward, filtered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesocosm.testing.local import LocalCloud

Make = Callable[..., Any]


def stream(client: Make, group: str = "g", name: str = "s") -> Any:
    logs = client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=name)
    return logs


def put(logs: Any, times: list[int], group: str = "g", name: str = "s", text: str = "m") -> Any:
    return logs.put_log_events(
        logGroupName=group,
        logStreamName=name,
        logEvents=[{"timestamp": at, "message": f"{text}{at}"} for at in times],
    )


def now(cloud: LocalCloud) -> int:
    return int(cloud.now() * 1000)


def test_events_are_got_in_order_of_time(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    at = now(cloud)
    put(logs, [at - 10, at - 5])
    put(logs, [at - 20, at - 7, at])
    got = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert [e["timestamp"] - at for e in got["events"]] == [-20, -10, -7, -5, 0]
    assert got["events"][0]["message"] == f"m{at - 20}"
    assert got["events"][0]["ingestionTime"] >= at
    [row] = logs.describe_log_streams(logGroupName="g")["logStreams"]
    assert row["firstEventTimestamp"] == at - 20
    assert row["lastEventTimestamp"] == at


def test_tokens_lead_forward_and_back(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    at = now(cloud) - 1000
    put(logs, [at + n for n in range(10)])

    def get(**more: Any) -> Any:
        return logs.get_log_events(logGroupName="g", logStreamName="s", limit=4, **more)

    def numbers(page: Any) -> list[int]:
        return [event["timestamp"] - at for event in page["events"]]

    first = get(startFromHead=True)
    second = get(nextToken=first["nextForwardToken"], startFromHead=True)
    third = get(nextToken=second["nextForwardToken"], startFromHead=True)
    fourth = get(nextToken=third["nextForwardToken"], startFromHead=True)
    assert [numbers(page) for page in (first, second, third, fourth)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
        [],
    ]
    assert fourth["nextForwardToken"] == third["nextForwardToken"]
    assert numbers(get(nextToken=fourth["nextBackwardToken"])) == [6, 7, 8, 9]
    assert numbers(get(nextToken=third["nextBackwardToken"])) == [4, 5, 6, 7]
    last = get()
    assert numbers(last) == [6, 7, 8, 9]
    assert numbers(get(nextToken=last["nextBackwardToken"])) == [2, 3, 4, 5]
    begin = get(nextToken=first["nextBackwardToken"])
    assert numbers(begin) == []
    assert begin["nextBackwardToken"] == first["nextBackwardToken"]
    assert numbers(get(nextToken=begin["nextForwardToken"])) == [0, 1, 2, 3]
    put(logs, [at + 20])
    assert numbers(get(nextToken=fourth["nextForwardToken"])) == [20]
    with pytest.raises(ClientError, match="The specified nextToken is invalid"):
        get(nextToken="f/1")


def test_start_is_with_and_end_is_without(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    at = now(cloud) - 1000
    put(logs, [at + n for n in range(5)])
    got = logs.get_log_events(logGroupName="g", logStreamName="s", startTime=at + 1, endTime=at + 3)
    assert [e["timestamp"] - at for e in got["events"]] == [1, 2]
    found = logs.filter_log_events(logGroupName="g", startTime=at + 1, endTime=at + 3)
    assert [e["timestamp"] - at for e in found["events"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(0, "a"), (-1, "b")], "must be in chronological order"),
        ([(-86_400_001, "a"), (0, "b")], "cannot span more than 24 hours"),
        ([(0, "x" * 600_000), (0, "y" * 600_000)], "Upload too large: 1200052 bytes exceeds"),
        ([(0, "é" * 600_000)], "Log event too large: 1200026 bytes exceeds limit of 1048576"),
    ],
)
def test_a_batch_that_is_out_of_order_or_too_large_is_refused(
    cloud: LocalCloud, client: Make, events: list[tuple[int, str]], message: str
) -> None:
    logs = stream(client)
    at = now(cloud)
    with pytest.raises(ClientError, match=message) as refused:
        logs.put_log_events(
            logGroupName="g",
            logStreamName="s",
            logEvents=[{"timestamp": at + off, "message": text} for off, text in events],
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_too_old_and_too_new_events_are_left_out_and_told(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    at = now(cloud)
    hour, day = 3_600_000, 86_400_000
    answer = put(logs, [at - 14 * day - hour, at - 14 * day + hour])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, [at, at + 3 * hour])
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    answer = put(logs, [at - day - hour, at - 2 * hour])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    got = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert [e["timestamp"] - at for e in got["events"]] == [-2 * hour, 0]


def test_missing_groups_and_streams(client: Make) -> None:
    logs = stream(client)
    with pytest.raises(ClientError) as refused:
        put(logs, [1], group="h")
    assert refused.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "The specified log group does not exist.",
    }
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        put(logs, [1], name="t")


def test_filtering_interleaves_streams_and_pages(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    at = now(cloud) - 1000
    put(logs, [at + n for n in range(0, 20, 2)], text="even ERROR ")
    put(logs, [at + n for n in range(1, 20, 2)], name="t", text="odd INFO ")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", PaginationConfig={"PageSize": 3}
    )
    found = [event for page in pages for event in page["events"]]
    assert [event["timestamp"] - at for event in found] == list(range(20))
    assert len({event["eventId"] for event in found}) == 20
    assert {event["logStreamName"] for event in found} == {"s", "t"}

    def filtered(**more: Any) -> list[int]:
        events = logs.filter_log_events(logGroupName="g", **more)["events"]
        return [event["timestamp"] - at for event in events]

    assert filtered(filterPattern="ERROR") == list(range(0, 20, 2))
    assert filtered(logStreamNames=["t"]) == list(range(1, 20, 2))
    assert filtered(logStreamNamePrefix="s", filterPattern="INFO") == []
    assert filtered(startFromHead=False, startTime=at, limit=3) == [19, 18, 17]
    back = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", startFromHead=False, startTime=at, PaginationConfig={"PageSize": 7}
    )
    numbers = [e["timestamp"] - at for page in back for e in page["events"]]
    assert numbers == list(range(19, -1, -1))
    with pytest.raises(ClientError, match="mutually exclusive"):
        filtered(logStreamNames=["t"], logStreamNamePrefix="s")
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        filtered(logStreamNames=["u"])


def test_a_page_that_has_looked_long_enough_ends_with_a_token(
    cloud: LocalCloud, client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesocosm.services.logs.operations.reading.SCAN_BYTES", 5_000)
    logs = stream(client)
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    at = now(cloud) - 100_000
    for n in range(40):
        put(logs, [at + n * 10, at + n * 10 + 15], text="x" * 500)
        put(logs, [at + n * 10 + 3], name="t", text="y" * 500)
    pages = list(
        logs.get_paginator("filter_log_events").paginate(logGroupName="g", filterPattern="yyy")
    )
    assert len(pages) > 5
    found = [e["timestamp"] - at for page in pages for e in page["events"]]
    assert found == [n * 10 + 3 for n in range(40)]
    back = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", filterPattern="xxx", startFromHead=False, startTime=at - 1
    )
    numbers = [e["timestamp"] - at for page in back for e in page["events"]]
    assert numbers == sorted([n * 10 for n in range(40)] + [n * 10 + 15 for n in range(40)])[::-1]


def test_retention_hides_events_at_their_instant_and_frees_their_room(
    cloud: LocalCloud, client: Make
) -> None:
    logs = stream(client)
    put(logs, [now(cloud)])
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    cloud.advance(2 * 86_400)
    put(logs, [now(cloud)])
    assert len(logs.filter_log_events(logGroupName="g")["events"]) == 2
    cloud.advance(86_400 + 1)
    assert len(logs.filter_log_events(logGroupName="g")["events"]) == 1
    cloud.advance(3_600)
    [group] = logs.describe_log_groups()["logGroups"]
    assert 0 < group["storedBytes"] < 60
    assert group["retentionInDays"] == 3


def test_the_record_of_a_call_does_not_hold_the_events(cloud: LocalCloud, client: Make) -> None:
    logs = stream(client)
    put(logs, [now(cloud)], text="needle-")
    assert not [
        entry
        for entry in cloud.world.records()
        if entry.record is not None and b"needle-" in bytes(entry.record)
    ]


BATCHES = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.lists(st.integers(0, 40), min_size=1, max_size=6).map(sorted),
    ),
    max_size=12,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, limit=st.integers(1, 5), scan=st.sampled_from([1, 200, 10**9]))
def test_all_pages_together_are_all_events_in_order(
    shared_cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[tuple[str, list[int]]],
    limit: int,
    scan: int,
) -> None:
    monkeypatch.setattr("mesocosm.services.logs.operations.reading.SCAN_BYTES", scan)
    monkeypatch.setattr("mesocosm.world.segments.SEAL", 120)
    shared_cloud.begin_again()
    logs = shared_cloud.client("logs")
    logs.create_log_group(logGroupName="g")
    for name in "ab":
        logs.create_log_stream(logGroupName="g", logStreamName=name)
    at = now(shared_cloud) - 1000
    for name, offsets in batches:
        put(logs, [at + offset for offset in offsets], name=name)
    expected = sorted(offset for _, offsets in batches for offset in offsets)

    def pages(**more: Any) -> list[int]:
        found = logs.get_paginator("filter_log_events").paginate(
            logGroupName="g", PaginationConfig={"PageSize": limit}, **more
        )
        return [event["timestamp"] - at for page in found for event in page["events"]]

    assert pages() == expected
    assert pages(startFromHead=False, startTime=at) == expected[::-1]
    assert pages(filterPattern='-"nothing"') == expected
    for name in "ab":
        own = sorted(offset for owner, offsets in batches for offset in offsets if owner == name)
        for head in (True, False):
            assert got(logs, name, limit, at, head=head) == own
    logs.close()


def got(logs: Any, name: str, limit: int, at: int, *, head: bool) -> list[int]:
    """All events of a stream, page by page from one end to the other, in order."""
    found: list[int] = []
    token: dict[str, str] = {}
    which = "nextForwardToken" if head else "nextBackwardToken"
    while True:
        page = logs.get_log_events(
            logGroupName="g", logStreamName=name, startFromHead=head, limit=limit, **token
        )
        numbers = [event["timestamp"] - at for event in page["events"]]
        found = found + numbers if head else numbers + found
        if token.get("nextToken") == page[which]:
            return found
        token = {"nextToken": page[which]}
