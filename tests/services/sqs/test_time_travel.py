"""Queues after a rewind, a fork and a restart: rows are the truth, the order follows from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.services.sqs.support import bodies, counts, queue, receive

from mesocosm.testing.local import LocalCloud


def test_a_rewind_brings_messages_and_their_state_back(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    handle = receive(sqs, url, 1)[0]["ReceiptHandle"]
    cloud.snapshot("before")
    for message in receive(sqs, url):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    sqs.send_message(QueueUrl=url, MessageBody="d")
    cloud.rewind("before")
    assert counts(sqs, url) == (2, 1, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert bodies(sqs, url) == ["b", "c"]


def test_a_fork_goes_its_own_way(sqs: Any, cloud: LocalCloud) -> None:
    url = queue(sqs)
    for body in "ab":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    receive(sqs, url, 1)

    def lengths() -> tuple[int, int]:
        from mesocosm.services.sqs.resources import Lines, messages, queues

        with cloud.world.fork() as fork:
            store = fork.rows(queues, "000000000000", "us-east-1")["orders"].store
            line = fork.derived(Lines).line("000000000000", "us-east-1", store, False)
            before = line.available, line.flying
            assert before == (1, 1)
            rows = fork.rows(messages, "000000000000", "us-east-1")
            with fork.transaction():
                rows.clear()
            return len(line), len(rows)

    assert cloud.do(lengths) == (0, 0)
    assert counts(sqs, url) == (1, 1, 0)


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    local = LocalCloud(directory=tmp_path)
    sqs = local.client("sqs")
    url = queue(sqs, "q.fifo", ContentBasedDeduplication="true")
    groups = {"a": "g", "b": "h", "c": "g", "d": "h"}
    for body in groups:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=groups[body])
    first = receive(sqs, url, 1)[0]
    local.close()
    local = LocalCloud(directory=tmp_path)
    sqs = local.client("sqs")
    url = sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
    assert counts(sqs, url) == (3, 1, 0)
    sqs.send_message(QueueUrl=url, MessageBody="d", MessageGroupId="h")  # a duplicate
    assert bodies(sqs, url) == ["b", "d"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(sqs, url) == ["c"]
    local.advance(31)
    assert counts(sqs, url) == (3, 0, 0)
    local.close()
