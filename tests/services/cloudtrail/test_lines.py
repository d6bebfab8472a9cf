"""How events become log events: in order, no more at once than PutLogEvents takes."""

from __future__ import annotations

from mesocosm.services.cloudtrail.control import feeding


def test_events_are_put_in_order_and_within_the_limits_of_a_batch() -> None:
    lines = feeding.Lines()
    for number in range(40):
        lines.add({"n": number, "x": "é" * 50_000}, 1_000.5 + (number * 7) % 40)
    lines.add({"n": 40}, 1_000.0 + 86_400 * 2)
    batches = list(lines.batches())
    times = [one.timestamp for batch in batches for one in batch]
    assert times == sorted(times)
    assert times[0] == 1_000_500
    assert len(times) == 41
    assert [len(batch) for batch in batches] == [10, 10, 10, 10, 1]


def test_events_that_are_too_large_are_left_out() -> None:
    lines = feeding.Lines()
    lines.add({"x": "y" * feeding.EVENT_BYTES}, 1.0)
    lines.add({"x": "y"}, 2.0)
    ((one,),) = lines.batches()
    assert one.message == '{"x":"y"}'
