from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mesocosm.world import ClockBackwards, StorageFull, Timer, World, WorldError
from tests.world.kit import CELL, FailingFiles, Hand, contents, put

START = 1_700_000_000.0


def at(world: World, due: float, key: str) -> None:
    with world.transaction():
        world.timers.at(due, "sqs", "expire", key, "1", "us-east-1")


def test_the_clock_pauses_hurries_and_is_kept(tmp_path: Path) -> None:
    hand = Hand(START)
    with World.open(tmp_path, real=hand) as world:
        clock = world.clock
        hand.now += 5
        assert clock.now() == START + 5
        clock.pause()
        hand.now += 100
        assert clock.now() == START + 5
        clock.rate(60)
        hand.now += 1
        assert clock.now() == START + 65
        clock.pause()
        clock.resume()
        hand.now += 1
        assert clock.now() == START + 125
        assert clock.real() == hand.now
        clock.pause()
        with pytest.raises(ValueError, match="backwards"):
            clock.rate(-1)
    hand.now += 1000
    with World.open(tmp_path, real=hand) as world:
        assert world.clock.now() == START + 125, "paused, also while nobody was here"
        world.clock.resume()
        assert world.clock.speed == 60


def test_time_goes_on_while_nobody_is_here_but_never_back(tmp_path: Path) -> None:
    hand = Hand(START)
    with World.open(tmp_path, real=hand) as world:
        put(world, "a")
        hand.now -= 50
        assert world.clock.now() == START
    hand.now = START + 1000
    with World.open(tmp_path, real=hand) as world:
        assert world.clock.now() == START + 1000


def test_advancing_runs_what_is_due_in_order_each_at_its_own_instant(tmp_path: Path) -> None:
    async def run() -> None:
        hand = Hand(START)
        with World.open(tmp_path, real=hand) as world:
            ran: list[tuple[str, float]] = []

            async def runner(timer: Timer) -> None:
                ran.append((timer.key, world.clock.now() - START))
                await asyncio.sleep(0)
                assert world.clock.now() == timer.due
                if timer.key == "again" and timer.due < START + 60:
                    at(world, timer.due + 20, "again")

            async def sleeper() -> None:
                await world.clock.sleep(25)
                ran.append(("sleeper", world.clock.now() - START))

            world.timers.run = runner
            at(world, START + 50, "late")
            at(world, START + 10, "twin 1")
            at(world, START + 10, "twin 2")
            at(world, START + 20, "again")
            at(world, START + 30, "cancelled")
            at(world, START + 500, "beyond")
            with world.transaction():
                world.timers.cancel("sqs", "expire", "cancelled", "1", "us-east-1")
            task = asyncio.create_task(sleeper())
            await asyncio.sleep(0)
            await world.clock.advance(100)
            await task
            assert ran == [
                ("twin 1", 10),
                ("twin 2", 10),
                ("again", 20),
                ("sleeper", 25),
                ("again", 40),
                ("late", 50),
                ("again", 60),
            ]
            assert world.clock.now() == START + 100
            assert world.timers.next_due() == START + 500
        with World.open(tmp_path, real=hand) as world:
            assert world.clock.now() == START + 100
            world.timers.run = runner
            assert world.timers.next_due() == START + 500

    asyncio.run(run())


def test_the_clock_goes_back_only_by_a_rewind(tmp_path: Path) -> None:
    async def run() -> None:
        hand = Hand(START)
        with World.open(tmp_path, real=hand) as world:
            world.snapshot("start")
            await world.clock.at(START + 3600)
            with pytest.raises(ClockBackwards):
                await world.clock.at(START)
            with pytest.raises(ClockBackwards):
                await world.clock.advance(-1)
            world.rewind("start")
            assert world.clock.now() == START

    asyncio.run(run())


def test_a_rewind_restores_timers(tmp_path: Path) -> None:
    async def run() -> None:
        hand = Hand(START)
        with World.open(tmp_path, real=hand) as world:
            ran: list[float] = []

            async def runner(timer: Timer) -> None:
                ran.append(timer.due - START)

            world.timers.run = runner
            at(world, START + 10, "a")
            world.snapshot("before")
            await world.clock.advance(20)
            assert world.timers.next_due() is None
            world.rewind("before")
            assert world.timers.next_due() == START + 10
            await world.clock.advance(20)
            assert ran == [10, 10]

    asyncio.run(run())


def test_a_timer_that_fails_is_tried_again_ever_more_slowly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        hand = Hand(START)
        with World.open(tmp_path, real=hand) as world:
            tries: list[float] = []

            async def runner(timer: Timer) -> None:
                tries.append(world.clock.now() - START)
                if len(tries) < 4:
                    raise RuntimeError("not yet")

            world.timers.run = runner
            at(world, START + 10, "a")
            await world.clock.advance(100)
            assert tries == [10, 11, 13, 17]
            assert world.timers.next_due() is None

    asyncio.run(run())
    assert caplog.text.count("RuntimeError: not yet") == 3


