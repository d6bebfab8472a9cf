"""The newest calls, kept as bytes."""

from __future__ import annotations

from mesocosm.call.recent import Recent
from mesocosm.call.record import CallRecord, encode
from mesocosm.iam import ANONYMOUS


def record(name: str, time: float = 1.0) -> CallRecord:
    return CallRecord(
        request_id=name,
        time=time,
        service="sqs",
        operation="SendMessage",
        account="000000000000",
        region="us-east-1",
        principal=ANONYMOUS,
    )


def names(calls: Recent) -> list[str]:
    return [one.request_id for one in calls]


def test_both_ways_and_no_more_than_asked_for() -> None:
    calls = Recent(2)
    assert not calls
    assert calls.newest is None
    for frame in (["a"], ["b", "c"], ["d"]):
        calls.append(encode([record(name) for name in frame]))
    assert names(calls) == ["b", "c", "d"]
    assert [one.request_id for one in reversed(calls)] == ["d", "c", "b"]
    assert calls.newest == record("d")


def test_a_rewind_leaves_what_came_after() -> None:
    calls = Recent(10)
    for at in (1.0, 2.0, 3.0):
        calls.append(encode([record(f"at {at:g}", at)]))
    calls.forget_after(2.0)
    assert names(calls) == ["at 1", "at 2"]
