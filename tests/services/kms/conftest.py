"""A client for the tests of KMS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def kms(client: Callable[..., Any]) -> Any:
    """KMS as the root user of the default account."""
    return client("kms")
