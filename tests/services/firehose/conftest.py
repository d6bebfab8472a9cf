"""Fixtures of the tests of Firehose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.firehose.support import Stand

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def stand(cloud: LocalCloud, client: Callable[..., Any]) -> Stand:
    """A bucket, a role, a client."""
    return Stand(cloud, client)
