from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from mesocosm.world import Change, StorageFailed, StorageFull, World
from tests.world.kit import CELL, FailingFiles, by_size, contents, put, queues


def test_transactions_of_one_turn_are_one_write(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        with World.open(tmp_path, files=files) as world:

            async def call(name: str) -> None:
                position = put(world, name)
                assert world.durable < position
                await world.committed(position)
                assert world.durable >= position

            files.log.clear()
            await asyncio.gather(*(call(f"q{n}") for n in range(10)))
            assert files.log == ["write"]

    asyncio.run(run())


def test_power_syncs_before_it_acknowledges(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        with World.open(tmp_path, files=files, durability="power") as world:
            await world.committed(put(world, "first"))
            files.log.clear()
            blob = world.blobs.put(b"x" * 10)
            assert files.log == ["write"]
            position = put(world, "a")
            await world.committed(position)
            # the blob's file and directories, then the journal
            assert files.log == ["write", "write", "sync", "sync", "sync", "sync"]
            assert blob in world.blobs
            await asyncio.gather(*(world.committed(put(world, f"q{n}")) for n in range(5)))
            assert files.log[6:] == ["write", "sync"]

    asyncio.run(run())


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_full_disk_undoes_what_was_not_acknowledged_and_recovers(
    tmp_path: Path, durability: str, room: int
) -> None:
    async def run() -> None:
        files = FailingFiles()
        world = World.open(tmp_path, files=files, durability=durability)  # type: ignore[arg-type]
        heard: list[Change] = []
        await world.committed(put(world, "a", 1))
        world.changes.subscribe(queues, heard.append)
        assert world.rows(queues, *CELL).find(by_size, 1) == ["a"]
        files.room = room
        lost = [put(world, "b", 1), put(world, "a", 2)]
        results = await asyncio.gather(*map(world.committed, lost), return_exceptions=True)
        assert [type(result) for result in results] == [StorageFull, StorageFull]
        assert contents(world) == {"a": 1}, "reads go on"
        assert world.rows(queues, *CELL).find(by_size, 1) == ["a"]
        assert [(c.key, c.old is None, c.new is None) for c in heard] == [
            ("b", True, False),
            ("a", False, False),
            ("a", False, False),
            ("b", False, True),
        ], "watchers hear the undoing too"
        put(world, "c")
        with pytest.raises(StorageFull):
            world.flush()
        files.room = None
        await world.committed(put(world, "d", 4))
        for position in lost:
            with pytest.raises(StorageFull):
                await world.committed(position)
        expected = contents(world)
        assert expected == {"a": 1, "d": 4}
        world.close()
        with World.open(tmp_path) as world:
            assert contents(world) == expected

    asyncio.run(run())


def test_a_full_disk_before_the_first_write(tmp_path: Path) -> None:
    files = FailingFiles()
    with World.open(tmp_path, files=files) as world:
        files.room = 3
        put(world, "a")
        with pytest.raises(StorageFull):
            world.flush()
        files.room = None
        put(world, "b")
    with World.open(tmp_path) as world:
        assert contents(world) == {"b": 0}


def test_a_failed_sync_undoes_what_was_not_acknowledged(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        world = World.open(tmp_path, files=files, durability="power")
        await world.committed(put(world, "a"))
        files.sync_error = OSError(errno.EIO, "input/output error")
        with pytest.raises(StorageFailed, match="input/output"):
            await world.committed(put(world, "b"))
        assert contents(world) == {"a": 0}
        files.sync_error = None
        await world.committed(put(world, "c"))
        world.close()
        with World.open(tmp_path) as world:
            assert contents(world) == {"a": 0, "c": 0}

    asyncio.run(run())


def test_a_full_disk_refuses_snapshots_forks_and_blobs_cleanly(tmp_path: Path) -> None:
    files = FailingFiles()
    with World.open(tmp_path, files=files) as world:
        put(world, "a")
        world.flush()
        files.room = 0
        with pytest.raises(StorageFull):
            world.snapshot("here")
        with pytest.raises(StorageFull):
            world.fork()
        with pytest.raises(StorageFull):
            world.rewind(0)
        with pytest.raises(StorageFull):
            world.blobs.put(b"data")
        with pytest.raises(StorageFull):
            world.checkpoint()
        assert contents(world) == {"a": 0}
        assert world.snapshots() == []
        files.room = None
        put(world, "b")
        world.snapshot("here")
        world.checkpoint()
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 0, "b": 0}


def test_a_waiter_that_is_cancelled_hurts_no_other(tmp_path: Path) -> None:
    async def run() -> None:
        with World.open(tmp_path) as world:
            position = put(world, "a")
            one = asyncio.ensure_future(world.committed(position))
            two = asyncio.ensure_future(world.committed(position))
            await asyncio.sleep(0)
            one.cancel()
            await two

    asyncio.run(run())


def test_a_world_outlives_its_event_loop(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:

        async def leave() -> None:
            put(world, "a")

        async def come_back() -> None:
            await world.committed(put(world, "b"))

        asyncio.run(leave())
        asyncio.run(come_back())
    with World.open(tmp_path) as world:
        assert contents(world) == {"a": 0, "b": 0}
