"""Fixtures of the tests of SNS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.services.sns.support import Receiver


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    """A client of the default account."""
    return client("sns")


@pytest.fixture
def sqs(client: Callable[..., Any]) -> Any:
    """A client of the default account."""
    return client("sqs")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server on the loopback that keeps what is posted to it."""
    server = Receiver()
    yield server
    server.close()
