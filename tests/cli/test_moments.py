"""Durations, sizes and instants as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.cli import moments

NOW = 1_772_357_400.0  # 2026-03-01T09:30:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("24h", 86_400), ("1h30m", 5400), ("2w", 1_209_600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert moments.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "5 parsecs", "-3h", "1h 3x"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        moments.duration(text)


def test_history_window() -> None:
    assert moments.window("72h/4GB") == (259_200, 4_000_000_000)
    with pytest.raises(ValueError, match="as in 72h/4GB"):
        moments.window("72h")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("10m ago", NOW - 600),
        ("-10m", NOW - 600),
        ("2026-03-01T09:00:00Z", NOW - 1800),
        ("2026-03-01T10:00:00+01:00", NOW - 1800),
        ("2026-03-01", NOW - 34_200),
        ("09:00", NOW - 1800),
        ("10:00", NOW + 1800 - 86_400),
        ("1772357400", NOW),
    ],
)
def test_instants(text: str, instant: float) -> None:
    assert moments.moment(text, NOW) == instant


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_a_clear_error(text: str) -> None:
    try:
        read: float | str = moments.moment(text, NOW)
    except ValueError as error:
        read = str(error)
    assert isinstance(read, float) or "is not a" in read


def test_iso_reads_back() -> None:
    assert moments.iso(NOW) == "2026-03-01T09:30:00.000Z"
    assert moments.moment(moments.iso(NOW), 0.0) == NOW
