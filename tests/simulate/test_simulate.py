"""Seeded lives of a cloud; MESOCOSM_SEEDS (see docs/HACKING.md) names others than the usual."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.simulate.story import CLOUDTRAIL, Story

CALLS = 500


def seeds() -> list[int]:
    """The seeds to run: a few, or those that are asked for."""
    first, _, last = os.environ.get("MESOCOSM_SEEDS", "1-4").partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("seed", seeds())
def test_a_life(tmp_path: Path, seed: int) -> None:
    story = Story(tmp_path / "data", seed, time.time())
    try:
        story.run(CALLS)
        story.check_decisions()
        trailed = story.check_trail() if CLOUDTRAIL else 0
    except BaseException:
        print(f"seed {seed}; again with MESOCOSM_SEEDS={seed}. The last of the tale:")
        print("\n".join(story.tale[-25:]))
        raise
    finally:
        story.machine.loop.close()
    counts = dict(story.counts.most_common())
    print(f"seed {seed}: {counts}, {story.explained} explained, {trailed} in CloudTrail")
    assert story.explained > CALLS / 2
    assert counts["ok"] > CALLS / 5
    assert counts["AccessDenied"] > CALLS / 20
