"""What was acknowledged survives `kill -9`, whatever the process was doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mesocosm.world import World
from tests.world.kit import contents

ROOT = Path(__file__).parents[2]


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    acknowledged: set[str] = set()
    for lines in (50, 701, 1503):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.world.writer", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged.add(writer.stdout.readline().strip())
        writer.kill()
        rest = writer.stdout.read().splitlines(keepends=True)
        acknowledged.update(line.strip() for line in rest if line.endswith("\n"))
        writer.stdout.close()
        writer.wait()
        with World.open(tmp_path) as world:
            assert acknowledged <= contents(world).keys()
            assert len(list(world.records())) == world.position
    assert len(acknowledged) >= 2254
