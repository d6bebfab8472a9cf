"""Fixtures of the tests of Parameter Store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def ssm(client: Callable[..., Any]) -> Any:
    """Systems Manager as the root user of the default account sees it."""
    return client("ssm")
