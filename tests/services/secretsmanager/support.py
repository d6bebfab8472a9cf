"""What the tests of Secrets Manager share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

DAY = 86_400
TOKENS = [f"{number:032d}" for number in range(200)]
"""Values for ClientRequestToken: ids of versions."""


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def stages(client: Any, name: str) -> dict[str, list[str]]:
    """The staging labels of a secret's versions."""
    found: dict[str, list[str]] = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    return found
