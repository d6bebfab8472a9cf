"""A full disk: callers get an AWS error, reading goes on, and all is well when there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mesocosm.call.record import decode
from mesocosm.testing.local import LocalCloud
from tests.world.kit import FailingFiles

Clients = Callable[..., list[Any]]
ONCE = Config(retries={"max_attempts": 0})


@pytest.fixture
def files() -> FailingFiles:
    return FailingFiles()


@pytest.fixture(params=["process", "power"])
def full(request: Any, tmp_path: Path, files: FailingFiles) -> Iterator[LocalCloud]:
    local = LocalCloud(directory=tmp_path, files=files, durability=request.param)
    yield local
    files.room = None
    local.close()


@pytest.fixture
def clients() -> Iterator[Clients]:
    made: list[Any] = []

    def make(local: LocalCloud, *services: str) -> list[Any]:
        new = [local.client(service, config=ONCE) for service in services]
        made.extend(new)
        return new

    yield make
    for one in made:
        one.close()


def refused(function: Any, **parameters: Any) -> int:
    with pytest.raises(ClientError) as caught:
        function(**parameters)
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
    assert "no room left" in caught.value.response["Error"]["Message"]
    status: int = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return status


def test_writing_is_refused_and_reading_goes_on(
    full: LocalCloud, files: FailingFiles, clients: Clients
) -> None:
    s3, sqs = clients(full, "s3", "sqs")
    s3.create_bucket(Bucket="orders")
    s3.put_object(Bucket="orders", Key="kept", Body=b"data")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    files.room = 0
    assert refused(s3.put_object, Bucket="orders", Key="small", Body=b"x") == 503
    assert refused(s3.put_object, Bucket="orders", Key="blob", Body=b"x" * 100_000) == 503
    assert refused(sqs.send_message, QueueUrl=queue, MessageBody="x") == 503
    assert s3.get_object(Bucket="orders", Key="kept")["Body"].read() == b"data"
    listed = s3.list_objects_v2(Bucket="orders")
    assert [found["Key"] for found in listed["Contents"]] == ["kept"]
    files.room = None
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "again"
    # The reading calls are recorded after all, each once.
    wanted = listed["ResponseMetadata"]["RequestId"]
    found = [
        record.request_id
        for entry in full.do(lambda: list(full.world.records()))
        for record in decode(entry.record)
    ]
    assert found.count(wanted) == 1
    assert len(found) == len(set(found))


def test_a_large_upload_leaves_nothing_behind(
    full: LocalCloud,
    files: FailingFiles,
    clients: Clients,
    caplog: pytest.LogCaptureFixture,
) -> None:
    [s3] = clients(full, "s3")
    s3.create_bucket(Bucket="orders")
    files.room = 1_500_000
    assert refused(s3.put_object, Bucket="orders", Key="big", Body=b"x" * 3_000_000) == 503
    assert list((full.directory / "spool").iterdir()) == []
    [line] = [one for one in caplog.records if one.name.startswith("mesocosm")]
    assert "was refused" in line.getMessage()
    assert line.exc_info is None  # one line, no traceback for each upload
    files.room = None
    s3.put_object(Bucket="orders", Key="big", Body=b"x" * 3_000_000)
    assert s3.head_object(Bucket="orders", Key="big")["ContentLength"] == 3_000_000


def test_a_cloud_ends_in_order_on_a_full_disk(
    tmp_path: Path, files: FailingFiles, clients: Clients
) -> None:
    local = LocalCloud(directory=tmp_path, files=files)
    [s3] = clients(local, "s3")
    s3.create_bucket(Bucket="orders")
    for number in range(80):
        s3.put_object(Bucket="orders", Key=f"k{number}", Body=b"x" * 16_000)
    files.room = 0
    local.close()  # it would like to write a checkpoint
    local = LocalCloud(directory=tmp_path)
    [s3] = clients(local, "s3")
    assert s3.list_objects_v2(Bucket="orders")["KeyCount"] == 80
    local.close()
