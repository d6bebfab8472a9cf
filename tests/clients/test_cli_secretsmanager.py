"""The unmodified AWS CLI and Secrets Manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.needs("aws")


def test_a_secret_by_the_cli(aws: Callable[..., Any]) -> None:
    def secrets(*arguments: str) -> Any:
        return aws("secretsmanager", *arguments)

    made = secrets("create-secret", "--name", "app/db", "--secret-string", '{"user":"a"}')
    found = secrets("get-secret-value", "--secret-id", made["ARN"])
    assert found["SecretString"] == '{"user":"a"}'
    assert found["VersionId"] == made["VersionId"]
    put = secrets("put-secret-value", "--secret-id", "app/db", "--secret-string", "two")
    assert put["VersionStages"] == ["AWSCURRENT"]
    secrets("delete-secret", "--secret-id", "app/db")
    error = secrets("get-secret-value", "--secret-id", "app/db")
    assert "(InvalidRequestException) when calling the GetSecretValue operation" in error
    assert "because it was marked for deletion." in error
