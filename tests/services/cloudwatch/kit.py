"""What the tests of CloudWatch share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def caller(client: Callable[..., Any], statements: list[dict[str, Any]]) -> Any:
    """A client of a new user with a policy."""
    iam = client("iam")
    iam.create_user(UserName="u")
    document = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    return client("cloudwatch", credentials=keys)
