"""What the tests of KMS share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
OTHER = "111111111111"
DAY = 86_400


def refusal(function: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error a call ends with."""
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def key(kms: Any, **options: Any) -> str:
    """The ARN of a new key."""
    found: str = kms.create_key(**options)["KeyMetadata"]["Arn"]
    return found


def state(kms: Any, arn: str) -> str:
    """A key's state."""
    found: str = kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
    return found


def policy(*statements: dict[str, Any], account: str = ACCOUNT) -> str:
    """A key policy that leaves the account in control, with further statements."""
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [own, *statements]})


def allow(principal: Any, action: Any, **more: Any) -> dict[str, Any]:
    """A statement of a key policy."""
    to = principal if isinstance(principal, dict) else {"AWS": principal}
    return {"Effect": "Allow", "Principal": to, "Action": action, "Resource": "*", **more}


def user(client: Callable[..., Any], name: str, *statements: dict[str, Any]) -> Any:
    """The KMS client of a new user with an inline policy."""
    iam = client("iam")
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    return client("kms", credentials=keys)
