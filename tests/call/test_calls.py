"""The life of a call: who may make it, what is recorded, what is said when it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.call.cloud import Settings
from mesocosm.call.record import CallRecord
from mesocosm.testing.local import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST_USERS = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Look", "Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
}


def user(cloud: LocalCloud, name: str = "bob", policy: Any = None) -> dict[str, str]:
    """A user with an access key, and with a policy if one is given."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if policy is not None:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return key


def refusal(function: Any, **parameters: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of the error a call is refused with."""
    with pytest.raises(ClientError) as caught:
        function(**parameters)
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def last(cloud: LocalCloud) -> CallRecord:
    """The record of the newest call."""
    return cloud.do(lambda: cloud.cloud.calls.newest)


def test_a_user_without_policies_may_do_nothing(cloud: LocalCloud) -> None:
    code, message, status = refusal(cloud.client("iam", credentials=user(cloud)).list_users)
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: iam:ListUsers on "
        "resource: arn:aws:iam::000000000000:user/ "
        "because no identity-based policy allows the iam:ListUsers action"
    )


def test_a_change_of_policy_acts_on_the_next_call(cloud: LocalCloud) -> None:
    iam = cloud.client("iam", credentials=user(cloud, policy=LIST_USERS))
    assert iam.list_users()["Users"]
    cloud.client("iam").delete_user_policy(UserName="bob", PolicyName="own")
    assert refusal(iam.list_users)[0] == "AccessDenied"


def test_the_record_says_which_statement_allowed(cloud: LocalCloud) -> None:
    cloud.client("iam", credentials=user(cloud, policy=LIST_USERS)).list_users()
    judgement = last(cloud).judgements[0]
    assert (judgement.result, judgement.by, judgement.policy, judgement.statement) == (
        "Allowed",
        "identity",
        "own",
        "Look",
    )


def test_a_denied_call_is_recorded_and_explained(cloud: LocalCloud) -> None:
    iam = cloud.client("iam", credentials=user(cloud))
    refusal(iam.list_users)
    record = last(cloud)
    assert (record.operation, record.error) == ("ListUsers", "AccessDenied")
    told = cloud.do(cloud.cloud.explain, record.request_id)
    assert told is not None
    assert told["decisions"][0]["result"] == "ImplicitlyDenied"
    assert told["decisions"][0]["explanation"]["decision"]["result"] == "ImplicitlyDenied"


def test_an_old_decision_is_explained_by_the_policies_of_its_time(cloud: LocalCloud) -> None:
    iam = cloud.client("iam", credentials=user(cloud, policy=LIST_USERS))
    iam.list_users()
    request_id = last(cloud).request_id
    cloud.client("iam").delete_user_policy(UserName="bob", PolicyName="own")
    told = cloud.do(cloud.cloud.explain, request_id)
    assert told is not None
    assert told["decisions"][0]["explanation"]["decision"]["result"] == "Allowed"


def test_the_request_is_recorded_without_secrets(cloud: LocalCloud) -> None:
    user(cloud)
    record = last(cloud)
    assert record.operation == "CreateAccessKey"
    assert b"HIDDEN_DUE_TO_SECURITY_REASONS" in bytes(record.response)


def test_what_is_missing_says_so(cloud: LocalCloud) -> None:
    code, message, status = refusal(cloud.client("kinesis").list_streams)
    assert (code, status) == ("NotImplemented", 501)
    assert message == "kinesis:ListStreams is not implemented."


def test_a_failure_while_deciding_is_recorded_as_one(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(call: Any, request: Any) -> str:
        raise RuntimeError("a fault of ours")

    sqs = cloud.client("sqs")
    sqs.list_queues()
    service = cloud.do(cloud.cloud.wake, "sqs")
    assert service is not None
    monkeypatch.setattr(service.operations["ListQueues"], "resource", broken)
    code, message, status = refusal(sqs.list_queues)
    assert (code, status) == ("InternalFailure", 500)
    assert "ours" not in message
    assert (last(cloud).operation, last(cloud).error) == ("ListQueues", "InternalFailure")


def test_a_wrong_secret_is_refused(cloud: LocalCloud) -> None:
    key = {**user(cloud, policy=LIST_USERS), "SecretAccessKey": "wrong"}
    code, _, status = refusal(cloud.client("iam", credentials=key).list_users)
    assert (code, status) == ("SignatureDoesNotMatch", 403)


def test_an_inactive_key_is_refused(cloud: LocalCloud) -> None:
    key = user(cloud, policy=LIST_USERS)
    cloud.client("iam").update_access_key(
        UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive"
    )
    code, _, status = refusal(cloud.client("iam", credentials=key).list_users)
    assert (code, status) == ("InvalidClientTokenId", 403)


def test_a_key_of_twelve_digits_is_the_root_user_of_that_account(cloud: LocalCloud) -> None:
    who = cloud.client("sts", account="123456789012").get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::123456789012:root"


def test_any_other_unknown_key_is_the_root_user_of_the_default_account(cloud: LocalCloud) -> None:
    key = {"AccessKeyId": "test", "SecretAccessKey": "test"}
    who = cloud.client("sts", credentials=key).get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::000000000000:root"


@pytest.fixture(scope="module")
def strict() -> Iterator[LocalCloud]:
    """A cloud that takes no unknown key."""
    local = LocalCloud(Settings(strict=True))
    yield local
    local.close()


def test_a_strict_cloud_refuses_unknown_keys(strict: LocalCloud) -> None:
    assert refusal(strict.client("sts").get_caller_identity) == (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        403,
    )


def test_calls_of_a_rewound_world_are_decided_by_its_policies(cloud: LocalCloud) -> None:
    key = user(cloud)
    cloud.snapshot("no-policy")
    cloud.client("iam").put_user_policy(
        UserName="bob", PolicyName="own", PolicyDocument=json.dumps(LIST_USERS)
    )
    iam = cloud.client("iam", credentials=key)
    assert iam.list_users()["Users"]
    cloud.rewind("no-policy")
    assert refusal(iam.list_users)[0] == "AccessDenied"


def test_untagging_fills_the_tag_keys_and_no_request_tags(cloud: LocalCloud) -> None:
    conditions = {
        "Null": {"aws:RequestTag/team": "true"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]},
    }
    untag = {
        "Effect": "Allow",
        "Action": ["iam:UntagUser", "sqs:UntagQueue"],
        "Resource": "*",
        "Condition": conditions,
    }
    allowed = user(cloud, policy={"Version": "2012-10-17", "Statement": [untag]})
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    iam, sqs = (cloud.client(name, credentials=allowed) for name in ("iam", "sqs"))
    iam.untag_user(UserName="bob", TagKeys=["team"])
    sqs.untag_queue(QueueUrl=url, TagKeys=["team", "cost"])
    assert last(cloud).judgements[0].context["aws:tagkeys"] == ["team", "cost"]
    assert refusal(iam.untag_user, UserName="bob", TagKeys=["team", "x"])[0] == "AccessDenied"
    assert refusal(sqs.untag_queue, QueueUrl=url, TagKeys=["x"])[0] == "AccessDenied"