def test_a_timer_ends_with_its_effect_or_not_at_all(tmp_path: Path) -> None:
    async def run() -> None:
        with World.open(tmp_path, real=Hand(START)) as world:

            async def runner(timer: Timer) -> None:
                with world.transaction():
                    assert world.timers.finish(timer)
                    assert not world.timers.finish(timer)
                    world.timers.at(timer.due + 5, "sqs", "expire", timer.key, "1", "us-east-1")

            world.timers.run = runner
            at(world, START + 1, "a")
            await world.clock.advance(3)
            assert world.timers.next_due() == START + 6, "set anew by the timer itself"

    asyncio.run(run())


def test_a_timer_cannot_advance_the_clock(tmp_path: Path) -> None:
    async def run() -> None:
        with World.open(tmp_path, real=Hand(START)) as world:
            refused: list[str] = []

            async def runner(timer: Timer) -> None:
                try:
                    await world.clock.advance(1)
                except WorldError as error:
                    refused.append(str(error))

            world.timers.run = runner
            at(world, START + 1, "a")
            await world.clock.advance(3)
            assert len(refused) == 1

    asyncio.run(run())


def test_tasks_a_timer_leaves_behind_see_time_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        with World.open(tmp_path, real=Hand(START)) as world:
            seen: list[float] = []
            go_on = asyncio.Event()

            async def behind() -> None:
                await go_on.wait()
                seen.append(world.clock.now() - START)

            tasks = []

            async def runner(timer: Timer) -> None:
                tasks.append(asyncio.create_task(behind()))

            world.timers.run = runner
            at(world, START + 1, "a")
            await world.clock.advance(3)
            go_on.set()
            await tasks[0]
            assert seen == [3]

    asyncio.run(run())


def test_due_timers_run_by_themselves(tmp_path: Path) -> None:
    async def run() -> None:
        hand = Hand(START)
        with World.open(tmp_path, real=hand) as world:
            done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

            async def runner(timer: Timer) -> None:
                done.set_result(world.clock.now())

            world.timers.run = runner
            at(world, START + 10, "a")
            world.clock.pause()
            hand.now += 100
            world.clock.arm()
            assert not done.done()
            world.clock.rate(1)
            hand.now += 12
            world.clock.arm()
            assert await done == START + 10, "the instant it was due, though it is later"

    asyncio.run(run())


def test_a_full_disk_keeps_the_timer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        files = FailingFiles()
        with World.open(tmp_path, real=Hand(START), files=files) as world:

            async def runner(timer: Timer) -> None:
                with world.transaction() as transaction:
                    world.timers.finish(timer)
                put(world, "effect")
                await world.committed(transaction.position)

            world.timers.run = runner
            at(world, START + 1, "a")
            world.flush()
            files.room = 0
            put(world, "x")
            with pytest.raises(StorageFull):
                world.flush()
            world.clock.stop()
            files.room = 0
            await world.timers.run_next()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert world.timers.next_due() is not None
            assert contents(world) == {}
            files.room = None

    asyncio.run(run())
    assert "StorageFull" in caplog.text


def test_sleep_of_nothing_returns(tmp_path: Path) -> None:
    async def run() -> None:
        with World.open(tmp_path, real=Hand(START)) as world:
            await world.clock.sleep(0)
            assert world.clock.monotonic() <= world.clock.monotonic()

    asyncio.run(run())


def test_timers_set_anew_do_not_pile_up(tmp_path: Path) -> None:
    with World.open(tmp_path, real=Hand(START)) as world:

        async def runner(timer: Timer) -> None:
            raise AssertionError(timer)

        world.timers.run = runner
        for number in range(1500):
            at(world, START + 10_000 - number, "a")
        assert len(world.timers._heap) < 1100
        assert world.timers.next_due() == START + 10_000 - 1499


@pytest.mark.parametrize("rewound", [False, True])
def test_a_long_advance_lets_others_have_their_turn(tmp_path: Path, rewound: bool) -> None:
    """However much is due; and a rewind in its midst ends it."""

    async def scenario() -> None:
        with World.open(tmp_path) as world:
            runs = 0
            start = world.clock.now()

            async def run(timer: Timer) -> None:
                nonlocal runs
                runs += 1
                with world.transaction():
                    if runs < 100_000:
                        world.timers.at(timer.due + 60.0, "s", "again", "k", *CELL)

            world.timers.run = run
            world.snapshot("start")
            with world.transaction():
                world.timers.at(start + 60.0, "s", "again", "k", *CELL)
            advance = asyncio.create_task(world.clock.advance(60.0 * 200_000))
            while runs == 0:
                await asyncio.sleep(0)
            assert runs < 100_000
            if rewound:
                world.rewind("start")
                await advance
                assert world.clock.now() < start + 3600
            else:
                advance.cancel()

    asyncio.run(scenario())
