"""Starting on what is not right: one clear sentence, a failing exit, no traceback, no change."""

from __future__ import annotations

import fcntl
from pathlib import Path

from mesocosm.world import World
from tests.cli.test_commands import mesocosm
from tests.world.kit import put, segment_files


def test_a_damaged_journal_is_named_with_its_place(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        for name in "abcdef":
            put(world, name)
            world.flush()
    [segment] = segment_files(tmp_path)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 4
    segment.write_bytes(data)
    done = mesocosm("up", "--port", "0", "--data", str(tmp_path), check=False)
    assert done.returncode == 1
    assert f"mesocosm: {segment} is damaged at byte " in done.stderr
    assert "Nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert segment.read_bytes() == data


def test_a_directory_in_use_is_refused_without_its_note_too(tmp_path: Path) -> None:
    with World.open(tmp_path):
        pass
    with (tmp_path / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = mesocosm("up", "--port", "0", "--data", str(tmp_path), check=False)
    assert done.returncode == 1
    assert f"{tmp_path} is in use by another process" in done.stderr
    assert "--data names another one" in done.stderr
    assert "Traceback" not in done.stderr
