"""Services that call one another, controllers that run by themselves, calls that wait: with
services made for it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from mesocosm.api import iam as iam_api
from mesocosm.api import sqs as sqs_api
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.denial import seal, unseal
from mesocosm.call.identity import root_principal, service_principal
from mesocosm.call.service import Catalogue, Need, Service
from mesocosm.iam import Principal
from mesocosm.wire.errors import AwsError
from mesocosm.world import Change, Table, World


class Thing(msgspec.Struct, frozen=True):
    """A row of the service made for these tests."""

    count: int = 0


things: Table[str, Thing] = Table("tests.things", Thing)
echoes: Table[str, Thing] = Table("tests.echoes", Thing)


def made() -> tuple[Service, Service]:
    """Two services with real models: one that calls, one that is called."""
    caller, called = Service("iam", is_global=True), Service("sqs")

    @called.operation("CreateQueue", resource="arn:aws:sqs:us-east-1:000000000000:q")
    def create_queue(call: Call, request: sqs_api.CreateQueueRequest) -> sqs_api.CreateQueueResult:
        call.rows(things)[request.queue_name] = Thing()
        if request.queue_name == "bad":
            raise AwsError("QueueNameExists", "It is there.")
        return sqs_api.CreateQueueResult(queue_url=request.queue_name)

    @caller.operation("CreateUser")
    def create_user(call: Call, request: iam_api.CreateUserRequest) -> iam_api.CreateUserResponse:
        call.rows(things)[request.user_name] = Thing()
        by = service_principal("iam.amazonaws.com") if request.path == "/service/" else None
        try:
            call.invoke(
                "sqs",
                "CreateQueue",
                sqs_api.CreateQueueRequest(queue_name=request.user_name),
                principal=by,
            )
        except AwsError:
            if request.path == "/raise/":
                raise
        if request.path == "/late/":
            raise AwsError("LimitExceeded", "Too late.")
        return iam_api.CreateUserResponse()

    @called.reaction(things)
    def react(call: Call, change: Change) -> None:
        call.rows(echoes)[change.key] = Thing(1)

    @called.timer("tick")
    def tick(call: Call, key: str) -> None:
        row = call.rows(things).get(key, Thing())
        call.rows(things)[key] = Thing(row.count + 1)

    return caller, called


@pytest.fixture
def cloud(tmp_path: Any) -> Any:
    """A cloud of the two services, with no front before it."""
    caller, called = made()
    services = {"iam": caller, "sqs": called}
    world = World.open(tmp_path)
    yield Cloud(world, Catalogue(services.get, tuple(services), {}, {}), Settings())
    world.close()


def run(cloud: Cloud, name: str, path: str = "/", principal: Principal | None = None) -> Call:
    """CreateUser, in a transaction."""
    service = cloud.wake("iam")
    assert service is not None
    cloud.wake("sqs")
    operation = service.operations["CreateUser"]
    caller = principal or root_principal("000000000000")
    call = Call(cloud, service, operation, caller, "000000000000", "us-east-1", "id")
    with cloud.world.transaction():
        operation.function(call, iam_api.CreateUserRequest(user_name=name, path=path))
    return call


def queues(cloud: Cloud) -> set[str]:
    return set(cloud.world.rows(things, "000000000000", "us-east-1"))


def test_a_service_calls_another_with_the_callers_credentials(cloud: Cloud) -> None:
    record = run(cloud, "a").records[0]
    assert (record.service, record.operation) == ("sqs", "CreateQueue")
    assert record.principal.arn == "arn:aws:iam::000000000000:root"
    assert record.principal.invoked_by == "iam.amazonaws.com"
    assert record.principal.called_via == ("iam.amazonaws.com",)
    assert record.source_ip == "iam.amazonaws.com"
    assert record.judgements[0].result == "Allowed"
    assert queues(cloud) == {"a"}


def test_a_service_without_a_resource_policy_for_it_is_denied(cloud: Cloud) -> None:
    with pytest.raises(AwsError) as caught:
        run(cloud, "a", "/raise/", Principal(kind="user", account="000000000000", arn="x", id="y"))
    assert "no identity-based policy allows the sqs:CreateQueue action" in caught.value.message
    record = run(cloud, "b", "/service/").records[0]
    assert record.error == "AccessDeniedException"
    assert queues(cloud) == set()


def test_what_a_failed_inner_call_changed_is_undone(cloud: Cloud) -> None:
    run(cloud, "bad")
    assert queues(cloud) == set()
    assert set(cloud.world.rows(things, "000000000000", "aws-global")) == {"bad"}


def test_a_call_that_was_undone_with_its_caller_is_not_recorded(cloud: Cloud) -> None:
    service = cloud.wake("iam")
    assert service is not None
    outer = Call(cloud, service, None, root_principal("000000000000"), "000000000000", "x", "id")
    request = iam_api.CreateUserRequest(user_name="a", path="/late/")
    with cloud.world.transaction(), pytest.raises(AwsError, match="Too late"):
        outer.invoke("iam", "CreateUser", request)
    assert [(record.operation, record.error) for record in outer.records] == [
        ("CreateUser", "LimitExceeded")
    ]
    assert queues(cloud) == set()


def test_a_reaction_follows_a_commit(cloud: Cloud) -> None:
    run(cloud, "a")
    rows = cloud.world.rows(echoes, "000000000000", "us-east-1")
    assert "a" not in rows
    cloud.react()
    assert rows["a"] == Thing(1)


def test_timers_run_in_order_at_their_own_instant(cloud: Cloud) -> None:
    async def advanced() -> int:
        now = cloud.world.clock.now()
        with cloud.world.transaction():
            cloud.world.timers.at(now + 60, "sqs", "tick", "k", "000000000000", "us-east-1")
        await cloud.world.clock.advance(59)
        rows = cloud.world.rows(things, "000000000000", "us-east-1")
        assert "k" not in rows
        await cloud.world.clock.advance(2)
        return rows["k"].count

    assert asyncio.run(advanced()) == 1


def test_a_controllers_failure_stops_nothing(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    service = cloud.wake("sqs")
    assert service is not None

    @service.timer("fail")
    def fail(call: Call, key: str) -> None:
        call.rows(things)[key] = Thing()
        raise RuntimeError("broken")

    async def advanced() -> None:
        with cloud.world.transaction():
            now = cloud.world.clock.now()
            cloud.world.timers.at(now + 1, "sqs", "fail", "f", "000000000000", "us-east-1")
            cloud.world.timers.at(now + 2, "sqs", "tick", "k", "000000000000", "us-east-1")
        await cloud.world.clock.advance(3)

    asyncio.run(advanced())
    assert queues(cloud) == {"k"}
    assert "sqs: fail failed" in caplog.text


def test_an_encoded_message_is_read_by_its_own_world_only(cloud: Cloud, tmp_path: Any) -> None:
    sealed = seal(cloud.world, {"allowed": False})
    assert json.loads(unseal(cloud.world, sealed)) == {"allowed": False}
    with World.open(tmp_path / "other") as other, pytest.raises(AwsError) as caught:
        unseal(other, sealed)
    assert caught.value.code == "InvalidAuthorizationMessageException"


def test_ec2_encodes_its_denials(cloud: Cloud) -> None:
    ec2 = Service("ec2", encoded_denials=True, denied="UnauthorizedOperation")
    principal = Principal(kind="user", account="000000000000", arn="arn:x", id="AIDA")
    call = Call(cloud, ec2, None, principal, "000000000000", "us-east-1", "id")
    with pytest.raises(AwsError) as caught:
        cloud.gate.require(call, [Need("ec2:DescribeRegions")])
    error = caught.value
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    text, _, sealed = error.message.partition(" Encoded authorization failure message: ")
    assert text.startswith("You are not authorized to perform this operation. User: arn:x")
    told = json.loads(unseal(cloud.world, sealed))
    assert told["context"]["action"] == "ec2:DescribeRegions"
    assert told["allowed"] is False


def test_a_waiting_call_is_woken_by_its_topic(cloud: Cloud) -> None:
    async def waited() -> tuple[bool, bool]:
        now = cloud.world.clock.now()
        first = asyncio.ensure_future(cloud.waiting.wait("topic", now + 1000))
        await asyncio.wait([first], timeout=0)
        cloud.waiting.wake("topic")
        second = asyncio.ensure_future(cloud.waiting.wait("topic", now + 1000))
        await asyncio.wait([second], timeout=0)
        await cloud.world.clock.advance(1001)
        return await first, await second

    assert asyncio.run(waited()) == (False, True)
