"""Fixtures of the tests of Secrets Manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def secretsmanager(client: Callable[..., Any]) -> Any:
    """Secrets Manager as the root user of the default account sees it."""
    return client("secretsmanager")
