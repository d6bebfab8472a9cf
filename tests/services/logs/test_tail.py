"""StartLiveTail: the events of the past second, each second, over an event stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.services.logs.kit import Make, say, stream
from tests.services.logs.test_encryption import key_for_logs

from mesocosm.testing.local import LocalCloud

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g"
# The SDK would put "stream-" before the host, and 127.0.0.1 has no such name.
PLAIN_HOST = Config(inject_host_prefix=False, read_timeout=20)


@pytest.fixture
def tail(client: Make) -> Callable[..., Any]:
    """A client for live tails."""
    return client("logs", config=PLAIN_HOST).start_live_tail  # type: ignore[no-any-return]


def until(updates: Any, cloud: LocalCloud, count: int) -> list[dict[str, Any]]:
    """The events of the updates that come while the clock goes on, up to so many."""
    found: list[dict[str, Any]] = []
    stop = threading.Event()

    def clock() -> None:
        while not stop.is_set():
            cloud.advance(1)

    thread = threading.Thread(target=clock)
    thread.start()
    try:
        for event in updates:
            found += event["sessionUpdate"]["sessionResults"]
            if len(found) >= count:
                return found
    finally:
        stop.set()
        thread.join()
    return found


def test_events_come_as_they_are_put(cloud: LocalCloud, client: Make, tail: Any) -> None:
    logs = stream(client)
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    say(cloud, logs, "ERROR long ago")
    answer = tail(logGroupIdentifiers=[GROUP], logEventFilterPattern="ERROR")
    updates = iter(answer["responseStream"])
    start = next(updates)["sessionStart"]
    assert start["logGroupIdentifiers"] == [GROUP]
    assert start["logEventFilterPattern"] == "ERROR"
    assert start["sessionId"]
    say(cloud, logs, "ERROR one", "fine")
    say(cloud, logs, "ERROR two", name="t")
    found = until(updates, cloud, 2)
    assert [(e["logStreamName"], e["message"]) for e in found] == [
        ("s", "ERROR one"),
        ("t", "ERROR two"),
    ]
    assert found[0]["logGroupIdentifier"] == "000000000000:g"
    say(cloud, logs, "ERROR three")
    assert [e["message"] for e in until(updates, cloud, 1)] == ["ERROR three"]
    answer["responseStream"].close()


def test_only_the_streams_asked_for_are_followed(
    cloud: LocalCloud, client: Make, tail: Any
) -> None:
    logs = stream(client)
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    answer = tail(logGroupIdentifiers=[GROUP], logStreamNamePrefixes=["t"])
    updates = iter(answer["responseStream"])
    next(updates)
    say(cloud, logs, "not this")
    say(cloud, logs, "this", name="t")
    assert [e["message"] for e in until(updates, cloud, 1)] == ["this"]
    answer["responseStream"].close()


def test_more_than_500_events_a_second_are_sampled(
    cloud: LocalCloud, client: Make, tail: Any
) -> None:
    logs = stream(client)
    answer = tail(logGroupIdentifiers=[GROUP])
    updates = iter(answer["responseStream"])
    next(updates)
    say(cloud, logs, *(f"m{number}" for number in range(2000)))
    assert len(until(updates, cloud, 1)) == 500
    answer["responseStream"].close()


def test_an_encrypted_group_is_followed(cloud: LocalCloud, client: Make, tail: Any) -> None:
    logs = stream(client)
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key_for_logs(client))
    answer = tail(logGroupIdentifiers=[GROUP])
    updates = iter(answer["responseStream"])
    next(updates)
    say(cloud, logs, "secret")
    assert [e["message"] for e in until(updates, cloud, 1)] == ["secret"]
    answer["responseStream"].close()


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"logGroupIdentifiers": ["g"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": [GROUP + "h"]}, "ResourceNotFoundException"),
        ({"logGroupIdentifiers": [GROUP], "logEventFilterPattern": "{"}, "InvalidParameter"),
        (
            {
                "logGroupIdentifiers": [GROUP],
                "logStreamNames": ["s"],
                "logStreamNamePrefixes": ["s"],
            },
            "InvalidParameterException",
        ),
    ],
)
def test_what_cannot_be_followed(
    client: Make, tail: Any, request_: dict[str, Any], code: str
) -> None:
    stream(client)
    with pytest.raises(ClientError, match=code):
        tail(**request_)


def test_a_session_needs_its_permission(cloud: LocalCloud, client: Make) -> None:
    stream(client)
    iam = client("iam")
    iam.create_user(UserName="u")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "logs:StartLiveTail", "Resource": f"{GROUP}2"}],
    }
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    user = cloud.client("logs", credentials=keys, config=PLAIN_HOST)
    with pytest.raises(ClientError, match="logs:StartLiveTail"):
        user.start_live_tail(logGroupIdentifiers=[GROUP])
    user.close()
