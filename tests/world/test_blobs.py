from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mesocosm.world import StorageFull, World
from mesocosm.world.blobs import digests_in
from tests.world.kit import FailingFiles


def test_blobs_are_found_by_their_content_and_shared(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        digest = world.blobs.put(b"data")
        assert digest == hashlib.sha256(b"data").hexdigest() == world.blobs.put(b"data")
        fork = world.fork()
        assert fork.blobs.get(digest) == b"data"
        fork.discard()
        with world.blobs.open(digest) as file:
            assert file.read() == b"data"
        assert world.blobs.size(digest) == 4
        with pytest.raises(FileNotFoundError):
            world.blobs.get("0" * 64)


def test_a_spool_is_adopted_or_gone(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        with world.blobs.spool() as spool:
            spool.write(b"some ")
            spool.write(b"data")
            with spool.open() as file:
                assert file.read() == b"some data"
            digest = spool.digest
            world.blobs.adopt(spool, digest)
        assert world.blobs.get(digest) == b"some data"
        with world.blobs.spool() as twice:
            twice.write(b"some data")
            world.blobs.adopt(twice.path, digest)
        with world.blobs.spool() as unwanted:
            unwanted.write(b"x")
        assert list((tmp_path / "spool").iterdir()) == []
        left = world.blobs.spool()
        left.flush()
    with World.open(tmp_path):
        assert list((tmp_path / "spool").iterdir()) == [], "what a crash leaves is removed"
    left.close()


def test_a_full_disk_keeps_no_part_of_a_blob(tmp_path: Path) -> None:
    files = FailingFiles()
    with World.open(tmp_path, files=files) as world:
        for room in (0, 100_000):
            files.room = room
            with pytest.raises(StorageFull), world.blobs.spool() as spool:
                for _ in range(4):
                    spool.write(b"x" * 50_000)
                spool.flush()
            files.room = room
            with pytest.raises(StorageFull):
                world.blobs.put(b"y" * 200_000)
            assert list((tmp_path / "spool").iterdir()) == []
        files.room = None
        with world.blobs.spool() as spool:
            spool.write(b"small ")
            spool.write(b"z" * 200_000)
            spool.write(b" end")
            digest = spool.digest
            world.blobs.adopt(spool, digest)
        assert world.blobs.get(digest) == b"small " + b"z" * 200_000 + b" end"


def test_digests_are_found_in_any_bytes() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    assert digests_in(b"\xd9\x40" + digest.encode() + b"7") >= {digest}
    assert digests_in(b"0" + digest.encode()) >= {digest}
    assert digests_in(digest.encode()[:-1]) == set()
