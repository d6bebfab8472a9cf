"""Whose policies and keys a decision is made from: callers that look alike are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from mesocosm.call.authority import Credential
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.call.gate import compiled
from mesocosm.call.identity import service_principal
from mesocosm.call.service import Catalogue, Need, Service
from mesocosm.iam import Principal
from mesocosm.world import World

ACCOUNT = "111122223333"


@pytest.fixture
def cloud(tmp_path: Any) -> Any:
    world = World.open(tmp_path)
    services = {"sqs": Service("sqs")}
    yield Cloud(world, Catalogue(services.get, tuple(services), {}, {}), Settings())
    world.close()


def call(cloud: Cloud, principal: Principal, credential: Credential | None = None) -> Call:
    service = cloud.catalogue.service("sqs")
    assert service is not None
    made = Call(cloud, service, None, principal, principal.account, "us-east-1", "id")
    made.credential = credential
    return made


def test_called_via_is_of_the_call_and_not_of_the_caller(cloud: Cloud) -> None:
    own = Principal(kind="user", account=ACCOUNT, arn="u", id="AIDA", access_key_id="AKIA")
    via = Principal(
        kind="user", account=ACCOUNT, arn="u", id="AIDA", access_key_id="AKIA",
        called_via=("sqs.amazonaws.com",),
    )  # fmt: skip
    for principal, expected in ((own, "false"), (via, "true"), (own, "false")):
        keys = cloud.gate.gathered(call(cloud, principal)).keys
        assert keys["aws:viaawsservice"] == expected
        assert ("aws:calledvia" in keys) is (expected == "true")


def test_two_holders_of_tokens_are_two_callers(cloud: Cloud) -> None:
    for name in ("p:app:alice", "p:app:bob"):
        holder = Principal(kind="web-identity", account=ACCOUNT, id=name)
        assert cloud.gate.gathered(call(cloud, holder)).keys["aws:userid"] == name


def test_session_policies_are_those_of_the_session_that_acts(cloud: Cloud) -> None:
    policies = (("p", '{"Version":"2012-10-17","Statement":[]}'),)
    signer = Principal(kind="assumed-role", account=ACCOUNT, arn="r", id="AROA", access_key_id="A")
    credential = Credential("A", "", signer, "token", None, True, policies)
    assert cloud.gate.gathered(call(cloud, signer, credential)).stack.session
    holder = Principal(kind="web-identity", account=ACCOUNT, id="p:app:alice")
    assert not cloud.gate.gathered(call(cloud, holder, credential)).stack.session


def test_a_service_belongs_to_no_account_of_a_customer(cloud: Cloud) -> None:
    keys = cloud.gate.gathered(call(cloud, service_principal("sqs.amazonaws.com", ACCOUNT))).keys
    assert "aws:principalaccount" not in keys
    assert keys["aws:principalisawsservice"] == "true"


@pytest.mark.parametrize("kind", ["boundary", "session", "scp", "rcp"])
def test_a_limit_that_cannot_be_read_denies_everything(kind: str) -> None:
    (policy,) = compiled([("broken", "{")], kind)
    assert policy.select("s3:getobject").denies


def test_a_grant_that_cannot_be_read_grants_nothing() -> None:
    assert compiled([("broken", "{")], "identity") == ()


def test_what_no_key_had_a_part_in_is_decided_once_until_an_identity_changes(cloud: Cloud) -> None:
    statement = '{"Effect":"Allow","Action":"sqs:*","Resource":"*"%s}'
    agent = ',"Condition":{"StringEquals":{"aws:UserAgent":"boto3"}}'
    document = '{"Version":"2012-10-17","Statement":[' + statement + "]}"
    signer = Principal(kind="assumed-role", account=ACCOUNT, arn="r", id="AROA", access_key_id="A")

    def judged(policy: str, agent: str) -> tuple[str, int]:
        made = call(cloud, signer, Credential("A", "", signer, "t", None, True, (("p", policy),)))
        made.user_agent = agent
        gathered = cloud.gate.gathered(made)
        gathered.stack.identity = gathered.stack.session
        allowed = cloud.gate.allows(made, Need("sqs:SendMessage", f"arn:aws:sqs:x:{ACCOUNT}:q"))
        assert made.judgements[0].result == ("Allowed" if allowed else "ImplicitlyDenied")
        return made.judgements[0].result, len(gathered.decided)

    assert judged(document % "", "boto3") == ("Allowed", 1)
    assert judged(document % "", "other") == ("Allowed", 1)
    cloud.gate.forget()
    assert judged(document % agent, "boto3") == ("Allowed", 0)
    assert judged(document % agent, "other") == ("ImplicitlyDenied", 0)
