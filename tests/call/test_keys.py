"""Who a key stands for: made keys are verified, deleted ones nobody's, unknown ones root's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.call.keys import LONG_TERM, TEMPORARY, access_key_id, made_here
from mesocosm.testing.local import LocalCloud
from mesocosm.wire.body import MemoryBody
from mesocosm.wire.message import Headers, Request
from mesocosm.world.ids import Ids

Make = Callable[..., Any]


def refusal(client: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        client.get_caller_identity()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


UNKNOWN = ("InvalidClientTokenId", "The security token included in the request is invalid.")


def test_ids_that_a_cloud_makes_are_told_from_others() -> None:
    ids = Ids(1, "main", 0)
    for prefix in (LONG_TERM, TEMPORARY):
        made = access_key_id(ids, prefix)
        assert len(made) == 20
        assert made_here(made)
        changed = made[:-1] + ("A" if made[-1] != "A" else "B")
        assert not made_here(changed)
    others = ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "test", "", "A" * 20, "AKIAÄ" * 4]
    assert not any(map(made_here, others))


def test_unknown_keys_are_root_users(client: Make) -> None:
    for key, account in [
        ("222222222222", "222222222222"),
        ("test", "000000000000"),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
        ("1234567890123", "000000000000"),
    ]:
        credentials = {"AccessKeyId": key, "SecretAccessKey": "whatever"}
        told = client("sts", credentials=credentials).get_caller_identity()
        assert (told["Account"], told["Arn"]) == (account, f"arn:aws:iam::{account}:root")


@pytest.mark.parametrize("how", ["key", "user", "rewind", "reset"])
def test_a_key_that_is_gone_is_nobodys(cloud: LocalCloud, client: Make, how: str) -> None:
    iam = client("iam")
    cloud.snapshot(f"before {how}")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    sts = client("sts", credentials=key)
    assert sts.get_caller_identity()["Arn"].endswith(":user/bob")
    if how == "rewind":
        cloud.rewind(f"before {how}")
    elif how == "reset":
        cloud.begin_again()
    else:
        iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
        if how == "user":
            iam.delete_user(UserName="bob")
    assert refusal(sts) == UNKNOWN


def test_a_session_that_was_forgotten_is_nobodys(cloud: LocalCloud, client: Make) -> None:
    credentials = client("sts").get_session_token()["Credentials"]
    sts = client("sts", credentials=credentials)
    assert sts.get_caller_identity()["Account"] == "000000000000"
    cloud.advance(13 * 3600)
    assert refusal(sts)[0] == "ExpiredToken"
    cloud.advance(30 * 86_400)
    assert refusal(sts) == UNKNOWN


def test_a_wrong_secret_of_a_made_key_is_refused(client: Make) -> None:
    key = client("iam").create_access_key()["AccessKey"]
    wrong = client("sts", credentials={**key, "SecretAccessKey": "wrong"})
    assert refusal(wrong)[0] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("application/x-amz-json-1.0", 16 * 1024**2),
        ("multipart/form-data; boundary=x", 5 * 1024**3),
    ],
)
def test_an_unsigned_request_has_the_limit_of_its_service(
    cloud: LocalCloud, kind: str, limit: int
) -> None:
    fields = [("host", "localhost"), ("content-type", kind)]
    request = Request("POST", "/", "", Headers(fields), MemoryBody(b"", None), "127.0.0.1", False)
    assert cloud.cloud.identity.admit(request).limit == limit
