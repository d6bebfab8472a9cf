"""The unmodified AWS CLI and Parameter Store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.needs("aws")


def test_parameters_by_the_cli(aws: Callable[..., Any]) -> None:
    def ssm(*arguments: str) -> Any:
        return aws("ssm", *arguments)

    put = ("put-parameter", "--name", "/app/key", "--value", "v1", "--type", "SecureString")
    assert ssm(*put) == {"Version": 1, "Tier": "Standard"}
    error = ssm(*put)
    assert "(ParameterAlreadyExists) when calling the PutParameter operation" in error
    query = ("--with-decryption", "--query", "Parameters[0].Value", "--output", "text")
    assert ssm("get-parameters-by-path", "--path", "/app", *query) == "v1"
    image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    found = ssm("get-parameters", "--names", image, "--query", "Parameters[0].Value")
    assert found.startswith("ami-")
