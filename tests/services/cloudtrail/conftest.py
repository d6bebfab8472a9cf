"""Fixtures of the tests of CloudTrail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def trail(client: Callable[..., Any]) -> Any:
    """A CloudTrail client of the default account."""
    return client("cloudtrail")


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    """An S3 client of the default account."""
    return client("s3")
