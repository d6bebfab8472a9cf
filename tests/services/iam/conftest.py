"""Fixtures of the tests of IAM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.iam.support import ACCOUNT

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def iam(cloud: LocalCloud) -> Any:
    """IAM as the root user of the account."""
    return cloud.client("iam", account=ACCOUNT)


@pytest.fixture
def signed_in(cloud: LocalCloud, iam: Any) -> Callable[..., Any]:
    """`signed_in("bob")`: a client with a new access key of a user."""

    def made(user: str) -> Any:
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return cloud.client("iam", credentials=key)

    return made
