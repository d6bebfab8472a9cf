"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud

BEGINNING = "the-beginning"


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[LocalCloud]:
    """One server for the whole run; tests take `cloud`, which begins anew."""
    local = LocalCloud()
    local.snapshot(BEGINNING)
    yield local
    local.close()


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> LocalCloud:
    """A cloud with nothing in it."""
    shared_cloud.rewind(BEGINNING)
    return shared_cloud


@pytest.fixture
def client(cloud: LocalCloud) -> Callable[..., Any]:
    """`client("s3", account="111111111111", region="eu-west-1")`: a boto3 client of that account's root user."""
    return cloud.client
