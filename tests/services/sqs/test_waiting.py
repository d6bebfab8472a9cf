"""Long polling: a receive that finds nothing waits for a message, or until its time is up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from tests.services.sqs.support import bodies, queue, receive

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture
def still(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """A cloud whose clock stands still unless it is advanced."""
    cloud.do(cloud.world.clock.pause)
    yield cloud
    cloud.do(cloud.world.clock.resume)


def waiting(
    cloud: LocalCloud, pool: ThreadPoolExecutor, function: Callable[..., Any], count: int = 1
) -> Future[Any]:
    """Start a call and return when it, and `count` in all, wait."""
    future = pool.submit(function)
    seen = threading.Event()

    def look() -> None:
        if sum(map(len, cloud.cloud.waiting._topics.values())) == count:
            seen.set()
        else:
            cloud._loop.call_soon(look)

    cloud._loop.call_soon_threadsafe(look)
    assert seen.wait(20)
    return future


def test_a_message_that_is_sent_ends_the_wait(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs)
    found = waiting(still, pool, lambda: bodies(sqs, url, WaitTimeSeconds=20))
    client("sqs").send_message(QueueUrl=url, MessageBody="a")
    assert found.result(20) == ["a"]


def test_the_wait_ends_with_nothing_when_its_time_is_up(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs, ReceiveMessageWaitTimeSeconds=10)
    found = waiting(still, pool, lambda: bodies(sqs, url))
    still.advance(9)
    assert not found.done()
    still.advance(2)
    assert found.result(20) == []


def test_a_message_that_becomes_visible_ends_the_wait(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=5)
    found = waiting(still, pool, lambda: bodies(sqs, url, WaitTimeSeconds=20))
    still.advance(6)
    assert found.result(20) == ["delayed"]


def test_a_handle_given_back_ends_the_wait(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    handle = receive(sqs, url)[0]["ReceiptHandle"]
    found = waiting(still, pool, lambda: bodies(sqs, url, WaitTimeSeconds=20))
    client("sqs").change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert found.result(20) == ["a"]


def test_deleting_in_a_group_ends_the_wait_for_the_next(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    for body in "ab":
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    handle = receive(sqs, url, 1)[0]["ReceiptHandle"]
    found = waiting(still, pool, lambda: bodies(sqs, url, WaitTimeSeconds=20))
    client("sqs").delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert found.result(20) == ["b"]


def test_of_two_that_wait_one_gets_the_message(
    client: Callable[..., Any], still: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    first, second = client("sqs"), client("sqs")
    url = queue(first)
    one = waiting(still, pool, lambda: bodies(first, url, WaitTimeSeconds=20))
    two = waiting(still, pool, lambda: bodies(second, url, WaitTimeSeconds=20), 2)
    client("sqs").send_message(QueueUrl=url, MessageBody="a")
    wait([one, two], 20, FIRST_COMPLETED)
    still.advance(21)
    assert sorted([one.result(20), two.result(20)]) == [[], ["a"]]


def test_a_wait_that_a_rewind_overtakes_begins_anew(
    client: Callable[..., Any], cloud: LocalCloud, pool: ThreadPoolExecutor
) -> None:
    sqs = client("sqs")
    url = queue(sqs)
    cloud.do(cloud.world.clock.pause)
    cloud.snapshot("before the wait")
    cloud.advance(30 * 86_400)
    answers: list[Any] = []

    def receive_and_keep() -> None:
        answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))

    found = waiting(cloud, pool, receive_and_keep)
    cloud.rewind("before the wait")
    found = waiting(cloud, pool, lambda: found.result(20))
    assert not found.done()
    cloud.advance(21)
    found.result(20)
    assert "Messages" not in answers[0]
    told = cloud.why(answers[0]["ResponseMetadata"]["RequestId"])
    assert told is not None
    assert [one["result"] for one in told["decisions"]] == ["Allowed"]
