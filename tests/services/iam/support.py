"""What the tests of IAM share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "111111111111"
ARN = f"arn:aws:iam::{ACCOUNT}"


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def status(function: Callable[..., Any], **arguments: Any) -> int:
    """The HTTP status of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    found: int = raised.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return found


def policy(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> str:
    """A policy of one statement."""
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(**principal: Any) -> str:
    """A trust policy for one principal."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


EC2 = trust(Service="ec2.amazonaws.com")
