from __future__ import annotations

from pathlib import Path

import pytest

from mesocosm.world import JournalDamaged, World
from mesocosm.world.journal import Reader
from tests.world.kit import contents, put, segment_files


def written(root: Path, count: int) -> tuple[Path, list[int]]:
    """A journal of `count` acknowledged frames; its segment, and where each frame ends."""
    ends = []
    with World.open(root) as world:
        for number in range(count):
            put(world, f"q{number}", number, record=b"call %d" % number)
            world.flush()
            [segment] = segment_files(root)
            ends.append(segment.stat().st_size)
    return segment, ends


def test_a_tail_torn_anywhere_is_cut_and_written_over(tmp_path: Path) -> None:
    root = tmp_path
    segment, ends = written(root, 4)
    data = segment.read_bytes()
    for cut in range(len(data)):
        segment.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        with World.open(root) as world:
            assert contents(world) == {f"q{n}": n for n in range(whole)}
            assert world.position == whole
            put(world, "new", 99)
        with World.open(root) as world:
            assert contents(world) == {**{f"q{n}": n for n in range(whole)}, "new": 99}


def test_a_flipped_bit_is_damage_or_a_torn_tail_and_never_a_wrong_row(tmp_path: Path) -> None:
    segment, ends = written(tmp_path / "whole", 4)
    data = segment.read_bytes()
    for place in range(len(data)):
        for bit in (0, 7):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            segment.write_bytes(flipped)
            frame = sum(end <= place for end in ends)
            if frame == len(ends) - 1:  # nothing follows: it may have been torn
                with World.open(tmp_path / "whole") as world:
                    assert contents(world) == {f"q{n}": n for n in range(frame)}
            else:
                with pytest.raises(JournalDamaged, match=segment.name) as caught:
                    World.open(tmp_path / "whole")
                begin = 0 if place < 19 else [19, *ends][frame]
                assert caught.value.offset == begin
                assert caught.value.path == segment
                assert segment.read_bytes() == flipped, "nothing is cut"
            segment.write_bytes(data)


def test_damage_in_what_others_refer_to_is_not_a_torn_tail(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.snapshot("here")
    [segment] = segment_files(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(JournalDamaged, match="position 1 had been acknowledged"):
        World.open(tmp_path)


def test_frames_of_one_unacknowledged_write_may_be_torn_in_the_middle(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.flush()
        [segment] = segment_files(tmp_path)
        first = segment.stat().st_size
        for name in "bcd":  # one write: none is acknowledged before the others
            put(world, name)
    data = bytearray(segment.read_bytes())
    data[first + 30] ^= 1
    segment.write_bytes(data)
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 0}


def test_a_missing_segment_is_damage(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        for name in "abc":
            put(world, name)
            world.flush()
            world.rotate()
    first, second, third = segment_files(tmp_path)
    second.unlink()
    with pytest.raises(JournalDamaged, match="missing") as caught:
        World.open(tmp_path)
    assert caught.value.path == third
    first.unlink()
    with pytest.raises(JournalDamaged, match="missing"):
        World.open(tmp_path)


def test_a_segment_cut_short_before_another_is_damage(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        for name in "abcd":
            put(world, name)
            world.flush()
            if name == "b":
                world.rotate()
    first, _ = segment_files(tmp_path)
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(JournalDamaged) as caught:
        World.open(tmp_path)
    assert caught.value.path == first


def test_a_damaged_checkpoint_is_reported(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.checkpoint()
    [manifest] = tmp_path.glob("branches/*/*.manifest")
    data = bytearray(manifest.read_bytes())
    data[-1] ^= 1
    manifest.write_bytes(data)
    with pytest.raises(JournalDamaged, match="checkpoint"):
        World.open(tmp_path)


@pytest.mark.parametrize("spoil", ["flip", "cut", "torn"])
def test_damage_before_a_checkpoint_is_not_a_torn_tail(tmp_path: Path, spoil: str) -> None:
    with World.open(tmp_path) as world:
        for name in "abcdefgh":
            put(world, name)
            world.flush()
        world.checkpoint()
    [segment] = segment_files(tmp_path)
    data = bytearray(segment.read_bytes())
    if spoil == "flip":
        data[len(data) // 2] ^= 4
    elif spoil == "torn":
        del data[-3:]
    else:
        *_, last = Reader(segment.parent, 0).frames()
        del data[-len(last.payload) - 24 :]
    segment.write_bytes(data)
    with pytest.raises(JournalDamaged) as caught:
        World.open(tmp_path)
    assert caught.value.path == segment
    assert 0 < caught.value.offset <= len(data)
    assert segment.read_bytes() == data


@pytest.mark.parametrize("name", ["branches/main/branch.json", "snapshots.json"])
@pytest.mark.parametrize("text", [b"", b"{", b"{}", b"\xff"])
def test_damaged_names_are_reported(tmp_path: Path, name: str, text: bytes) -> None:
    with World.open(tmp_path) as world:
        put(world, "a")
        world.snapshot("here")
    (tmp_path / name).write_bytes(text)
    for _ in range(2):  # the directory is let go of
        with pytest.raises(JournalDamaged) as caught:
            World.open(tmp_path)
        assert caught.value.path == tmp_path / name
