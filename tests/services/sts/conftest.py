"""Fixtures of the tests of STS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.sts.support import Federation, Provider


@pytest.fixture(scope="session")
def shared_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """One identity provider for all tests."""
    made = Provider(tmp_path_factory.mktemp("provider"))
    yield made
    made.close()


@pytest.fixture
def provider(shared_provider: Provider) -> Provider:
    """An identity provider that nobody has asked yet."""
    shared_provider.asked.clear()
    shared_provider.key_ids = {"rsa": shared_provider.rsa, "ec": shared_provider.ec}
    return shared_provider


@pytest.fixture(scope="session")
def federation() -> Federation:
    """A SAML provider."""
    return Federation()
