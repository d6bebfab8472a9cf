"""What a cloud waits for: calls that wait for something to happen, and timers.

Coroutines stand apart from the path of a short call, which is compiled (tools/compile.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesocosm.call.call import Wait
from mesocosm.call.steps import Passage
from mesocosm.world import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesocosm.call.cloud import Cloud, Finish
    from mesocosm.wire.message import Response
    from mesocosm.world import Timer


async def later(cloud: Cloud, passage: Passage, finish: Finish | None, wait: Wait) -> Response:
    """Run a call again each time what it waits for may have happened, until it is answered."""
    while True:
        line = cloud.world.branch.name
        passage.resumed = await cloud.waiting.wait(wait.topic, wait.until)
        if cloud.world.branch.name != line:
            # A rewind: the call begins anew where the cloud is now, at its time.
            passage = Passage(passage.request, passage.claim)
        try:
            cloud.through(passage)
        except Wait as again:
            wait = again
            continue
        break
    error: StorageFailed | None = None
    try:
        await cloud.world.committed(passage.position)
    except StorageFailed as failure:
        error = failure
    finally:
        # Also when the client has left meanwhile: what it asked for has been done.
        cloud.react()
    return cloud.answered(passage, finish, error)


def runner(cloud: Cloud) -> Callable[[Timer], Awaitable[None]]:
    """What runs the due timers of a cloud."""

    async def run(timer: Timer) -> None:
        cloud.run_timer(timer)

    return run
