"""Fixtures of the tests of SQS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def sqs(client: Callable[..., Any]) -> Any:
    """A client of the default account."""
    return client("sqs")
