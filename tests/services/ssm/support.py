"""What the tests of Parameter Store share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

DAY = 86_400


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def put(ssm: Any, name: str, value: str = "v", kind: str = "String", **more: Any) -> Any:
    """Put a parameter."""
    return ssm.put_parameter(Name=name, Value=value, Type=kind, **more)


def value(ssm: Any, name: str) -> str:
    """The value of a parameter, decrypted."""
    found: str = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return found


def names(answer: dict[str, Any]) -> list[str]:
    """The names in a list of parameters."""
    return [one["Name"] for one in answer["Parameters"]]
