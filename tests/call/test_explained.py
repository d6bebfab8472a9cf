"""Decisions are explained later: also when their policies could first not be stored, and not when a
rewind has left them behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.simulate.kit import Machine

ROOT = {"AccessKeyId": "111111111111", "SecretAccessKey": "any"}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path / "data", 1, time.time)
    yield found
    found.close()


@pytest.fixture
def ana(machine: Machine) -> dict[str, Any]:
    """The keys of a user who may nothing."""
    iam = machine.client("iam", ROOT)
    iam.create_user(UserName="ana")
    keys: dict[str, Any] = iam.create_access_key(UserName="ana")["AccessKey"]
    return keys


def refused(machine: Machine, keys: dict[str, Any]) -> tuple[str, str]:
    """The code and the request id of a call that fails."""
    with pytest.raises(ClientError) as error:
        machine.client("sqs", keys).list_queues()
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["RequestId"]


def test_policies_that_could_not_be_stored_are_stored_later(
    machine: Machine, ana: dict[str, Any]
) -> None:
    machine.disk.full = True
    while_full = refused(machine, ana)
    machine.disk.full = False
    for code, request_id in (while_full, refused(machine, ana)):
        assert code == "AccessDenied"
        told = machine.cloud.explain(request_id)
        assert told is not None
        assert told["decisions"][0]["explanation"]["decision"]["result"] == "ImplicitlyDenied"


def test_a_call_left_behind_is_neither_listed_nor_explained(
    machine: Machine, ana: dict[str, Any]
) -> None:
    machine.run(lambda: machine.world.snapshot("before"))
    before = [record.request_id for record in machine.cloud.calls]
    _, request_id = refused(machine, ana)
    assert machine.cloud.explain(request_id) is not None
    machine.run(lambda: machine.world.rewind("before"))
    assert [record.request_id for record in machine.cloud.calls] == before
    assert machine.cloud.explain(request_id) is None
