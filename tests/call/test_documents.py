"""Policy texts are kept as long as a record refers to them, and no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mesocosm.call import documents as kept
from mesocosm.testing.local import LocalCloud
from mesocosm.world import HistoryWindow

DAY = 86_400


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cloud that keeps no history but the records, and looks for old texts often."""
    monkeypatch.setattr(kept, "RENEWED", 20)
    monkeypatch.setattr(kept, "UNUSED", 60)
    monkeypatch.setattr(kept, "LOOKED_EVERY", 2)
    monkeypatch.setattr(kept, "AT_ONCE", 7)
    local = LocalCloud(directory=tmp_path, history=HistoryWindow(hours=0.0))
    yield local
    local.close()


def texts(cloud: LocalCloud) -> int:
    return len(cloud.world.rows(kept.documents, *kept.PLACE))


def test_texts_that_no_record_refers_to_go(short: LocalCloud) -> None:
    root = short.client("iam")
    root.create_user(UserName="u")
    key = root.create_access_key(UserName="u")["AccessKey"]

    def call(sid: str) -> str:
        statement = {"Sid": sid, "Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        root.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy)
        answer = short.client("iam", credentials=key).list_users()
        return str(answer["ResponseMetadata"]["RequestId"])

    requests = [call(f"S{number}") for number in range(50)]
    for _ in range(80):
        root.list_users()
    short.do(short.world.checkpoint)
    assert texts(short) > 50, "the records are there for 90 days, and so are the texts"
    found = short.why(requests[0])
    assert found is not None
    assert found["decisions"][0]["explanation"]["decision"]["result"] == "Allowed"

    short.advance(91 * DAY)
    for _ in range(70):
        root.list_users()
    last = call("Last")
    short.do(short.world.checkpoint)
    for _ in range(70):
        root.list_users()
    assert texts(short) < 20
    found = short.why(last)
    assert found is not None
    assert found["decisions"][0]["explanation"]["decision"]["result"] == "Allowed"
    assert short.why(requests[0]) is None


def test_texts_in_use_stay(short: LocalCloud) -> None:
    root = short.client("iam")
    for _ in range(200):
        answer = root.list_users()
    short.advance(91 * DAY)
    short.do(short.world.checkpoint)
    for _ in range(100):
        answer = root.list_users()
    found = short.why(answer["ResponseMetadata"]["RequestId"])
    assert found is not None
    assert found["decisions"]
