"""Rotation: schedules, and what is refused while there are no functions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.secretsmanager.support import DAY, refusal

from mesocosm.services.secretsmanager.operations import rotation
from mesocosm.services.secretsmanager.rules.schedule import schedule
from mesocosm.testing.local import LocalCloud
from mesocosm.wire.errors import AwsError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate"
RULES = {"AutomaticallyAfterDays": 30}


def test_a_function_that_is_not_there_cannot_rotate(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="s", SecretString="x")
    rotate = secretsmanager.rotate_secret
    assert refusal(rotate, SecretId="s", RotationRules=RULES) == (
        "InvalidRequestException",
        "No Lambda rotation function ARN is associated with this secret.",
    )
    assert refusal(rotate, SecretId="s", RotationRules=RULES, RotationLambdaARN=FUNCTION) == (
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
        "policy grants access to the principal secretsmanager.amazonaws.com.",
    )
    assert "RotationEnabled" not in secretsmanager.describe_secret(SecretId="s")
    secretsmanager.cancel_rotate_secret(SecretId="s")


def test_a_schedule_is_kept_by_the_clock(
    cloud: LocalCloud, secretsmanager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "callable_function", lambda call, arn: True)
    secretsmanager.create_secret(Name="s", SecretString="x")
    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "2h"}
    secretsmanager.rotate_secret(SecretId="s", RotationRules=rules, RotationLambdaARN=FUNCTION)
    shown = secretsmanager.describe_secret(SecretId="s")
    assert shown["RotationEnabled"] is True
    assert shown["RotationRules"] == rules
    first = shown["NextRotationDate"].timestamp()
    assert first == cloud.now() // DAY * DAY + 10 * DAY
    monkeypatch.undo()
    cloud.advance(11 * DAY)  # the function is gone: the rotation fails, the schedule stays
    shown = secretsmanager.describe_secret(SecretId="s")
    assert shown["NextRotationDate"].timestamp() == first + 10 * DAY
    assert "LastRotatedDate" not in shown
    secretsmanager.cancel_rotate_secret(SecretId="s")
    shown = secretsmanager.describe_secret(SecretId="s")
    assert shown["RotationEnabled"] is False
    assert "NextRotationDate" not in shown


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "now", "following"),
    [
        ("rate(4 hours)", "2026-03-01T05:30", "2026-03-01T08:00"),
        ("rate(10 days)", "2026-03-01T05:30", "2026-03-11T00:00"),
        ("cron(0 8 1 * ? *)", "2026-03-01T08:00", "2026-04-01T08:00"),
        ("cron(0 /8 * * ? *)", "2026-03-01T08:00", "2026-03-01T16:00"),
        ("cron(0 8 ? * FRI *)", "2026-03-01T08:00", "2026-03-06T08:00"),
        ("cron(0 1 ? * SUN#1 *)", "2026-03-02T00:00", "2026-04-05T01:00"),
        ("cron(0 17 ? * 2L *)", "2026-03-01T00:00", "2026-03-30T17:00"),
        ("cron(0 17 L * ? *)", "2026-02-01T00:00", "2026-02-28T17:00"),
        ("cron(0 0 L-2 * ? *)", "2026-02-01T00:00", "2026-02-26T00:00"),
        ("cron(0 9 1W * ? *)", "2026-02-02T00:00", "2026-02-02T09:00"),
        ("cron(0 0 1 1/3 ? *)", "2026-02-01T00:00", "2026-04-01T00:00"),
    ],
)
def test_when_windows_open(expression: str, now: str, following: str) -> None:
    assert schedule(None, expression, None).after(moment(now)) == moment(following)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(3 hours)",
        "rate(1000 days)",
        "rate(5 weeks)",
        "cron(5 8 1 * ? *)",
        "cron(0 8 1 * * *)",
        "cron(0 8 ? * ? *)",
        "cron(0 24 1 * ? *)",
        "cron(0 8 99 * ? *)",
        "cron(0 8 x * ? *)",
        "cron(0 8 1 * ?)",
        "at(2026)",
    ],
)
def test_schedules_that_cannot_be(expression: str) -> None:
    with pytest.raises(AwsError, match="InvalidParameterException"):
        schedule(None, expression, None)


@given(st.integers(4, 999), st.floats(0, 4e9))
def test_the_next_window_is_never_past(hours: int, now: float) -> None:
    following = schedule(None, f"rate({hours} hours)", None).after(now)
    assert following is not None
    assert now < following <= now + hours * 3600 + 86_400
