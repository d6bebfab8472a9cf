"""Access keys: two for each user, verified, switched off, last used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.services.iam.support import ACCOUNT, policy, refusal

from mesocosm.testing.local import LocalCloud


def test_a_user_has_two_keys_at_most(iam: Any) -> None:
    iam.create_user(UserName="u")
    first = iam.create_access_key(UserName="u")["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", first["AccessKeyId"])
    assert len(first["SecretAccessKey"]) == 40
    iam.create_access_key(UserName="u")
    assert refusal(iam.create_access_key, UserName="u") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    listed = iam.list_access_keys(UserName="u")["AccessKeyMetadata"]
    assert listed[0]["AccessKeyId"] == first["AccessKeyId"]
    assert "SecretAccessKey" not in listed[0]


def test_a_key_can_be_switched_off_and_deleted(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:GetUser"))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    client = cloud.client("iam", credentials=key)
    client.get_user()
    which = {"UserName": "u", "AccessKeyId": key["AccessKeyId"]}
    iam.update_access_key(**which, Status="Inactive")
    assert refusal(client.get_user)[0] == "InvalidClientTokenId"
    iam.update_access_key(**which, Status="Active")
    client.get_user()
    wrong = {**key, "SecretAccessKey": "x" * 40}
    assert refusal(cloud.client("iam", credentials=wrong).get_user)[0] == "SignatureDoesNotMatch"
    iam.delete_access_key(**which)
    assert refusal(iam.delete_access_key, **which) == (
        "NoSuchEntity",
        f"The Access Key with id {key['AccessKeyId']} cannot be found.",
    )


def test_the_root_user_has_keys_too(cloud: LocalCloud, iam: Any) -> None:
    key = iam.create_access_key()["AccessKey"]
    assert key.get("UserName", "") == ""
    identity = cloud.client("sts", credentials=key).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert iam.get_account_summary()["SummaryMap"]["AccountAccessKeysPresent"] == 1
    iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
    assert iam.list_access_keys()["AccessKeyMetadata"] == []


def test_the_last_use_is_where_and_when_a_key_was_seen(
    cloud: LocalCloud, iam: Any, signed_in: Callable[..., Any]
) -> None:
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    which = {"AccessKeyId": key["AccessKeyId"]}
    found = iam.get_access_key_last_used(**which)
    assert found["UserName"] == "u"
    assert found["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    sts = cloud.client("sts", credentials=key, region="eu-west-1")
    sts.get_caller_identity()
    used = iam.get_access_key_last_used(**which)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("sts", "eu-west-1")
    other = cloud.client("iam", account="222222222222")
    assert refusal(other.get_access_key_last_used, **which)[0] == "AccessDenied"


def test_hot_calls_change_no_rows(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    sts = cloud.client("sts", credentials=key)
    sts.get_caller_identity()
    from mesocosm.services.iam.resources import rows

    def versions() -> list[int]:
        return [
            cloud.world.rows(table, account, "aws-global").version
            for table, account in ((rows.key_uses, ""), (rows.accesses, ACCOUNT))
        ]

    before = cloud.do(versions)
    for _ in range(5):
        sts.get_caller_identity()
    assert cloud.do(versions) == before
    cloud.advance(61)
    sts.get_caller_identity()
    assert cloud.do(versions) != before


def test_calls_to_two_services_in_turn_change_rows_once_a_minute(
    cloud: LocalCloud, iam: Any
) -> None:
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("iam:GetUser"))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    sts, own = (cloud.client(name, credentials=key) for name in ("sts", "iam"))
    from mesocosm.services.iam.resources import rows

    def version() -> int:
        return cloud.world.rows(rows.key_uses, "", "aws-global").version

    sts.get_caller_identity()
    own.get_user()
    before = cloud.do(version)
    sts.get_caller_identity()
    own.get_user()
    assert cloud.do(version) == before


def test_a_session_survives_the_renaming_of_its_user(cloud: LocalCloud, iam: Any) -> None:
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy("sqs:ListQueues"))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    session = cloud.client("sts", credentials=key).get_session_token()["Credentials"]
    sqs = cloud.client("sqs", credentials=session)
    sqs.list_queues()
    iam.update_user(UserName="u", NewUserName="v")
    sqs.list_queues()
    iam.delete_user_policy(UserName="v", PolicyName="p")
    assert refusal(sqs.list_queues)[0].endswith("AccessDenied")
