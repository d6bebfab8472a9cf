"""The cloud in a thread: its control API, its forks, a directory that is kept."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from mesocosm.testing.local import LocalCloud
from mesocosm.world import NameTaken


def test_the_control_api_answers(cloud: LocalCloud) -> None:
    with urllib.request.urlopen(f"{cloud.endpoint}/_mesocosm/health", timeout=30) as answer:
        assert json.load(answer)["status"] == "ok"


def test_a_fork_leaves_its_origin_alone(cloud: LocalCloud) -> None:
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="shared")
    with cloud.fork() as other:
        other.client("sqs").create_queue(QueueName="only-there")
        assert len(other.client("sqs").list_queues()["QueueUrls"]) == 2
        assert other.port != cloud.port
        other.advance(3600)
        assert other.now() > cloud.now() + 3000
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_a_fork_of_the_past(cloud: LocalCloud) -> None:
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="first")
    cloud.snapshot("one-queue")
    sqs.create_queue(QueueName="second")
    with cloud.fork("one-queue") as other:
        assert len(other.client("sqs").list_queues()["QueueUrls"]) == 1


def test_names_are_taken_once(cloud: LocalCloud) -> None:
    cloud.snapshot("here")
    with pytest.raises(NameTaken):
        cloud.snapshot("here")


def test_a_directory_that_is_given_is_kept(tmp_path: Path) -> None:
    local = LocalCloud(directory=tmp_path / "data")
    local.client("sqs").create_queue(QueueName="kept")
    local.snapshot("mine")
    local.close()
    again = LocalCloud(directory=tmp_path / "data")
    try:
        again.client("sqs").create_queue(QueueName="more")
        again.begin_again()
        assert len(again.client("sqs").list_queues()["QueueUrls"]) == 1
        again.rewind("mine")
    finally:
        again.close()


def test_it_is_today_where_a_cloud_begins_again() -> None:
    today = [1_800_000_000.0]
    local = LocalCloud(real=lambda: today[0])
    try:
        local.advance(7 * 86_400)
        today[0] += 600
        local.begin_again()
        assert local.now() == pytest.approx(today[0])
    finally:
        local.close()
